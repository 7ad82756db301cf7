"""No number that our runs gave is typed into a text: it would stay when the records move on."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stflow_lib.book.papermill import read_source
from stflow_lib.verdicts.claims import TITLES, reported

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        ROOT / "README.md",
        *(ROOT / "book").glob("*.md"),
        *ROOT.glob("notebooks/**/*.py"),
    ]
    if path.name != "conftest.py" and ".ipynb_checkpoints" not in path.parts
)
# What reads like a result: shares, decimals, ratios, costs, and a number beside an error's name.
NUMBER = r"\d+(?:[.,]\d+)*"
RESULT = re.compile(
    rf"(?P<plain>{NUMBER})(?= ?%)|(?P<decimal>\d+(?:,\d+)*\.\d+)"
    rf"|(?P<ratio>{NUMBER})(?= (?:times|s|ms|seconds|MB|GB|percent)\b)"
    rf"|\b(?:RMSE|MAE|MAPE|errors?|gains?|better|worse|lower|higher)\b[^.,;:\d\n]{{0,25}}?"
    rf"(?P<near>{NUMBER})"
)
# Code, formulas, addresses, roles, and lines of directives say nothing that a reader takes away;
# findings between marks are computed, and held to the records by tests/book/test_front_page.py.
MUTE = re.compile(
    r"<!-- findings, .*?<!-- end of findings -->"
    r"|```.*?```|~~~.*?~~~|^ {4,}\S.*?$|`[^`]*`|\$\$.*?\$\$(?:\s*\(eq-[\w-]+\))?|\$[^$]*\$"
    r"|\]\([^)]*\)|<[^>]*>|https?://\S+|\{\w+(?::\w+)?\}`[^`]*`",
    re.DOTALL | re.MULTILINE,
)
REASONS = {"printed", "derived", "setting", "data", "definition", "example", "size", "device"}


def texts(page: str) -> str:
    """What a page says in its own words, without code and formulas."""
    path = ROOT / page
    if path.suffix == ".md":
        return MUTE.sub(" ", path.read_text())
    cells = read_source(path).cells
    return MUTE.sub(" ", "\n\n".join(c.source for c in cells if c.cell_type == "markdown"))


def typed(text: str) -> Iterator[tuple[str, str]]:
    """Numbers that read like results, each with the words around it."""
    for found in RESULT.finditer(text):
        number = next(filter(None, found.groups()))
        around = text[max(found.start() - 60, 0) : found.end() + 60]
        yield number, " ".join(around.split())


def allowed() -> list[dict[str, str]]:
    """The rows of typed_numbers.csv: page, number, reason, source; page "*" is any."""
    with (Path(__file__).parent / "typed_numbers.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("page", PAGES)
def test_typed_numbers_are_no_results_of_ours(page):
    """Results are computed where they are shown. What else may be typed stands in a list."""
    known = {row["number"] for row in allowed() if row["page"] in (page, "*")}
    strange = [(number, around) for number, around in typed(texts(page)) if number not in known]
    assert not strange, f"{page}: compute it, or say in typed_numbers.csv what it is"


def test_every_allowed_number_stands_on_its_page_with_a_reason():
    """A list that keeps what is gone would let a new result in under an old excuse."""
    rows = allowed()
    assert {row["reason"] for row in rows} <= REASONS
    assert all(row["source"].strip() for row in rows)
    keys = [(row["page"], row["number"]) for row in rows]
    assert len(set(keys)) == len(keys)
    there = {(page, number) for page in PAGES for number, _ in typed(texts(page))}
    assert not {key for key in keys if key[0] != "*"} - there


def test_what_counts_as_printed_is_carried_over():
    """A slip of the pen in a printed number would be compared with for years."""
    printed = {(row["source"], float(row["number"])) for row in allowed()
               if row["reason"] == "printed"}  # fmt: skip
    carried = {
        (f"{TITLES[paper]} Table {table.removeprefix('Table ').partition('_')[0]}", value)
        for paper in TITLES
        for table, value in reported(paper)[["table", "value"]].itertuples(index=False)
    }
    assert not printed - carried


@pytest.mark.parametrize("sentence, number", [
    ("ShareNet reaches an RMSE of 2 here.", "2"), ("It is better by 9 to 16 %.", "9"),
    ("UrbanFM is 3.4 % worse.", "3.4"), ("The gain is about 5 percent.", "5"),
    ("On taxis 1.735 stands against 1.770.", "1.770"), ("That is 91 times as fast.", "91"),
    ("A fit takes 33 s on one thread.", "33"), ("It peaks at 1,024 MB.", "1,024"),
])  # fmt: skip
def test_planted_results_are_found(sentence, number):
    assert number in [found for found, _ in typed(sentence)]


@pytest.mark.parametrize("text", [
    "Table 3 has two cities.", "`learning_rate=0.001`", "With $t = 4.30$ it is wide.",
    "[a page](v1.2/x.html)", "In 2016, with three seeds.", "See section 3.",
])  # fmt: skip
def test_what_is_no_result_is_left_alone(text):
    assert not list(typed(MUTE.sub(" ", text)))
