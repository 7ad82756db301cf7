"""Maps with a slider over hours on the pages of the book, see `stflow_lib.data.slider_map`."""

from stflow_lib.book.display import show_html
from stflow_lib.data.slider_map import SliderMap, to_html


def show(shown: SliderMap) -> None:
    """The map on the page of a notebook; its title as plain text elsewhere."""
    names = ", ".join(one.name for one in shown.layers)
    show_html(
        to_html(shown), f"{shown.title}: {names}; {len(shown.frames)} {shown.slider}s to see"
    )
