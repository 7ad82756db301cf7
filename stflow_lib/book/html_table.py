"""Tables as HTML: one row of headings where one suffices, the best in bold, room to scroll.

What is the same in the whole table stands in its caption and nowhere else. Decimal points of a
column stand below each other.
"""

import html
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import stats

SENTENCE = 45  # letters from which a cell of a table may be broken into lines
TALL = 24  # rows from which a table scrolls in a frame
WIDE, CROWDED = 5, 9  # columns above which it is tight, and above which intervals may be broken
ABSENT = frozenset({"not run", "-", "–", ""})
RUNS = re.compile(r"^(?P<mean>\d[\d.]*)(?: ± (?P<spread>[\d.]+))?(?: \(n=(?P<n>\d+)[^)]*\))?$")
COUNT = re.compile(r" \(n=(\d+)\)$")
NUMBER = re.compile(r"^(?P<mark>\ue000?)(?P<whole>[+−-]?\d[\d,]*)(?=[.\s%×]|$)")
BOLD = "\ue000", "\ue001"  # private letters that become tags once all others are escaped
WHOLE = (
    "\ue002",
    "\ue003",
    "\ue004",
)  # before a width in figures, around the part that is so wide
MARKED = re.compile(f"{WHOLE[0]}(\\d+){WHOLE[1]}([^{WHOLE[2]}]*){WHOLE[2]}([^ <{BOLD[1]}]*)")
DIGIT = 0.7  # em
SPREAD, SIGN = re.compile(r" (?=±)"), re.compile(r"(?<=±) ")
INTERVAL = re.compile(r"(?<=\d,) (?=[+−-]?\d[\d.]*\])")


def simplify(frame: pd.DataFrame, caption: str) -> tuple[pd.DataFrame, str]:
    """Without levels and counts of seeds that say nothing, and a caption that says them."""
    for step in (_one_level, _one_count):
        frame, said = step(frame)
        new = [text for text in said if text.lower() not in caption.lower()]
        caption = ", ".join(filter(None, [caption, *new]))
    return frame, caption


