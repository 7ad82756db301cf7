"""The five findings: counted from the records, the same in both languages, and in the pages."""

import re
from pathlib import Path

import pandas as pd
import pytest

from stflow_lib.book import front_page
from stflow_lib.book.glance import LACKING, PRINTED, RULE
from stflow_lib.verdicts.ranking import Standing
from stflow_lib.verdicts.statistics import NO_DATA, NOT_RUN

ROOT = Path(__file__).resolve().parents[2]
DIGITS = re.compile(r"\d+")


@pytest.fixture(scope="module")
def said():
    """The findings from the records of this checkout."""
    return front_page.findings()


@pytest.mark.parametrize("page", front_page.PAGES)
def test_the_pages_say_what_the_records_say(said, page):
    """Records move on; `python -m stflow_lib.book.front_page` writes the pages anew."""
    assert front_page.block(said[front_page.PAGES[page]]) in (ROOT / page).read_text()


def test_both_languages_have_the_same_numbers(said):
    """Five lines each; order of the numbers included."""
    numbers = [[DIGITS.findall(line) for line in lines] for lines in said.values()]
    assert numbers[0] == numbers[1] and len(numbers[0]) == 5 and all(numbers[0])


def test_lower_and_higher_are_counted_by_interval():
    """By hand: three places, of which one has no rule; one seed is not too close to call."""
    found = pd.DataFrame(
        [("a", RULE, "confirmed"), ("a", PRINTED, "opposite"), ("a", LACKING, "opposite"),
         ("b", LACKING, "open"), ("c", RULE, ""), ("c", LACKING, "")],
        columns=["where", "group", "so_far"],
    )  # fmt: skip
    assert front_page.versus(found) == {
        "places": 3, "rule_lower": 1, "rule_higher": 0, "rule_open": 0, "rule_bare": 1,
        "lacking_lower": 0, "lacking_higher": 1, "lacking_open": 1, "lacking_bare": 1,
    }  # fmt: skip


def test_the_lowest_error_is_counted_once_a_place():
    def at(city, best):
        rows = pd.DataFrame({"error": [1.0]}, [best])
        return Standing(city, "3", "lab", rows, {}, frozenset(), {}, 9)

    ranked = {"gridflow": [at("a", "STBaT"), at("b", "Linear"), at("c", "Linear")],
              "speedgraph": [at("d", "Last value"), at("e", "GWN")]}  # fmt: skip
    want = {"places": 5, "own": 1, "rule": 1, "printed": 1, "lacking": 2}
    assert front_page.leaders(ranked) == want


def test_verdicts_that_are_none_are_the_rest():
    words = ["confirmed", "confirmed", "opposite", "one seed", NOT_RUN, NO_DATA]
    counts = front_page.claims(pd.DataFrame({"verdict": words}))
    assert counts == {
        "all": 6, "run": 4, "confirmed": 2, "opposite": 1, "equal": 0, "rest": 1,
    }  # fmt: skip


def test_a_page_without_marks_is_refused():
    """Silently left alone, it would show old numbers for ever."""
    page = f"a\n{front_page.START}old\n{front_page.END}\nb"
    assert front_page.with_findings(page, ["new"]) == page.replace("old", "- new")
    with pytest.raises(ValueError, match="no place"):
        front_page.with_findings("a", ["new"])
