"""A figure once more for narrow screens: its panels below each other, its words no smaller.

`install` sends it beside the picture of every wide matplotlib figure that a notebook displays,
under the type NARROW, which readers of notebooks pass over; `stflow_lib.book.published` takes it
from there, and the site shows it on a phone (`stflow_lib.book.extension`).
"""

import textwrap
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter

from stflow_lib.book.legends import warn_of_covered
from stflow_lib.book.published import NARROW

WIDTH, LETTERS = 5.0, 9.0  # inches of the figure, points of its tick labels at least
SMALLEST = 8.5  # points of tick labels that a phone shows without a second picture
FITS = 5.5  # inches that a phone shows without a second picture
MANY, LEAST = 6, 3.6  # panels from which those up to so many inches stand in pairs
LOWEST, TURNED = 2.6, 0.5  # inches of a panel that stood beside another, of turned labels
LETTER = 0.55 / 72  # inches of a letter for each point of its size
NAMES, ROW = (
    0.4,
    1.4 * LETTERS / 72,
)  # share of the width for names at the y axis; inches of a line
EDGES = 1.0  # inches of title and numbers above and below a panel


def install() -> None:
    """Figures that are too wide for a phone have two forms in IPython."""
    Figure._repr_mimebundle_ = lambda figure, **chosen: forms(figure)


def forms(figure: Figure) -> dict[str, str]:
    """A figure as PNG in base64, by type: as it is, and narrow where that is another."""
    wide = _png(figure)  # first: what a layout gives depends on the one before
    warn_of_covered(figure)
    if not is_wide(figure):
        return {"image/png": wide}
    with stacked(figure):
        narrow = _png(figure)
        warn_of_covered(figure)
    return {"image/png": wide, NARROW: narrow}


def _png(figure: Figure) -> str:
    target = BytesIO()
    figure.savefig(target, format="png", dpi=figure.dpi, bbox_inches="tight")
    return b64encode(target.getvalue()).decode()


def is_wide(figure: Figure) -> bool:
    """Whether a phone shows the words of a figure too small."""
    sizes = [text.get_fontsize() for panel in _panels(figure) for text in _ticks(panel)]
    return figure.get_figwidth() > FITS or min(sizes, default=SMALLEST) < SMALLEST


@contextmanager
def stacked(figure: Figure) -> Iterator[None]:
    """Inside, the panels of a figure of subplots stand below each other, WIDTH inches wide."""
    with ExitStack() as undo:
        panels = _panels(figure)
        apart = [panel for panel in panels if panel.get_gridspec().ncols > 1]
        for panel in apart:
            _say_what_neighbours_said(undo, panel, panels)
        _place(undo, figure, panels)
        _renew_legends(undo, figure)
        _fit_words(undo, figure, panels)
        yield


def _panels(figure: Figure) -> list[Axes]:
    """Axes of the figure's grid that show something, row by row."""
    found = [axes for axes in figure.axes if axes.get_subplotspec()]
    return [axes for axes in found if axes.get_visible() and (axes.axison or axes.has_data())]


def _ticks(panel: Axes) -> list[Text]:
    return [*panel.get_xticklabels()[:1], *panel.get_yticklabels()[:1]] if panel.axison else []


def _set(undo: ExitStack, artist, **values) -> None:
    """Set properties until `undo` ends."""
    for name, value in values.items():
        undo.callback(getattr(artist, f"set_{name}"), getattr(artist, f"get_{name}")())
        getattr(artist, f"set_{name}")(value)


def _set_ticks(undo: ExitStack, panel: Axes, side: str, **values) -> None:
    """Set parameters of the tick labels of axis "x" or "y" until `undo` ends."""
    plain = {"labelrotation": 0, "labelsize": rcParams[f"{side}tick.labelsize"]}
    before = plain | _axis(panel, side).get_tick_params()
    for name, value in values.items():
        undo.callback(panel.tick_params, axis=side, **{name: before.get(name, True)})
        panel.tick_params(axis=side, **{name: value})


def _say_what_neighbours_said(undo: ExitStack, panel: Axes, panels: list[Axes]) -> None:
    """Title, names and numbers of the axes where the grid has them at its edges alone."""
    spec = panel.get_subplotspec()
    column = [one for one in panels if one.get_subplotspec().colspan == spec.colspan]
    row = [one for one in panels if one.get_subplotspec().rowspan == spec.rowspan]
    _copy(undo, panel.title, column[0].title)
    for other, side, labels in ((column[-1], "x", "labelbottom"), (row[0], "y", "labelleft")):
        if _have_one_axis(panel, other, side):
            _copy(undo, _axis(panel, side).label, _axis(other, side).label)
            if _axis(other, side).get_tick_params().get(labels, True):
                _set_ticks(undo, panel, side, **{labels: True})


def _have_one_axis(panel: Axes, other: Axes, side: str) -> bool:
    """Whether the names of an axis of one panel hold for another: shared axes, and maps."""
    shared = getattr(panel, f"get_shared_{side}_axes")().joined(panel, other)
    return shared or bool(panel.images and other.images)


def _copy(undo: ExitStack, own: Text, its: Text) -> None:
    if its.get_text() and not own.get_text():
        _set(undo, own, text=its.get_text())


