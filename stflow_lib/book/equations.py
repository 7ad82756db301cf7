"""Where each equation of the papers lives: book/equations.csv, checked and laid out.

A row names the paper, the equation or the named part, what it says, the definition that computes
it ("module:name" or "module:Class.method"), the test that protects it ("file::test"), the table
or figure that puts it to the proof, and the page that shows it.
"""

import html
import importlib
import inspect
from collections.abc import Callable

import pandas as pd

from stflow_lib import ROOT
from stflow_lib.data.errors import DataError

FILE = ROOT / "book" / "equations.csv"
COLUMNS = ["paper", "equation", "part", "says", "code", "test", "table", "page"]


def equations(paper: str | None = None) -> pd.DataFrame:
    """All rows, or those of one paper, as text; DataError where the columns are others."""
    frame = pd.read_csv(FILE, dtype=str, keep_default_na=False)
    if list(frame.columns) != COLUMNS:
        raise DataError(f"{FILE.name}: columns {list(frame.columns)}, want {COLUMNS}")
    return frame if paper is None else frame[frame["paper"] == paper].reset_index(drop=True)


def definition(code: str) -> Callable:
    """The function or class behind "module:name"; DataError where there is none."""
    module, _, names = code.partition(":")
    try:
        found = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise DataError(f"{code}: {error}") from None
    return found


def index_page(paper: str) -> str:
    """The paper's rows as an HTML table; the code opens in place, pages and results are links."""
    rows = "".join(map(_row, equations(paper).itertuples()))
    head = "".join(
        f"<th>{name}</th>" for name in ("", "says, and is shown on", "code and test")
    )
    return (
        '<div class="table-scroll words-1 words-2 sentence-2 indexed"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(row) -> str:
    name = html.escape(" · ".join(filter(None, (row.equation, row.part))))
    page = row.page.removeprefix("notebooks/")
    proof = f", {html.escape(row.table)}" if row.table else ""
    cells = (
        f'{html.escape(row.says)}<br><a href="{page}.html">{page}</a>{proof}',
        f"{_code(row.code)}{_path(row.test)}",
    )
    wide = "".join(f'<td style="min-width:17rem">{cell}</td>' for cell in cells)
    return f"<tr><th>{name}</th>{wide}</tr>"


def _path(text: str) -> str:
    """A dotted or slashed path that may break anywhere: it is longer than its column."""
    return f'<code style="overflow-wrap:anywhere;white-space:normal">{html.escape(text)}</code>'


def _code(code: str) -> str:
    """The path of a definition, which opens to its text."""
    text = html.escape(inspect.getsource(inspect.unwrap(definition(code))))
    path = _path(code.removeprefix("stflow_lib."))
    return f"<details><summary>{path}</summary><pre>{text}</pre></details>"
