"""Every table that is planned stands on a page: one of no page is trained for in vain."""

from importlib import import_module
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
WINGS = ("finegrained", "gridflow", "speedgraph")
# Tables that a page shows without their name in quotes: where, and by which words.
BY_OTHER_WORDS = {
    ("finegrained", "table4"): ("finegrained/03_results", 'TABLES[f"table{number}"]'),
    ("finegrained", "table5"): ("finegrained/03_results", 'TABLES[f"table{number}"]'),
    ("finegrained", "table6"): ("finegrained/03_results", 'TABLES[f"table{number}"]'),
    ("finegrained", "variants"): ("finegrained/02b_urbanstc_choices", "variant_runs(profile)"),
    ("finegrained", "constraint"): (
        "finegrained/08_conservation",
        "ablations.constraint(profile)",
    ),
} | {(wing, "patience"): ("at_a_glance", "patience.table()") for wing in WINGS}


def text(page: str) -> str:
    return (NOTEBOOKS / f"{page}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("wing", WINGS)
def test_every_table_stands_on_a_page(wing):
    """Graph WaveNet's table was trained for and shown nowhere."""
    pages = [path.read_text(encoding="utf-8") for path in (NOTEBOOKS / wing).glob("*.py")]
    named = {name for name in tables(wing) if any(f'"{name}"' in page for page in pages)}
    other = {name for of, name in BY_OTHER_WORDS if of == wing}
    assert named | other == set(tables(wing)) and not named & other


@pytest.mark.parametrize("table, place", BY_OTHER_WORDS.items())
def test_words_that_stand_for_a_table_are_on_its_page(table, place):
    page, words = place
    assert table[1] in tables(table[0]) and words in text(page)


def tables(wing: str) -> list[str]:
    return list(import_module(f"stflow_lib.{wing}").TABLES)