def _one_level(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Levels of the headings that have the same name everywhere go into the caption."""
    said: list[str] = []
    columns = frame.columns
    for level in reversed(range(columns.nlevels)):
        names = columns.get_level_values(level).unique()
        if columns.nlevels > 1 and len(names) == 1:
            name = f"{columns.names[level] or ''} {names[0]}".strip()
            said.insert(0, name if str(names[0]).isdigit() else str(names[0]))
            columns = columns.droplevel(level)
    return frame.set_axis(columns, axis=1), said


def _one_count(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The number of seeds goes into the caption where all cells that have one agree."""
    texts = frame.select_dtypes(exclude="number").astype(str)
    found = {m[1] for text in texts.to_numpy().ravel() if (m := COUNT.search(text))}
    other = texts.map(lambda text: "(n=" in text and not COUNT.search(text)).to_numpy().any()
    if len(found) != 1 or other:
        return frame, []
    return frame.replace(COUNT.pattern, "", regex=True), [f"n={found.pop()}"]


def without_gaps(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table without rows in which nothing has been run, and the names of these."""
    ran = frame.astype(str).isin({"not run"} | ABSENT)
    empty = ran.all(axis=1) & frame.astype(str).eq("not run").any(axis=1)
    if empty.all() or frame.index.nlevels > 1:
        return frame, []
    return frame[~empty], [str(name) for name in frame.index[empty]]


def bold_best(frame: pd.DataFrame) -> pd.DataFrame:
    """Marks in each column of means the lowest, and those whose difference from it may be chance.

    Cells are "MEAN ± SPREAD (n=SEEDS)"; a tie is a difference inside Welch's 95 % interval.
    """
    shown = frame.astype(object).copy()
    for k in range(frame.shape[1]):
        best = lowest(frame.iloc[:, k].astype(str))
        shown.iloc[:, k] = [f"{BOLD[0]}{cell}{BOLD[1]}" if mark else cell
                            for cell, mark in zip(frame.iloc[:, k], best, strict=True)]  # fmt: skip
    return shown


def lowest(cells: Iterable[str], seeds: int = 3) -> list[bool]:
    """Which cells hold the lowest mean or one that ties with it; `seeds` where none are named."""
    found = [RUNS.match(cell) for cell in cells]
    known = [(float(m["mean"]), float(m["spread"] or "nan"), int(m["n"] or seeds)) if m else None
             for m in found]  # fmt: skip
    if sum(one is not None for one in known) < 2:
        return [False] * len(known)
    first = min(one for one in known if one)
    return [one is not None and _ties(one, first) for one in known]


def _ties(one: tuple[float, float, int], best: tuple[float, float, int]) -> bool:
    """Whether two means (mean, spread, n) differ by no more than chance allows."""
    if one[0] == best[0]:
        return True
    parts = [(s**2 / n, n) for _, s, n in (one, best) if np.isfinite(s)]
    if len(parts) < 2 or not (variance := sum(v for v, _ in parts)):
        return False
    freedom = variance**2 / sum(v**2 / (n - 1) for v, n in parts if n > 1)
    return abs(one[0] - best[0]) <= stats.t.ppf(0.975, freedom) * variance**0.5


def on_the_point(frame: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Marks the whole part of numbers in columns of text, so that all of a column are as wide.

    A column counts as one of numbers where most of its cells begin with one; its floats get
    `digits` decimals.
    """
    shown = frame.copy()
    for k in range(frame.shape[1]):
        if not pd.api.types.is_numeric_dtype(frame.iloc[:, k]):
            texts = [_text(cell, digits) for cell in frame.iloc[:, k]]
            shown.isetitem(k, pd.Series(_aligned(texts), frame.index, dtype=object))
    return shown


def _text(cell: object, digits: int) -> object:
    return f"{cell:.{digits}f}" if isinstance(cell, float) and not np.isnan(cell) else cell


def _aligned(cells: list) -> list:
    found = [NUMBER.match(cell) if isinstance(cell, str) else None for cell in cells]
    widths = [len(m["whole"]) for m in found if m]
    filled = [cell for cell in cells if str(cell) not in ABSENT | {"nan", "None"}]
    ragged = len(set(widths)) > 1 or any(m["mark"] for m in found if m)
    if not ragged or 2 * len(widths) < len(filled):
        return cells
    return [f"{m['mark']}{WHOLE[0]}{max(widths)}{WHOLE[1]}{m['whole']}{WHOLE[2]}{cell[m.end():]}"
            if m else cell for m, cell in zip(found, cells, strict=True)]  # fmt: skip


def to_html(frame: pd.DataFrame, caption: str, digits: int, index: bool, search: bool) -> str:
    """The table with its caption above it, in a frame that scrolls and can be focused."""

    def number(value: float) -> str:
        return f"{round(value, digits) + 0.0:.{digits}f}"  # no minus before a zero

    table = _named_corner(on_the_point(frame, digits)).to_html(
        float_format=number, na_rep="–", index=index, border=0, justify="right"
    )
    named = html.escape(re.sub(r"\s+", " ", caption) or "table", quote=True)
    title = f'<p class="table-caption">{html.escape(caption)}</p>' if caption else ""
    frame_tag = f'<div class="{classes(frame, index, search)}" role="region" tabindex="0"'
    table = _with_tags(table, frame.shape[1])
    return f'{title}{frame_tag} aria-label="{named}">{table}</div>'


def _with_tags(table: str, columns: int) -> str:
    """Private letters become tags: DIGIT em hold a figure of any font, bold or not.

    Numbers are whole; intervals unless the table is crowded, and unless it is wide numbers keep
    their spread.
    """
    for pattern in [SIGN] + [INTERVAL] * (columns <= CROWDED) + [SPREAD] * (columns <= WIDE):
        table = pattern.sub("\N{NO-BREAK SPACE}", table)
    table = MARKED.sub(
        lambda m: (
            f'<span class="number"><span style="min-width:{DIGIT * int(m[1]):.1f}em">'
            f"{m[2]}</span>{m[3]}</span>"
        ),
        table,
    )
    return table.replace(BOLD[0], "<strong>").replace(BOLD[1], "</strong>")


def _named_corner(frame: pd.DataFrame) -> pd.DataFrame:
    """The names of index and last heading in the corner, where pandas would spend a row on it."""
    if frame.index.nlevels > 1:
        return frame
    names = [name for name in (frame.index.name, frame.columns.names[-1]) if name]
    corner = " / ".join(dict.fromkeys(map(str, names))) or None
    above = frame.columns.names[:-1]
    return frame.rename_axis(index=None).rename_axis(columns=[*above, corner])


def classes(frame: pd.DataFrame, index: bool, search: bool = False) -> str:
    """Classes for columns of words (and of sentences), counted from the right; for size.

    From the right, because a joined index drops cells on the left.
    """
    long = index and any(len(str(name)) > SENTENCE for name in frame.index)
    names = ["table-scroll"] + ["indexed"] * index + ["sentence-index"] * long
    names += ["levels"] * (index and frame.index.nlevels > 1)
    for n, (_, column) in enumerate(list(frame.items())[::-1], start=1):
        if not pd.api.types.is_numeric_dtype(column):
            long = column.astype(str).str.len().max() > SENTENCE
            names += [f"words-{n}"] + [f"sentence-{n}"] * bool(long)
    names += ["tall"] * (len(frame) > TALL) + ["wide"] * (frame.shape[1] > WIDE)
    return " ".join(names + ["searchable"] * search)
