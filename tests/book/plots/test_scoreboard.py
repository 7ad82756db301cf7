"""Verdicts as the scoreboard shows them: shares of their own row, intervals of their own claim."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book.display import OTHER
from stflow_lib.book.plots import scoreboard as plots
from stflow_lib.verdicts.statistics import VERDICTS

NAN = float("nan")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def judged():
    rows = [
        ("P", "order", "a < b", "x", "lab", 2.0, 1.0, 3.0, "confirmed", "confirmed"),
        ("P", "order", "a < b", "y", "lab", -1.0, -2.0, 0.5, "open", "not converged"),
        ("P", "order", "a < c", "x", "lab", NAN, NAN, NAN, "", "not run"),
        ("P", "order", "a < c", "y", "lab", 0.5, NAN, NAN, "", "one seed"),
        ("Q", "trend", "d < e", "z", "lab", NAN, NAN, NAN, "", "not run"),
    ]
    names = ["title", "kind", "statement", "city", "profile", "ours", "interval_low"]
    names += ["interval_high", "so_far", "verdict"]
    return pd.DataFrame(rows, columns=names).assign(stale=False, share_of_days=NAN)


def test_verdicts_are_counted_by_group_and_none_is_forgotten(judged):
    """A verdict that nobody reached must stand there with a zero."""
    counts = plots.count_verdicts(judged, ["title", "kind"])
    assert list(counts) == list(VERDICTS) and len(VERDICTS) == 8
    assert counts.to_numpy().tolist() == [[1, 0, 1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]]
    early = plots.count_verdicts(judged, ["title", "kind"], "so_far")
    assert list(early) == ["confirmed", "opposite", "equal within 1 %", "open"]
    assert early.to_numpy().tolist() == [[1, 0, 0, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    "changes, text",
    [({}, "yes 2.35 [1, 3.5]"), ({"stale": True}, "yes 2.35 [1, 3.5] (stale)"),
     ({"verdict": "not converged"}, "yes* 2.35 [1, 3.5]"),
     ({"verdict": "opposite", "so_far": "opposite"}, "opposite 2.35 [1, 3.5]"),
     ({"verdict": "equal within 1 %", "so_far": "equal within 1 %"}, "equal 2.35 [1, 3.5]"),
     ({"verdict": "one seed", "so_far": "", "interval_low": NAN}, "one seed 2.35"),
     ({"verdict": "not run", "so_far": ""}, "-"),
     ({"verdict": "needs data that cannot be had", "so_far": ""}, "-")],
)  # fmt: skip
def test_a_judgement_has_its_interval_where_there_is_one(changes, text):
    row = {"ours": 2.345, "interval_low": 1.0, "interval_high": 3.5, "stale": False,
           "so_far": "confirmed", "verdict": "confirmed"}  # fmt: skip
    assert plots.judgement_text(SimpleNamespace(**row | changes)) == text


def test_the_share_of_days_is_said_or_that_nothing_is_known_of_them(judged):
    assert plots.days_sentence(judged).startswith("2 intervals are over seeds alone")
    known = judged.assign(share_of_days=[0.25, NAN, NAN, NAN, NAN])
    said = plots.days_sentence(known)
    assert said.startswith("1 of 2 intervals are over seeds and days")
    assert "days contribute 25 % (median; 25 to 25 %)" in said


def test_notes_are_counted_by_kind_and_paper():
    """A note that names a number would be a row of its own for each number."""
    notes = ["about 8 seeds would settle it; 2 failed run(s) left out", "no runs of A",
             "HA; a gain of the printed size (3.1 % on average) is excluded",
             "about 12 seeds would settle it", "about 480 seeds would settle it",
             "more seeds would not settle it", "about 7 seeds would settle it"]  # fmt: skip
    judged = pd.DataFrame({"note": notes, "title": [*"PPPPPPQ"], "n": [3] * 7})
    table = plots.notes_table(judged)
    assert table["P"].tolist() == [1, 1, 1, 1, 1, 1] and table["Q"].tolist() == [
        0,
        0,
        1,
        0,
        0,
        0,
    ]
    assert plots.notes_table(judged.assign(n=[3, 0, 0, 0, 0, 0, 0]))["P"].sum() == 2


def test_places_without_a_run_have_no_column(judged):
    table = plots.judgements_table(judged[judged["title"] == "P"])
    assert list(table.index) == ["a < b", "a < c"]
    assert table["lab", "x"].tolist() == ["yes 2 [1, 3]", "-"]
    assert plots.judgements_table(judged[judged["title"] == "Q"]).empty


def test_pairs_of_cities_are_written_so_that_a_heading_can_be_broken(judged):
    """A name of forty letters without a space makes a column that wide."""
    table = plots.judgements_table(judged[judged["title"] == "P"].replace({"x": "la+b-c>d"}))
    assert ("lab", "la + b-c → d") in table.columns


def test_bars_are_shares_of_their_row(judged):
    """Shares of all judgements would make papers with few claims look refuted."""
    both = [plots.count_verdicts(judged, ["title", "kind"], c) for c in ("verdict", "so_far")]
    figure = plots.verdicts_figure(*both)
    left, right = figure.axes
    widths, starts = (
        [getattr(bar, get)() for bar in left.patches] for get in ("get_width", "get_x")
    )
    assert widths == [25, 100, 0, 0, 25, 0, 25, 0, 25, 0, 0, 0, 0, 0, 0, 0]
    assert starts[::2] == [0, 25, 25, 50, 75, 100, 100, 100]
    assert [bar.get_width() for bar in right.patches][::2] == [25, 0, 0, 25]
    colours = {bar.get_facecolor() for bar in left.patches}
    assert len(colours) == 8 and {bar.get_facecolor() for bar in right.patches} < colours
    assert [t.get_text() for t in left.get_yticklabels()] == ["P: order (4)", "Q: trend (1)"]
    assert left.get_title() == "Verdict by kind of claim"
    assert right.get_title() == "What the runs say so far"
    assert left.get_xlabel() == right.get_xlabel() == "share of judgements (%)"
    assert [t.get_text() for t in figure.legends[0].get_texts()] == list(VERDICTS)


def test_what_has_no_interval_is_not_drawn(judged):
    run = plots.with_interval(judged)
    assert run["city"].tolist() == ["x", "y"] and run["reach"].tolist() == [1, 1.25]


def test_certainty_is_in_half_widths(judged):
    """A claim is confirmed exactly where its dot is right of 1."""
    (axis,) = plots.certainty_figure(plots.with_interval(judged)).axes
    drawn = [place for dots in axis.collections for place, _ in dots.get_offsets()]
    assert drawn == pytest.approx([2, -0.8]) and axis.get_title() == "How sure we are"
    assert [t.get_text() for t in axis.get_yticklabels()] == ["P, x, lab", "P, y, lab"]
    assert axis.get_xlabel() == "mean difference / half width of its interval (1)"


def test_what_is_no_verdict_is_hollow(judged):
    """Right of 1 stands nothing confirmed where a training was still learning."""
    run = plots.with_interval(judged)
    figure = plots.certainty_figure(run)
    faces = [f for dots in figure.axes[0].collections if len(dots.get_offsets())
             for f in dots.get_facecolors().tolist()]  # fmt: skip
    assert [face == [1, 1, 1, 1] for face in faces] == [False, True]
    named = [t.get_text() for t in figure.legends[0].get_texts()]
    assert named == [*plots.WORD_COLOURS, "hollow: not converged"]
    (legend,) = plots.certainty_figure(run[run["verdict"] == "confirmed"]).legends
    assert len(legend.get_texts()) == len(plots.WORD_COLOURS)


def test_a_papers_table_has_only_words_that_were_reached(judged):
    """Twelve columns of zeros hide the four that say something."""
    own = judged[judged["title"] == "P"]
    both = [plots.count_verdicts(own, ["title", "kind"], column) for column in plots.COLUMNS]
    table = plots.paper_table(*both)
    assert list(table) == [
        ("verdict", "not run"), ("verdict", "one seed"), ("verdict", "not converged"),
        ("verdict", "confirmed"), ("so far", "confirmed"), ("so far", "open"),
    ]  # fmt: skip
    assert table.loc[("P", "order")].tolist() == [1, 1, 1, 1, 1, 1]


def test_excluded_gains_are_named_with_their_place(judged):
    """Counted alone, nobody learns on which city a printed gain cannot be."""
    note = "a gain of the printed size (8.3 % on average) is excluded; more seeds would not"
    found = plots.excluded_gains(
        judged.assign(note=[note, "", note, "", ""], n=[3, 3, 0, 1, 0])
    )
    assert found.reset_index().to_numpy().tolist() == [["a < b", "8.3 %", "x (lab)", 2]]
    assert plots.excluded_gains(judged.assign(note="", n=3)).empty


def test_one_error_is_open_and_the_other_closed(judged, monkeypatch):
    """Both of a paper side by side made the page longer than anybody scrolls."""
    shown = []
    monkeypatch.setattr(plots, "show_table", lambda f, text, folded: shown.append((f, folded)))
    two = pd.concat([judged.assign(metric=m, statement=judged["statement"] + m)
                     for m in ("rmse", "mae")])  # fmt: skip
    plots.show_judgements(two[two["title"] == "P"].assign(profile="bench"), "P", "mae")
    assert [folded for _, folded in shown] == ["", OTHER]
    assert [list(found.index) for found, _ in shown] == [["a < bmae", "a < cmae"],
                                                        ["a < brmse", "a < crmse"]]  # fmt: skip
    shown.clear()
    plots.show_judgements(two[two["title"] == "P"], "P", "mae")
    brief = "a short fixed schedule"
    assert [folded for _, folded in shown] == [brief, f"{brief}, {OTHER}"]


def test_what_was_never_run_is_said(judged, capsys):
    plots.show_judgements(judged[judged["title"] == "Q"].assign(metric="rmse"), "Q", "rmse")
    assert "none of its 1 orders and trends has been run" in capsys.readouterr().out


def test_old_records_are_counted_in_the_headline(judged):
    assert plots.stale_sentence(judged).startswith("No judgement rests")
    old = judged.assign(stale=[True, False, True, True, False])  # the third was never run
    assert plots.stale_sentence(old) == (
        "2 of 3 judgements rest on a record that is older than the code (stale), profile lab"
    )
