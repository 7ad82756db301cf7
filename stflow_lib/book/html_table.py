"""Tables as HTML: one row of headings where one suffices, the best in bold, room to scroll.

What is the same in the whole table stands in its caption and nowhere else.
"""

import html
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import stats

SENTENCE = 45  # letters from which a cell of a table may be broken into lines
TALL, WIDE = 24, 7  # rows from which a table scrolls in a frame; columns from which it is tight
ABSENT = frozenset({"not run", "-", "–", ""})
RUNS = re.compile(r"^(?P<mean>\d[\d.]*)(?: ± (?P<spread>[\d.]+))?(?: \(n=(?P<n>\d+)[^)]*\))?$")
COUNT = re.compile(r" \(n=(\d+)\)$")
BOLD = "\ue000", "\ue001"  # private letters that become tags once all others are escaped


def simplify(frame: pd.DataFrame, caption: str) -> tuple[pd.DataFrame, str]:
    """Without levels, counts of seeds and rows that say nothing, and a caption that says them."""
    for step in (_one_level, _one_count, _without_gaps):
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


def _without_gaps(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows in which nothing has been run are named in the caption."""
    ran = frame.astype(str).isin({"not run"} | ABSENT)
    empty = ran.all(axis=1) & frame.astype(str).eq("not run").any(axis=1)
    if not empty.any() or empty.all() or frame.index.nlevels > 1:
        return frame, []
    return frame[~empty], [f"not run: {', '.join(map(str, frame.index[empty]))}"]


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


def to_html(frame: pd.DataFrame, caption: str, digits: int, index: bool, search: bool) -> str:
    """The table with its caption above it, in a frame that scrolls and can be focused."""
    number = f"{{:.{digits}f}}".format
    table = _named_corner(frame).to_html(
        float_format=number, na_rep="–", index=index, border=0, justify="right"
    )
    table = table.replace(BOLD[0], "<strong>").replace(BOLD[1], "</strong>")
    named = html.escape(re.sub(r"\s+", " ", caption) or "table", quote=True)
    title = f'<p class="table-caption">{html.escape(caption)}</p>' if caption else ""
    frame_tag = f'<div class="{classes(frame, index, search)}" role="region" tabindex="0"'
    return f'{title}{frame_tag} aria-label="{named}">{table}</div>'


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
    for n, (_, column) in enumerate(list(frame.items())[::-1], start=1):
        if not pd.api.types.is_numeric_dtype(column):
            long = column.astype(str).str.len().max() > SENTENCE
            names += [f"words-{n}"] + [f"sentence-{n}"] * bool(long)
    names += ["tall"] * (len(frame) > TALL) + ["wide"] * (frame.shape[1] > WIDE)
    return " ".join(names + ["searchable"] * search)
