"""Between the sources in notebooks/ and the reader: papermill, tables, provenance.

Nothing here imports IPython at the top: the same calls print plain text when a source is run
as a script.
"""

import html
import sys
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from stflow_lib.book import html_table

NAMED, LINE = 3, 120  # names, and letters, of what a sentence enumerates
UNKNOWN = "not recorded"
PROVENANCE = ["profile", "device", "source_hash"]


def in_notebook() -> bool:
    """Whether a Jupyter kernel is listening, without importing IPython when it is not."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return bool(shell) and hasattr(shell, "kernel")


def show_html(page: str, text: str, name: str = "") -> None:
    """HTML on the page of a notebook; `text` instead where a source runs as a script.

    Another page shows what has a `name` by MyST's directive `glue:any`, with its option `doc`.
    """
    if not in_notebook():
        print(text)
        return
    from IPython.display import display

    glued = {"metadata": {"scrapbook": {"name": name, "mime_prefix": ""}}} if name else {}
    display({"text/html": page, "text/plain": text}, raw=True, **glued)


def show_text(text: str, name: str = "") -> None:
    """A computed sentence as a paragraph of the page, or as plain text; `name` as in show_html."""
    show_html(f"<p>{html.escape(text)}</p>", text, name)


def show_table(
    frame: pd.DataFrame, caption: str = "", digits: int = 3, index: bool = True, *,
    best: bool = False, search: bool = False, folded: str = "",
) -> None:  # fmt: skip
    """A table on the page (it scrolls sideways where it is too wide), or as plain text.

    Floats are shown with `digits` decimals, missing values as a dash; columns of words stand
    to the left, columns of numbers to the right. What is the same in the whole table goes into
    the caption. `best` marks the lowest mean of each column and what ties with it; `search` gives
    the reader a field that filters rows; `folded` says why the table is closed until asked for.
    """
    frame, caption = html_table.simplify(frame, caption)
    frame, absent = html_table.without_gaps(frame)
    plain = frame.to_string(float_format=f"{{:.{digits}f}}".format, na_rep="-", index=index)
    shown = html_table.bold_best(frame) if best else frame
    page = html_table.to_html(shown, caption, digits, index, search)
    page += listed("Not run", absent) if absent else ""
    page = fold(f"{caption} ({folded})", page) if folded else page
    gaps = f"\nNot run: {'; '.join(absent)}" * bool(absent)
    show_html(page, f"{caption}\n{plain}{gaps}".strip())


def show_list(said: str, names: Sequence[str]) -> None:
    """Names behind a few words, see `listed`; all of them as plain text."""
    show_html(listed(said, names), f"{said}: {'; '.join(names)}.")


def listed(said: str, names: Sequence[str]) -> str:
    """HTML of names behind a few words; more than NAMED, or than a line holds, are closed."""
    line = html.escape("; ".join(names))
    if len(names) <= NAMED and len(line) <= LINE:
        return f'<p class="listed">{html.escape(said)}: {line}.</p>'
    summary = f"{html.escape(said)}: {len(names)}"
    return f'<details class="listed"><summary>{summary}</summary><p>{line}.</p></details>'


OTHER = "the other error"  # why a second table of the same runs is closed
PRINTED = "printed numbers alone, none of these has been run here"


def fold(summary: str, page: str) -> str:
    """HTML that is closed until the reader asks for it, under one line."""
    return f'<details class="more"><summary>{html.escape(summary)}</summary>{page}</details>'


def provenance_lines(records: Iterable[Mapping] | pd.DataFrame) -> list[str]:
    """One line for each profile, device and source that `records` (run records) came from.

    Records of different profiles, devices or numbers of threads never share a line; stale ones
    (their source or data has changed since) are counted.
    """
    rows = records if isinstance(records, pd.DataFrame) else pd.DataFrame(list(records))
    if rows.empty:
        return ["no runs behind this table"]
    rows = rows.reindex(columns=[*PROVENANCE, "threads", "date", "stale"])
    keys = rows[PROVENANCE].astype(object).fillna(UNKNOWN)
    keys["device"] += rows["threads"].map(_threads)
    groups = rows.groupby([keys[name] for name in PROVENANCE], sort=True)
    return [_line(*key, group) for key, group in groups]


def counted(number: int, noun: str) -> str:
    """ "1 run", "3 runs"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _threads(number: float) -> str:
    """What stands behind the device: sums shared by more threads have other last digits."""
    return "" if pd.isna(number) else f", {counted(int(number), 'thread')}"


def _line(profile: str, device: str, source: str, group: pd.DataFrame) -> str:
    """profile, device, days, source and how many runs, in words."""
    days = sorted({str(date)[:10] for date in group["date"].dropna()})
    span = " to ".join(days[:1] + days[-1:] if len(days) > 1 else days) or "no date"
    stale = int(group["stale"].eq(True).sum())
    mark = f", {stale} stale" if stale else ""
    code = source if source == UNKNOWN else source[:10]
    runs = counted(len(group), "run")
    return f"{runs}{mark} · profile {profile} · {device} · {span} · source {code}"


def provenance(records: Iterable[Mapping] | pd.DataFrame) -> None:
    """Say under a table where its numbers come from: one line, and those of `provenance_lines`."""
    rows = records if isinstance(records, pd.DataFrame) else pd.DataFrame(list(records))
    lines = provenance_lines(rows)
    marked = [
        f'<span class="stale">{html.escape(line)}</span>'
        if " stale" in line
        else html.escape(line)
        for line in lines
    ]
    details = "<br>".join(marked)
    page = f'<p class="provenance">{details}</p>'
    if len(lines) > 1:
        summary = html.escape(provenance_summary(rows))
        page = f'<details class="provenance"><summary>{summary}</summary>{page}</details>'
    show_html(page, "\n".join(f"[{line}]" for line in lines))


def provenance_summary(rows: pd.DataFrame) -> str:
    """All origins of some records in one line: how many, which profiles, devices and days."""
    rows = rows.reindex(columns=[*PROVENANCE, "date", "stale"])
    profiles, devices = (
        ", ".join(sorted(rows[name].fillna(UNKNOWN).astype(str).unique()))
        for name in ("profile", "device")
    )
    days = sorted({str(date)[:10] for date in rows["date"].dropna()}) or ["no date"]
    span = " to ".join(dict.fromkeys([days[0], days[-1]]))
    stale = int(rows["stale"].eq(True).sum())
    mark = f", {stale} stale" * bool(stale)
    number, sources = (
        counted(len(rows), "run"),
        counted(rows["source_hash"].nunique(), "source"),
    )
    return f"{number}{mark} · {profiles} · {devices} · {span} · {sources}"
