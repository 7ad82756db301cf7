"""Weight of the sources: each gain at its ratio, and answers only where the grid is full."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book.plots.speedgraph import source_weights as weights
from stflow_lib.speedgraph.tables import TABLES


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


ERRORS = {  # at six hours and at three days; the target alone has 4
    "TSB, 1/200": (3.0, 3.8), "TSB, 1/20": (2.0, 3.9),
    "TSB, 1": (1.0, 3.99), "TSB, 20": (0.5, 4.4),
    "sum, 1/200": (3.0, 3.0), "sum, 1/20": (3.5, 6.0),
    "sum, 1": (8.0, None), "sum, 20": (9.0, 9.0),
}  # fmt: skip


@pytest.fixture
def rows(recorded):
    def make(name, errors):
        city = "c" if name == "Target only" else "a>c"
        return [
            recorded(name, city, e and {"mae": e + s / 100, "rmse": e + s / 100}, s, amount)
            for amount, e in zip(("0.25", "3"), errors, strict=True)
            for s in (0, 1)
        ]

    return {name: make(name, e) for name, e in {"Target only": (4.0, 4.0), **ERRORS}.items()}


def test_rows_are_those_of_the_table():
    """A row under another name would be missing in the figure without a word."""
    assert [*TABLES["ratios"].rows("bench")] == ["Target only", *ERRORS]


def test_a_point_stands_at_its_ratio_and_rule(rows):
    figure = weights.ratio_figure(weights.gains(rows), "mae", "c")
    hours, days = figure.axes
    assert (hours.get_title(), days.get_title()) == ("6 hours", "3 days")
    tsb, plain = (line.get_ydata() for line in hours.lines[:2])
    assert tsb == pytest.approx([25, 50, 75, 87.5], abs=0.2)
    assert plain == pytest.approx([25, 12.5, -100, -125], abs=0.4)
    assert weights.ratio_figure(weights.gains(rows).head(0), "mae", "c") is None


def test_a_best_ratio_needs_all_of_them_and_all_seeds(rows):
    """The largest of a grid was called best without an interval against the next one."""
    best = weights.best_ratios(rows, weights.gains(rows))
    assert best.loc["with TSB"].tolist() == [
        "20 (beyond doubt, the most tried)", "1/200 (beyond doubt, the least tried)"]  # fmt: skip
    plain = best.loc["without: plain sum"].tolist()
    assert plain == ["1/200 (beyond doubt, the least tried)", "3 of 4 run"]
    single = {name: group[::2] for name, group in rows.items()}
    best = weights.best_ratios(single, weights.gains(single))
    assert best.loc["with TSB", "6 hours"] == "20 (not beyond doubt, the most tried)"


def test_no_harm_must_be_shown(rows):
    """An interval that includes a large loss was counted as harmless: of two seeds most do."""
    gains = weights.gains(rows)
    harm = weights.harm(gains)
    assert harm.loc["with TSB"].tolist() == [
        "no harm 4, harm 0, not known 0", "no harm 3, harm 1, not known 0"]  # fmt: skip
    assert harm.loc["without: plain sum", "6 hours"] == "no harm 2, harm 2, not known 0"
    wide = weights.harm(gains.assign(low=gains["gain"] - 200, high=gains["gain"] + 200))
    assert wide.loc["with TSB", "6 hours"] == "no harm 0, harm 0, not known 4"
    single = weights.harm(gains.assign(low=float("nan"), high=float("nan")))
    assert single.loc["with TSB", "6 hours"] == "no harm 0, harm 0, not known 4"


def test_both_questions_have_an_answer_in_words(rows):
    """Tables of best ratios and of harm left the reader to compare rows by himself."""
    judged = weights.gains(rows)
    (tsb,) = weights.falls(rows, judged, "mae")  # of the plain sum one cell is empty
    assert tsb == (
        "MAE, with TSB, ratio of the lowest mean: 20 (beyond doubt, the most tried) with 6 hours; "
        "1/200 (beyond doubt, the least tried) with 3 days. It falls as data grow."
    )
    assert weights.falls(rows, judged[judged["ratio"] != "1/200"], "mae") == []
    said = weights.with_and_without(rows, "rmse")
    assert "-26.6 to +94.4 %, beyond doubt lower in 5 and higher in 1 of 7" in said
    assert weights.with_and_without({"Target only": rows["Target only"]}, "mae").startswith(
        "MAE: no"
    )


@pytest.mark.parametrize(
    "best, words",
    [(("1", "1"), "is the same"), (("1/20", "1"), "rises"), (("1", "1/20", "1"), "both ways")],
)
def test_a_weight_that_does_not_fall_is_not_called_falling(best, words):
    """ "Does not fall" was said of one that rises too, and of one at the end of the grid."""
    cases = [pd.DataFrame({"ratio": ["1/200", one], "gain": [0.0, 1.0]}) for one in best]
    assert words in weights._trend(cases)


@pytest.fixture
def beside(recorded):
    rule = [recorded("Last value", "c", {"mae": 3.2, "rmse": 3.2}, 0, amount, epochs=0)
            for amount in ("0.25", "1", "3")]  # fmt: skip
    names = ("Graph ridge", "Trees", "Trees(pooled)", "Boosted line")
    return {"Last value": rule} | {n: [recorded(n, "c", None, 0, "3")] for n in names}


def test_rows_above_the_last_value_are_counted(rows, beside):
    """A gain over a network that is worse than repeating was shown without a word."""
    found = weights.references(rows, beside)
    assert [run.scarcity for run in found["Last value"]] == ["0.25", "3"]
    said = weights.above_last(rows, found["Last value"])
    assert "4 of 9 with 6 hours, 7 of 8 with 3 days" in said


def test_what_is_not_run_is_said(rows, beside, capsys):
    beside = weights.references(rows, beside)
    weights.show_ratios(rows, beside, "Weights")
    out = capsys.readouterr().out
    assert "Weights: trainings" in out
    assert "not run" in out and "Ratio with the lowest mean MAE" in out and "not known 0" in out
    weights.show_ratios({"Target only": rows["Target only"]}, beside, "Weights")
    assert "no ratio is run" in capsys.readouterr().out
