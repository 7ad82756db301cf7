"""Between the sources in notebooks/ and the reader: papermill, tables, provenance, plotly.

Nothing here imports IPython at the top: the same calls print plain text when a source is run
as a script.
"""

import html
import json
import sys
from collections.abc import Iterable, Mapping

import pandas as pd

SENTENCE = 45  # letters from which a cell of a table may be broken into lines
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
    frame: pd.DataFrame, caption: str = "", digits: int = 3, index: bool = True
) -> None:
    """A table on the page (it scrolls sideways where it is too wide), or as plain text.

    Floats are shown with `digits` decimals, missing values as a dash; columns of words stand
    to the left, columns of numbers to the right.
    """
    number = f"{{:.{digits}f}}".format
    plain = frame.to_string(float_format=number, na_rep="-", index=index)
    table = _named_corner(frame).to_html(
        float_format=number, na_rep="–", index=index, border=0, justify="right"
    )
    title = f'<p class="table-caption">{html.escape(caption)}</p>' if caption else ""
    page = f'{title}<div class="{_classes(frame, index)}">{table}</div>'
    show_html(page, f"{caption}\n{plain}".strip())


def _named_corner(frame: pd.DataFrame) -> pd.DataFrame:
    """The index's name in the corner of the table, where pandas would spend a row on it."""
    plain = frame.index.nlevels == frame.columns.nlevels == 1
    if not plain or frame.index.name is None or frame.columns.name is not None:
        return frame
    return frame.rename_axis(index=None, columns=frame.index.name)


def _classes(frame: pd.DataFrame, index: bool) -> str:
    """Classes for columns of words (and of sentences), counted from the right.

    From the right, because a joined index drops cells on the left.
    """
    long = index and any(len(str(name)) > SENTENCE for name in frame.index)
    names = ["table-scroll"] + ["indexed"] * index + ["sentence-index"] * long
    for n, (_, column) in enumerate(list(frame.items())[::-1], start=1):
        if not pd.api.types.is_numeric_dtype(column):
            long = column.astype(str).str.len().max() > SENTENCE
            names += [f"words-{n}"] + [f"sentence-{n}"] * bool(long)
    return " ".join(names)


def provenance_lines(records: Iterable[Mapping] | pd.DataFrame) -> list[str]:
    """One line for each profile, device and source that `records` (run records) came from.

    Records of different profiles, devices or numbers of threads never share a line; stale ones
    (their source or data has changed since) are counted.
    """
    rows = records if isinstance(records, pd.DataFrame) else pd.DataFrame(list(records))
    if rows.empty:
        return ["no runs behind this table"]
    rows = rows.reindex(columns=[*PROVENANCE, "threads", "date", "stale"])
    keys = rows[PROVENANCE].astype(object).fillna("not recorded")
    keys["device"] += rows["threads"].map(_threads)
    groups = rows.groupby([keys[name] for name in PROVENANCE], sort=True)
    return [_line(*key, group) for key, group in groups]


def _threads(number: float) -> str:
    """What stands behind the device: sums shared by more threads have other last digits."""
    return "" if pd.isna(number) else f", {number:.0f} threads"


def _line(profile: str, device: str, source: str, group: pd.DataFrame) -> str:
    """profile, device, days, source and how many runs, in words."""
    days = sorted({str(date)[:10] for date in group["date"].dropna()})
    span = " to ".join(days[:1] + days[-1:] if len(days) > 1 else days) or "no date"
    stale = int(group["stale"].eq(True).sum())
    runs = f"{len(group)} run" + "s" * (len(group) != 1)
    mark = f", {stale} stale" if stale else ""
    return f"{runs}{mark} · profile {profile} · {device} · {span} · source {source[:10]}"


def provenance(records: Iterable[Mapping] | pd.DataFrame) -> None:
    """Say under a table where its numbers come from (see `provenance_lines`)."""
    lines = provenance_lines(records)
    marked = [
        f'<span class="stale">{html.escape(line)}</span>'
        if " stale" in line
        else html.escape(line)
        for line in lines
    ]
    page = f'<p class="provenance">{"<br>".join(marked)}</p>'
    show_html(page, "\n".join(f"[{line}]" for line in lines))


def show_plotly(fig, height: int = 420) -> None:
    """An interactive figure: live in JupyterLab, and in the book from its own plotly.js."""
    if not in_notebook():
        print(f"[interactive figure: {fig.layout.title.text or 'untitled'}]")
        return
    from IPython.display import display

    fig.update_layout(height=height)
    page = fig.to_html(
        full_html=False,
        include_plotlyjs=False,
        default_height=f"{height}px",
        config={"responsive": True, "displaylogo": False},
    )
    live = json.loads(fig.to_json())
    display({"application/vnd.plotly.v1+json": live, "text/html": page}, raw=True)
