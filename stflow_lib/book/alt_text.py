"""What a figure shows, in words: for readers who hear the page, and for those who read no picture.

`install` makes it the plain text of every matplotlib figure that a notebook displays; the site
takes it from there as the picture's alt text (`stflow_lib.book.extension`).
"""

from collections.abc import Iterable, Iterator

import numpy as np
from matplotlib.figure import Figure

MOST = 4  # panels, and series of a panel, that are described one by one
EMPTY = "nothing is drawn"


def install() -> None:
    """Figures say in IPython what they show, where they said how large they are."""
    Figure._repr_pretty_ = lambda figure, printer, cycle: printer.text(describe(figure))


def describe(figure: Figure) -> str:
    """Title, axes and main reading of every panel of a matplotlib figure, as sentences."""
    panels = [
        axes
        for axes in figure.axes
        if axes.get_visible() and (axes.axison or axes.images) and not _is_scale(axes)
    ]
    texts = [_panel(axes) for axes in panels[:MOST]]
    rest = len(panels) - MOST
    more = [f"And {_number(rest, 'more panel')} of the same kind"] if rest > 0 else []
    count = [f"Figure with {len(panels)} panels"] if len(panels) > 1 else ["Figure"]
    title = " ".join(figure.get_suptitle().split())
    return ". ".join([*([title] if title else count), *texts, *more]).replace("..", ".") + "."


def _is_scale(axes) -> bool:
    return axes.get_label() == "<colorbar>"


def _panel(axes) -> str:
    """A panel: its title, what stands on its axes, what its lines, points, bars or cells say."""
    title = " ".join((axes.get_title() or axes.get_title("left")).split())
    names = [axes.get_xlabel(), axes.get_ylabel()]
    sides = [f"{side}: {' '.join(name.split())}" for side, name in zip("xy", names, strict=True)
             if name]  # fmt: skip
    said = list(_readings(axes))
    shown = said[:MOST] + [f"{len(said) - MOST} more"] * (len(said) > MOST)
    return "; ".join(filter(None, [title, ", ".join(sides), ", ".join(shown) or EMPTY]))


def _readings(axes) -> Iterator[str]:
    for image in axes.images:
        yield f"map with values from {_span(np.asarray(image.get_array()).ravel())}"
    for bars in axes.containers:
        if hasattr(bars, "orientation") and len(bars):
            yield _bars(axes, bars)
    data = axes.transData
    lines = [line for line in axes.lines
             if line.get_transform().contains_branch_seperately(data) == (True, True)]  # fmt: skip
    yield from _lines(lines)
    for group in axes.collections:
        yield from _group(group)
    yield from _shapes(axes)


def _shapes(axes) -> Iterator[str]:
    """Areas that are no bars, arrows and words, by their number."""
    held = {id(part) for bars in axes.containers for part in bars}
    areas = [patch for patch in axes.patches if id(patch) not in held]
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    words = [text for text in axes.texts if text.get_text().strip()]
    for found, what in ((areas, "area"), (arrows, "arrow"), (words, "label")):
        if found:
            yield _number(len(found), what)


def _lines(lines: list) -> Iterator[str]:
    """Named lines by their ends and span, those without a name together."""
    bare = [line for line in lines if line.get_label().startswith("_")]
    for line in lines:
        values = _finite(line.get_ydata())
        if line not in bare and len(values):
            ends = f"{values[0]:.3g} to {values[-1]:.3g}"
            yield f"{line.get_label()} from {ends}, between {_span(values, 'and')}"
    if bare:
        together = np.concatenate([_finite(line.get_ydata()) for line in bare])
        yield f"{_number(len(bare), 'line')} between {_span(together, 'and')}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)


def _group(group) -> Iterator[str]:
    """Points by their number and median; meshes by their values; other areas by number."""
    name = "" if group.get_label().startswith("_") else f"{group.get_label()}: "
    values, points = group.get_array(), np.asarray(group.get_offsets())
    if hasattr(group, "get_coordinates"):
        yield f"{name}map with values from {_span(values)}"
    elif len(points) and group.get_offset_transform().is_affine and np.any(points):
        middle = np.ma.median(np.ma.masked_invalid(points), axis=0)
        where = " ".join(
            f"{side} {value:.3g}" for side, value in zip("xy", middle, strict=True)
        )
        yield f"{name}{_number(len(points), 'point')}, median {where}"
    elif len(group.get_paths()):
        yield f"{name}{len(group.get_paths())} areas or lines"


def _bars(axes, bars) -> str:
    """Bars by their number, and which is the longest."""
    flat = bars.orientation == "horizontal"
    sizes = [bar.get_width() if flat else bar.get_height() for bar in bars]
    longest = int(np.nanargmax(np.abs(sizes))) if np.isfinite(sizes).any() else 0
    bar, axis = bars[longest], axes.yaxis if flat else axes.xaxis
    middle = bar.get_y() + bar.get_height() / 2 if flat else bar.get_x() + bar.get_width() / 2
    name = "" if bars.get_label().startswith("_") else f"{bars.get_label()}: "
    place = _tick(axis, middle)
    return f"{name}{_number(len(bars), 'bar')}, the longest{place} {sizes[longest]:.3g}"


def _tick(axis, place: float) -> str:
    """The text at a place of an axis that has names, as " at NAME"."""
    named = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    texts = [label.get_text() for where, label in named if abs(where - place) < 0.51]
    return f" at {' '.join(texts[0].split())}:" if texts and texts[0] else ""


def _finite(values: Iterable) -> np.ndarray:
    """The finite ones among values; none where they are no numbers."""
    try:
        numbers = np.ma.masked_invalid(np.ma.asarray(values).astype(float))
    except (TypeError, ValueError):
        return np.array([])
    return numbers.compressed()


def _span(values: Iterable, word: str = "to") -> str:
    found = _finite(values)
    return f"{found.min():.3g} {word} {found.max():.3g}" if len(found) else "nowhere"
