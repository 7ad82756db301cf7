"""Weight of the sources: each gain at its ratio, and answers only where the grid is full."""

import matplotlib.pyplot as plt
import pytest

from stflow_lib.book.plots.speedgraph import source_weights as weights
from stflow_lib.speedgraph.tables import TABLES


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


ERRORS = {  # at six hours and at three days; the target alone has 4
    "TSB, 1/200": (3.0, 3.8), "TSB, 1/20": (2.0, 3.9), "TSB, 1": (1.0, 3.99),
    "sum, 1/200": (3.0, 3.0), "sum, 1/20": (3.5, 6.0), "sum, 1": (8.0, None),
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
    assert tsb == pytest.approx([25, 50, 75], abs=0.2)
    assert plain == pytest.approx([25, 12.5, -100], abs=0.3)
    assert weights.ratio_figure(weights.gains(rows).head(0), "mae", "c") is None


def test_a_best_ratio_needs_all_of_them(rows):
    best = weights.best_ratios(weights.gains(rows))
    assert best.loc["with TSB"].tolist() == ["1", "1/200"]
    assert best.loc["without: plain sum"].tolist() == ["1/200", "2 of 3 run"]


def test_harm_is_a_whole_interval_below_zero(rows):
    gains = weights.gains(rows)
    harmless = weights.harmless_ratios(gains)
    assert harmless.loc["with TSB"].tolist() == ["3 of 3", "3 of 3"]
    assert harmless.loc["without: plain sum", "6 hours"] == "2 of 3"
    single = weights.harmless_ratios(gains.assign(low=float("nan"), high=float("nan")))
    assert single.loc["with TSB", "6 hours"] == "one seed"


def test_what_is_not_run_is_said(rows, capsys):
    weights.show_ratios(rows, weights.gains(rows), "Weights")
    assert "not run" in capsys.readouterr().out
    weights.show_ratios(rows, weights.gains(rows).head(0), "Weights")
    assert "no ratio is run" in capsys.readouterr().out
