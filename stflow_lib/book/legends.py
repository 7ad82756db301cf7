"""No legend lies over data: a rule for every figure that a notebook displays.

`warn_of_covered` is asked about both forms of a figure (`stflow_lib.book.stacked`); what it says
stands in the notebook's output, where the site's tests look for warnings.
"""

import warnings
from collections.abc import Iterator

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def warn_of_covered(figure: Figure) -> None:
    """Warn where a legend of a figure that has been drawn covers data."""
    for found in covered(figure):
        warnings.warn(f"a legend covers {found}", stacklevel=2)


def covered(figure: Figure) -> list[str]:
    """What the legends of a figure cover, as it was last drawn: "label (title of the panel)".

    Points, lines, bars and areas count where they are inside the limits of their axes, words
    everywhere; maps do not, a legend with a frame may stand on them.
    """
    boxes = [one.get_window_extent() for one in figure.findobj(Legend) if one.get_visible()]
    found = [
        f"{_name(artist)} ({axes.get_title() or axes.get_ylabel() or 'no title'})"
        for axes in figure.axes
        for box in boxes
        if axes.get_visible()
        for artist in _under(box, axes)
    ]
    return list(dict.fromkeys(found))


def _name(artist: Artist) -> str:
    label = artist.get_text() if isinstance(artist, Text) else str(artist.get_label())
    return type(artist).__name__ if not label or label.startswith("_") else label


def _under(box: Bbox, axes: Axes) -> Iterator[Artist]:
    """What a panel shows in a box, in pixels."""
    yield from (word for word in _words(axes) if word.get_window_extent().overlaps(box))
    inside = Bbox.intersection(box, axes.bbox)
    if inside and inside.width and inside.height:
        yield from (artist for artist in _data(axes) if touches(artist, inside))


def _words(axes: Axes) -> list[Text]:
    """Titles, names of the axes and labels in a panel."""
    names = [axes.xaxis.label, axes.yaxis.label] if axes.axison else []
    words = [one for one in axes.get_children() if isinstance(one, Text)] + names
    return [word for word in words if word.get_visible() and word.get_text().strip()]


def _data(axes: Axes) -> list[Artist]:
    """Lines, points, areas and bars of a panel; no spans over its whole width or height."""
    groups = [group for group in axes.collections if not hasattr(group, "get_coordinates")]
    areas = [patch for patch in axes.patches if _is_in_data(patch, axes)]
    return [one for one in (*axes.lines, *groups, *areas) if one.get_visible()]


def _is_in_data(patch: Patch, axes: Axes) -> bool:
    return patch.get_transform().contains_branch_seperately(axes.transData) == (True, True)


def touches(artist: Line2D | Collection | Patch, box: Bbox) -> bool:
    """Whether what an artist draws is in a box, in pixels: its points, its lines, its areas."""
    if isinstance(artist, Line2D):
        path = artist.get_transform().transform_path(artist.get_path())
        return _is_in(path, box, filled=False, joined=artist.get_linestyle() != "None")
    if isinstance(artist, Collection):
        return _group_touches(artist, box)
    path = artist.get_transform().transform_path(artist.get_path())
    return _is_in(path, box, filled=artist.get_fill())


def _group_touches(group: Collection, box: Bbox) -> bool:
    """Points by their centres; lines and areas by their course."""
    points = group.get_offsets()
    if len(points) and group.get_offset_transform() != group.get_transform() and points.any():
        return bool(box.count_contains(group.get_offset_transform().transform(points)))
    paths = [group.get_transform().transform_path(path) for path in group.get_paths()]
    filled = not isinstance(group, LineCollection)
    return any(_is_in(path, box, filled) for path in paths)


def _is_in(path: Path, box: Bbox, filled: bool, joined: bool = True) -> bool:
    path = path.cleaned(remove_nans=True)
    crosses = joined and len(path.vertices) > 1 and path.intersects_bbox(box, filled)
    return bool(crosses or box.count_contains(path.vertices))