def _axis(panel: Axes, side: str) -> Axis:
    return panel.xaxis if side == "x" else panel.yaxis


def _place(undo: ExitStack, figure: Figure, panels: list[Axes]) -> None:
    """One column of panels, or pairs of small ones, each as high as it was."""
    if not panels:
        return
    rows, columns = panels[0].get_gridspec().get_geometry()
    width = figure.get_figwidth() / columns
    abreast = 2 if len(panels) > MANY and width <= LEAST else max(1, int(WIDTH / width))
    lines = -(-len(panels) // abreast)
    grid = figure.add_gridspec(lines, abreast)
    for axes in figure.axes:
        if axes.get_subplotspec() and axes not in panels:
            _set(undo, axes, subplotspec=grid[0], in_layout=False)
    for k, panel in enumerate(panels):
        _set(undo, panel, subplotspec=grid[divmod(k, abreast)])
    shrink = min(1, WIDTH / abreast / width) if panels[0].get_aspect() != "auto" else 1
    height = shrink * lines * max(figure.get_figheight() / rows, LOWEST * (columns > abreast))
    undo.callback(figure.set_size_inches, *figure.get_size_inches())
    figure.set_size_inches(min(WIDTH, figure.get_figwidth()), height)


def _renew_legends(undo: ExitStack, figure: Figure) -> None:
    """Legends of the whole figure stand below it, in as many columns as fit."""
    kept = list(figure.legends)
    undo.callback(figure.legends.__setitem__, slice(None), kept)
    figure.legends.clear()
    for old in kept:
        texts = [text.get_text() for text in old.get_texts()]
        size = old.get_texts()[0].get_fontsize() if texts else SMALLEST
        longest = max(map(len, texts), default=1) * size * LETTER + 0.6
        figure.legend(old.legend_handles, texts, loc="outside lower center", frameon=False,
                      fontsize=size, ncols=max(1, int(WIDTH / longest)),
                      title=old.get_title().get_text() or None)  # fmt: skip


def _lay_out(figure: Figure) -> None:
    """Place all parts; a figure whose words leave no room for its panels becomes higher."""
    for _ in range(4):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            figure.draw_without_rendering()
        if not any("collapsed" in str(warning.message) for warning in told):
            return
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, 1.4 * height)


def _fit_words(undo: ExitStack, figure: Figure, panels: list[Axes]) -> None:
    """Titles and names are broken into lines; tick labels are not small, and turned if crowded."""
    for text in figure.texts:
        _wrap(undo, text, figure.get_figwidth())
    for panel in panels:
        width = figure.get_figwidth() / panel.get_gridspec().ncols
        for text in panel.get_children():
            if isinstance(text, Text) and text not in panel.texts:
                _wrap(undo, text, width)
        _wrap(undo, panel.xaxis.label, width)
        _wrap_names(undo, panel, width)
        for side in "xy":
            labels = getattr(panel, f"get_{side}ticklabels")()
            if labels and labels[0].get_fontsize() < LETTERS:
                _set_ticks(undo, panel, side, labelsize=LETTERS)
    _lay_out(figure)
    crowded = [panel for panel in panels if _is_crowded(panel)]
    for panel in crowded:
        _set_ticks(undo, panel, "x", labelrotation=90)
    if crowded:
        lines = len({panel.get_subplotspec().rowspan for panel in crowded})
        figure.set_figheight(figure.get_figheight() + TURNED * lines)
    else:  # laid out already
        _set(undo, figure, layout_engine="none")


def _wrap(undo: ExitStack, text: Text, width: float) -> None:
    letters = max(10, int(width / (text.get_fontsize() * LETTER)))
    if len(text.get_text()) > letters and "$" not in text.get_text():
        _set(undo, text, text=textwrap.fill(text.get_text(), letters))


def _wrap_names(undo: ExitStack, panel: Axes, width: float) -> None:
    """Names at the y axis are broken into lines that leave the panel most of the width."""
    letters = int(NAMES * width / (LETTERS * LETTER))
    names = [label.get_text() for label in panel.get_yticklabels()]
    folded = [textwrap.fill(name, letters) for name in names]
    lines = max((name.count("\n") + 1 for name in folded), default=1)
    if lines == 1 or any("$" in name for name in names):
        return
    undo.callback(panel.yaxis.set_major_formatter, panel.yaxis.get_major_formatter())
    panel.yaxis.set_major_formatter(FixedFormatter(folded))
    for text in (panel.title, panel.xaxis.label):  # they stand over the panel alone
        _wrap(undo, text, (1 - NAMES) * width)
    rows = panel.get_gridspec().nrows
    needed = rows * (lines * len(names) * ROW + EDGES)
    panel.figure.set_figheight(max(panel.figure.get_figheight(), needed))


def _is_crowded(panel: Axes) -> bool:
    """Whether tick labels of the x axis touch each other."""
    boxes = [label.get_window_extent() for label in panel.get_xticklabels() if label.get_text()]
    ends = np.array(sorted((box.x0, box.x1) for box in boxes)).reshape(-1, 2)
    return panel.axison and bool((ends[1:, 0] < ends[:-1, 1]).any())
