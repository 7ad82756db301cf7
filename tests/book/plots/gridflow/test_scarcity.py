"""Days of target data: curves in order of days, a claim judged, days that a source is worth."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.gridflow import scarcity
from stflow_lib.book.plots.gridflow.scarcity import day_gains_figure, days_figure
from stflow_lib.book.plots.sweeps import COLOURS

NAN = float("nan")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def days_frame():
    rows = [
        ("a>b", "net", 4.0, 0, 2.0, 1.0), ("a>b", "net", 4.0, 1, 4.0, 1.0),
        ("a>b", "net", 0.0, 0, 9.0, 5.0), ("a>b", "rule", NAN, 0, 7.0, 3.0),
        ("b>a", "alone", 1.0, 0, 8.0, 4.0),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["city", "method", "days", "seed", "rmse", "mae"])


def test_days_lines_go_through_means_in_order_of_days():
    """Days as they come in the store would draw a curve that runs back and forth."""
    units = {"a>b": "trips", "b>a": "rides"}
    figure = days_figure(days_frame(), ["rmse", "mae"], units, "Figure 5")
    first, other = figure.axes[0], figure.axes[3]
    curve, level = first.lines
    assert curve.get_xydata().tolist() == [[0.0, 9.0], [2.0, 3.0]]
    assert list(level.get_ydata()) == [7.0, 7.0]
    assert [t.get_text() for t in first.get_xticklabels()] == ["0", "1", "4"]
    assert len(first.collections[0].get_offsets()) == 3
    assert (other.get_title(), other.get_ylabel()) == ("b>a", "test MAE (rides)")
    assert names(figure) == ["net", "rule", "alone"]


def test_a_method_keeps_its_colour_where_others_lack():
    """Colours by place in a panel would make two methods one where a record is missing."""
    figure = days_figure(days_frame(), ["rmse"], {"a>b": "", "b>a": ""}, "t")
    assert figure.axes[1].lines[0].get_color() == COLOURS[2]


def test_gains_without_interval_are_hollow():
    """A single seed must not look like a measurement with a tiny interval."""
    gains = pd.DataFrame(
        [("a", 0, "x", 1.0, 0.5, 1.5), ("a", 4, "x", 2.0, NAN, NAN),
         ("b", 4, "y", -1.0, -2.0, 0.0)],
        columns=["city", "days", "label", "gain", "low", "high"],
    )  # fmt: skip
    figure = day_gains_figure(gains, "gains")
    first, second = figure.axes
    bars, points = first.collections[:2]
    np.testing.assert_allclose(points.get_offsets(), [[-0.045, 1.0], [1.955, 2.0]])
    assert points.get_facecolor()[0].tolist() != [1, 1, 1, 1]
    assert points.get_facecolor()[1].tolist() == [1, 1, 1, 1]
    assert bars.get_segments()[0].tolist() == [[-0.045, 0.5], [-0.045, 1.5]]
    assert first.get_ylim() == second.get_ylim()
    assert names(figure) == ["x", "y"]


def lines(method, by_days, seeds=1, city="a>b"):
    """Errors by days, the same for each seed but for a tenth more with each."""
    return [(city, method, float(d), s, e + s / 10, 2 * e)
            for d, e in by_days.items() for s in range(seeds)]  # fmt: skip


def frame(*groups):
    return pd.DataFrame([line for group in groups for line in group], columns=scarcity.COLUMNS)


def test_records_stand_under_the_name_of_their_pair(recorded):
    """A run on the target alone belongs to the row of its pair; a collapsed one to none."""
    rows = {"net": [recorded("net", "x>y", {"rmse": 2.0, "mae": 1.0}, scarcity="7"),
                    recorded("net", "x>y", {"rmse": 9.0, "mae": 9.0}, 1, notes={"collapsed": 1})],
            "alone": [recorded("alone", "y", {"rmse": 3.0, "mae": 1.5}, 2)]}  # fmt: skip
    found = scarcity.recorded_errors(rows, {"x>y": "x → y", "y": "x → y"})
    assert found == [("x → y", "net", 7.0, 0, 2.0, 1.0), ("x → y", "alone", 3.0, 2, 3.0, 1.5)]


def test_saturation_is_said_of_three_days_and_thirty():
    """From 10 to 4 to 2: 60 % on the first three days, 20 % after, three quarters of the way."""
    errors = frame(lines("net", {0: 10.0, 1: 9.0, 3: 4.0, 30: 2.0}), lines("rule", {3: 5.0}))
    (row,) = scarcity.saturation(errors, ["net", "rule"], "mae").to_dict("records")
    assert row == {"pair": "a>b", "method": "net", "n": 1, "0 to 3 (%)": "60.0", "gain":
                   "yes, one run", "3 to 30 (%)": "20.0", "first minus rest": "40.0",
                   "saturation": "yes, one run", "done by 3": "75%"}  # fmt: skip


@pytest.mark.parametrize(
    "values, text, verdict",
    [([1.0, 1.2, 1.1], "1.1 [0.9, 1.3]", "confirmed"), ([-2.0], "-2.0", "no, one run"),
     ([-1.0, 1.0], "0.0 [-12.7, 12.7]", "open")],
)  # fmt: skip
def test_above_zero_needs_the_whole_interval(values, text, verdict):
    assert scarcity.above_zero(np.array(values)) == (text, verdict)


def test_gains_are_paired_by_seed_and_a_line_counts_for_all():
    errors = frame(lines("net", {0: 4.0, 3: 2.0}, 3), lines("other", {0: 8.0}, 2),
                   lines("Line", {3: 4.0}))  # fmt: skip
    found = scarcity.gains_by_days(errors, [("net", "other"), ("net", "Line"), ("x", "Line")])
    assert found["label"].tolist() == ["net below other", "net below Line"]
    assert found["days"].tolist() == [0, 3] and found["n"].tolist() == [2, 3]
    assert found["gain"].tolist() == pytest.approx([100 * 4 / 8.05, 100 * (1.9 / 4)])


def test_certain_gains_are_counted_by_direction():
    gains = pd.DataFrame(
        [("x", 2.0, 1.0, 3.0), ("x", -2.0, -3.0, -1.0), ("x", 1.5, NAN, NAN),
         ("y", 0.0, -1.0, 1.0)],
        columns=["label", "gain", "low", "high"],
    )  # fmt: skip
    assert scarcity.count_certain(gains) == [
        "x: 3 comparisons, 1 above zero beyond doubt, 1 below, 1 with one seed; mean +0.50 %",
        "y: 1 comparisons, 0 above zero beyond doubt, 0 below, 0 with one seed; mean +0.00 %",
    ]


@pytest.mark.parametrize(
    "error, words",
    [(5.0, "2.0"), (9.0, "under 1"), (6.0, "under 1"), (3.0, "over 7")],
)
def test_a_source_is_worth_days_of_ones_own(error, words):
    """The line alone: 6 after a day, 4 after three, and no better after seven."""
    errors = frame(lines("Line alone", {1: 6.0, 3: 4.0, 7: 4.5}), lines("net", {0: error}))
    assert scarcity.equivalent_days(errors, "net", "a>b", 0) == words
    assert scarcity.equivalent_days(errors, "net", "a>b", 3) == ""


def test_pairs_that_are_not_below_the_rule_are_counted_by_days():
    """A method is held against the rule on its own pair, by the mean of all its seeds."""
    found = frame(lines("net", {0: 4.0, 3: 2.0}, 3), lines("net", {0: 1.0}, city="b>a"),
                  lines("rule", {3: 4.0}), lines("rule", {3: 3.0}, city="b>a"))  # fmt: skip
    words = scarcity.not_below(found, "rule")
    assert [*words] == ["0", "3"] and words.loc["net"].tolist() == ["1 of 2", "0 of 1"]


def test_failed_trainings_are_listed_only_on_demand(recorded):
    good = recorded("A", "x>y", {"rmse": 1.0, "mae": 2.0})
    bad = recorded("A", "x>y", {"rmse": 9.0, "mae": 9.0}, 1, notes={"collapsed": True})
    rows = {"A": [good, bad]}
    sound = [("X", "A", 3.0, 0, 1.0, 2.0)]
    assert scarcity.recorded_errors(rows, {"x>y": "X"}) == sound
    both = scarcity.recorded_errors(rows, {"x>y": "X"}, with_failed=True)
    assert both == [*sound, ("X", "A", 3.0, 1, 9.0, 9.0)]


def test_no_gain_is_a_frame_of_numbers():
    """A page without records takes means of it."""
    gains = scarcity.gains_by_days(frame(), [("A", "B")])
    assert gains.groupby("days")["gain"].mean().round(2).to_dict() == {}
