"""The index from equations to code holds: a row that leads nowhere is worse than none."""

import inspect
import re

import pytest

from stflow_lib import ROOT
from stflow_lib.book.equations import COLUMNS, definition, equations, index_page
from stflow_lib.data.errors import DataError
from stflow_lib.verdicts.claims import reported

ROWS = equations()
NUMBERED = {"urbanstc": range(1, 17), "stbat": range(1, 16), "tsjt": range(1, 11)}
NAMES = [f"{row.paper} {row.equation or row.part}" for row in ROWS.itertuples()]
each_row = pytest.mark.parametrize("row", [*ROWS.itertuples()], ids=NAMES)
TAGS = "div|table|thead|tbody|tr|th|td|a|code|details|summary|pre|br"


def numbers(text: str) -> set[int]:
    """The equation numbers in "Eq. 8", "Eqs. 7 and 8", "Eqs. 1-5", "Eqs. 3, 4"."""
    found = set()
    for group in re.findall(r"Eqs?\. (\d+(?:(?:-| to |, | and |, and )\d+)*)", text):
        for first, last in re.findall(r"(\d+)(?:(?:-| to )(\d+))?", group):
            found |= set(range(int(first), int(last or first) + 1))
    return found


@each_row
def test_code_resolves_and_its_docstring_carries_the_number(row):
    """Renaming a function must not cut the way from the paper to it."""
    text = inspect.getdoc(definition(row.code)) or ""
    assert numbers(row.equation) <= numbers(text), text
    if not row.equation:
        part = row.part.partition(" (")[0].lower()
        assert part in text.lower() or row.part in row.code, text


@each_row
def test_test_exists_and_page_exists(row):
    file, _, name = row.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()
    assert (ROOT / f"{row.page}.py").is_file() and row.says.endswith(".")


@each_row
def test_table_is_one_that_the_paper_prints(row):
    printed = set(reported(row.paper)["table"]) | {
        f"Table {t}" for t in reported(row.paper)["table"]
    }
    assert not row.table or row.table in printed or row.table.startswith("Figure"), printed


@pytest.mark.parametrize("paper", ["urbanstc", "stbat", "tsjt"])
def test_every_numbered_equation_is_there(paper):
    """A gap in the numbers is an equation that nobody implemented, or nobody found."""
    found = set().union(*map(numbers, equations(paper)["equation"]))
    assert found == set(NUMBERED[paper])


def test_an_index_that_leads_nowhere_is_named():
    with pytest.raises(DataError, match="stflow_lib.nowhere:x"):
        definition("stflow_lib.nowhere:x")
    with pytest.raises(DataError, match="stflow_lib.book.equations:nothing"):
        definition("stflow_lib.book.equations:nothing")


def test_the_page_shows_the_code_and_escapes_it():
    """`a < b` in a function would swallow the rest of the table."""
    page = index_page("tsjt")
    assert page.count("<tr>") == len(equations("tsjt")) + 1
    assert page.count("<details>") == len(equations("tsjt"))
    assert "def " in page and not re.search(rf"<(?!/?(?:{TAGS})\b)", page)


def test_reading_of_numbers():
    assert numbers("Eqs. 7 and 8, and Eq. 12") == {7, 8, 12}
    assert numbers("Eqs. 1-3, 5") == {1, 2, 3, 5} and numbers("Equation") == set()
    assert COLUMNS == list(ROWS.columns)


@pytest.mark.parametrize(
    "paper, part",
    [("urbanstc", "negative of weight sampling"), ("stbat", "SimDCL"), ("tsjt", "TSB")],
)
def test_the_traces_in_contributing_are_rows_of_the_index(paper, part):
    """The three examples would otherwise go on naming what has moved."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    row = next(row for row in equations(paper).itertuples() if row.part == part)
    assert all(f"`{place}`" in text for place in (row.code, row.test, row.page))
    assert row.says in text and row.table in text
