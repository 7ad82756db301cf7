"""Verdicts as the scoreboard shows them: shares of their own row, intervals of their own claim."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book.plots import scoreboard as plots

NAN = float("nan")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def judged():
    rows = [
        ("P", "order", "a < b", "x", "lab", 2.0, 1.0, 3.0, "confirmed"),
        ("P", "order", "a < b", "y", "lab", -1.0, -2.0, 0.5, "not confirmed"),
        ("P", "order", "a < c", "x", "lab", NAN, NAN, NAN, "not run"),
        ("P", "order", "a < c", "y", "lab", 0.5, NAN, NAN, "not confirmed"),
        ("Q", "trend", "d < e", "z", "lab", NAN, NAN, NAN, "not run"),
    ]
    names = ["title", "kind", "statement", "city", "profile", "ours", "interval_low"]
    names += ["interval_high", "verdict"]
    return pd.DataFrame(rows, columns=names).assign(stale=False)


def test_verdicts_are_counted_by_group_and_none_is_forgotten(judged):
    """A verdict that nobody reached must stand there with a zero."""
    counts = plots.count_verdicts(judged, ["title", "kind"])
    assert list(counts) == ["confirmed", "not confirmed", "not run"]
    assert counts.to_numpy().tolist() == [[1, 2, 1], [0, 0, 1]]


@pytest.mark.parametrize(
    "changes, text",
    [({}, "yes 2.35 [1, 3.5]"), ({"stale": True}, "yes 2.35 [1, 3.5] (stale)"),
     ({"verdict": "not confirmed", "interval_low": NAN}, "no 2.35"), ({"verdict": "not run"}, "-")],
)  # fmt: skip
def test_a_judgement_has_its_interval_where_there_is_one(changes, text):
    row = {"ours": 2.345, "interval_low": 1.0, "interval_high": 3.5, "stale": False,
           "verdict": "confirmed"}  # fmt: skip
    assert plots.judgement_text(SimpleNamespace(**row | changes)) == text


def test_places_without_a_run_have_no_column(judged):
    table = plots.judgements_table(judged[judged["title"] == "P"])
    assert list(table.index) == ["a < b", "a < c"]
    assert table["lab", "x"].tolist() == ["yes 2 [1, 3]", "-"]
    assert plots.judgements_table(judged[judged["title"] == "Q"]).empty


def test_bars_are_shares_of_their_row(judged):
    """Shares of all judgements would make papers with few claims look refuted."""
    figure = plots.verdicts_figure(plots.count_verdicts(judged, ["title", "kind"]))
    (axis,) = figure.axes
    assert [bar.get_width() for bar in axis.patches] == [25, 0, 50, 0, 25, 100]
    assert [bar.get_x() for bar in axis.patches] == [0, 0, 25, 0, 75, 0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["P: order (4)", "Q: trend (1)"]
    assert axis.get_title() == "Verdict by kind of claim"
    assert axis.get_xlabel() == "share of judgements (%)"


def test_what_has_no_interval_is_not_drawn(judged):
    run = plots.with_interval(judged)
    assert run["city"].tolist() == ["x", "y"] and run["reach"].tolist() == [1, 1.25]


def test_certainty_is_in_half_widths(judged):
    """A claim is confirmed exactly where its dot is right of 1."""
    (axis,) = plots.certainty_figure(plots.with_interval(judged)).axes
    drawn = {c.get_label(): c.get_offsets().tolist() for c in axis.collections}
    assert drawn["confirmed"][0][0] == 2 and drawn["not confirmed"][0][0] == pytest.approx(-0.8)
    assert not drawn["not run"] and axis.get_title() == "How sure we are"
    assert [t.get_text() for t in axis.get_yticklabels()] == ["P, x, lab", "P, y, lab"]
    assert axis.get_xlabel() == "mean difference / half width of its interval (1)"
