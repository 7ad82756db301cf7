"""What to use, in words: differences that are not shown are never called differences."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book import advice
from stflow_lib.verdicts.ranking import Standing

NAN = float("nan")
COLUMNS = ["error", "seeds", "seconds", "parameters", "memory", "gain", "low", "high", "so_far"]


def standing(*rows, city="a+b>la", profile="lab", left_out=None, known=4, networks=True):
    """Made of (name, seconds, gain, low, high, so_far); the first has no gain."""
    frame = pd.DataFrame(
        [(1 + k / 100, 3, row[1], 1234567, 512.4, *row[2:]) for k, row in enumerate(rows)],
        [row[0] for row in rows], COLUMNS,
    )  # fmt: skip
    samples = {"A": SimpleNamespace(fixed=not networks)}
    return Standing(city, "3", profile, frame, samples, frozenset(), left_out or {}, known)


BEST = ("A", 50.0, NAN, NAN, NAN, "")
LINES = BEST, ("B", 1.0, 5.0, 2.0, 8.0, "confirmed")
APART = standing(*LINES)
LEVEL = standing(
    BEST, ("B", 9.0, 1.0, -2.0, 4.0, "open"), ("C", 5.0, 2.0, -9.0, 13.0, "open"),
    ("D", 1.0, 9.0, 8.0, 10.0, "confirmed"), profile="bench",
)  # fmt: skip
UNKNOWN = standing(BEST, ("B", 1.0, 5.0, NAN, NAN, ""))


def test_a_method_is_the_best_where_its_interval_excludes_zero():
    row = advice.answers("speedgraph", [APART]).loc["la, 3 days"]
    assert row["use"] == row["lowest error"] == "A" and row["next"] == "B"
    assert row["lower by, %"] == "+5.0 [+2.0, +8.0]" and row["shown?"] == "yes"
    assert row["no difference shown to"] == "none" and row["ranked"] == "2 of 4"


def test_no_difference_is_said_and_the_fastest_is_named():
    """D is faster still, but its errors are higher beyond doubt."""
    row = advice.answers("speedgraph", [LEVEL]).loc["la, 3 days"]
    assert row["shown?"] == "no"
    assert row["no difference shown to"] == "B, C" and row["use"] == "C"


def test_without_an_interval_nothing_is_claimed():
    """One seed against one seed says neither "better" nor "no difference"."""
    row = advice.answers("speedgraph", [UNKNOWN]).loc["la, 3 days"]
    assert row["shown?"] == "no interval" and row["lower by, %"] == "+5.0"
    assert row["no difference shown to"] == "none; no interval: B" and row["use"] == "A"


def test_equal_is_no_difference():
    row = standing(BEST, ("B", 1.0, 0.1, -0.5, 0.7, "equal within 1 %")).rows.iloc[1]
    assert advice.difference_word(row) == "equal within 1 %"


def test_profiles_are_named_and_the_short_schedule_is_marked():
    """A reader must see which answers rest on trainings that had not ended."""
    assert "profile" not in advice.answers("speedgraph", [APART, UNKNOWN])
    fits = standing(*LINES, networks=False)
    found = advice.answers("speedgraph", [APART, LEVEL, fits])["profile"]
    assert found.tolist() == ["lab", "bench", "none"]
    assert advice.schedules([APART, fits, LEVEL, APART]) == "lab, short fixed schedule; bench"
    assert advice.schedules([fits]) == "none"


def test_costs_are_those_of_the_best_and_of_the_one_to_use():
    table = advice.costs("speedgraph", [LEVEL])
    assert [name for _, name in table.index] == ["A", "C"]
    want = ["1.020", "3", "5", "1,234,567", "512"]
    assert table.loc[("la, 3 days", "C")].tolist() == want
    assert len(advice.costs("speedgraph", [APART])) == 1


def test_what_is_left_out_is_listed_by_place():
    some = standing(BEST, BEST, left_out={"X": "1 failed of 3", "Y": "2 ended by the cap of 2"})
    table = advice.left_out("speedgraph", [some, APART])
    assert table["not ranked"].to_dict() == {
        "la, 3 days": "X 1 failed of 3; Y 2 ended by the cap of 2"
    }
    assert advice.left_out("speedgraph", [APART]).empty


def test_the_sentence_counts_what_the_intervals_say():
    said = advice.sentence("speedgraph", [APART, LEVEL, UNKNOWN, LEVEL], "mae")
    assert said == (
        "Speeds: lowest test MAE, over 4 cities and amounts of data: A (4). The interval against "
        "the next best excludes zero at 1, includes it, so no difference is shown, at 2, is not "
        "known (one seed) at 1. Networks: lab, short fixed schedule; bench. None of our own "
        "methods has run at 4 of them."
    )
    with_own = standing(("Boosted line", *BEST[1:]), BEST)
    assert "None of our own" not in advice.sentence("speedgraph", [with_own], "mae")
    assert "not known" not in advice.sentence("speedgraph", [APART], "mae")
    assert advice.sentence("gridflow", [], "rmse") == "Demand: no records yet."


@pytest.mark.parametrize("wing, city, text", [
    ("finegrained", "taxi-sf-64", "taxi-sf-64, 3 %"), ("speedgraph", "x+y>la", "la, 3 days"),
    ("gridflow", "jonas-nyc-taxi>jonas-dc-taxi", "nyc-taxi → dc-taxi, 3 days"),
])  # fmt: skip
def test_places_have_their_unit(wing, city, text):
    assert advice.place(wing, standing(BEST, BEST, city=city)) == text


def test_long_lists_are_cut_but_counted():
    many = [(name, 1.0, 1.0, -1.0, 3.0, "open") for name in "BCDEF"]
    row = advice.answers("speedgraph", [standing(BEST, *many)]).iloc[0]
    assert row["no difference shown to"] == "B, C and 3 more"
    assert np.isnan(standing(BEST).rows.loc["A", "gain"])


def test_seconds_have_three_digits():
    assert [advice.three_digits(v) for v in (0.5123, 5, 51.12, 2534.2)] == [
        "0.512", "5", "51.1", "2,530"]  # fmt: skip
