"""Tables say what ran, what did not, what collapsed and what is stale."""

from functools import partial

import pandas as pd
import pytest

from stflow_lib import runs


def test_summary_is_mean_and_sample_spread_of_the_seeds(toy):
    wanted = [toy.run(seed=s) for s in range(4)]
    values = [runs.ensure(run)["metric_rmse"] for run in wanted]
    row = runs.summary(wanted).iloc[0]
    assert row["mean"] == pytest.approx(sum(values) / 4)
    assert row["spread"] == pytest.approx(pd.Series(values).std())
    assert (row["n"], row["missing"], row["stale"]) == (4, 0, False)


def test_table_in_the_papers_order_says_what_is_not_run_and_what_collapsed(toy):
    """A collapsed run must not be averaged unseen, an absent one not invented."""
    wanted = [
        toy.run(m, seed=s, scarcity=f)
        for m in ("COLLAPSES", "NOISE")
        for f in ("20", "100")
        for s in (0, 1, 2)
    ]
    runs.compute_missing([r for r in wanted if r.method == "COLLAPSES" and r.scarcity == "100"])
    shown = runs.table(wanted, ["rmse"])
    assert list(shown.index) == ["NOISE", "COLLAPSES"]
    assert shown.loc["NOISE"].tolist() == ["not run", "not run"]
    assert (
        shown.loc["COLLAPSES", ("toytown", "100", "rmse")] == "2.010 ± 0.014 (n=2, 1 collapsed)"
    )
    only = [toy.run("COLLAPSES", seed=1)]
    assert runs.table(only).iloc[0, 0] == "collapsed (n=0, 1 collapsed)"


def test_a_tables_title_is_what_its_function_says():
    def fewer_days(days: int, profile: str):
        """The first days of a city.

        Its last are another table.
        """

    assert runs.RowTable(fewer_days).title == "The first days of a city"
    assert runs.RowTable(partial(fewer_days, 3)).title == "The first days of a city"


def test_table_marks_partial_and_stale_cells(change_code, toy):
    wanted = [toy.run(seed=s) for s in (0, 1)]
    value = runs.ensure(wanted[0])["metric_rmse"]
    change_code(wanted[0])
    assert runs.table(wanted).iloc[0, 0] == f"{value:.3f} (n=1, 1 not run, stale)"


def test_table_never_mixes_settings_or_profiles_in_a_cell(toy):
    wanted = [toy.run(), toy.run(offset=1.0), toy.run(profile="smoke")]
    runs.compute_missing(wanted)
    shown = runs.table(wanted)
    assert list(shown.index) == ["NOISE", "NOISE {offset: 1.0}"]
    assert shown.columns.names == ["profile", "city", "scarcity", "metric"]
    assert shown.loc["NOISE {offset: 1.0}"].tolist()[1] == "not run"


def test_table_puts_the_printed_numbers_beside(toy):
    rows = [
        ("TaxiBJ-P1", "100", "NOISE", "rmse", 3.8451),
        ("TaxiBJ-P1", "20", "NOISE", "rmse", 4.1),
    ]
    printed = pd.DataFrame(rows, columns=["dataset", "fraction", "method", "metric", "value"])
    shown = runs.table(toy.table1("lab"), "rmse", printed)
    assert shown["TaxiBJ-P1 (paper)", "100", "rmse"].tolist() == ["3.845", ""]
    assert len(shown.columns) == 2


def test_table_without_runs_shows_what_was_printed(toy):
    """Originals that are not here leave a table of the paper's numbers, not an error."""
    rows = [("P2", "20", m, "rmse", v) for m, v in (("MEAN", 26.729), ("HA", 6.568))]
    printed = pd.DataFrame(rows, columns=["dataset", "fraction", "method", "metric", "value"])
    shown = runs.table([], ["rmse"], printed)
    assert shown["P2 (paper)", "20", "rmse"].to_dict() == {"MEAN": "26.729", "HA": "6.568"}
    assert runs.table([]).empty and runs.summary([]).empty


def test_a_run_that_two_tables_share_counts_once(toy):
    runs.ensure(toy.run())
    assert runs.summary([toy.run(), toy.run()])["n"].tolist() == [1]


def test_records_leaves_out_what_is_not_run(toy):
    wanted = toy.table1("lab")
    assert runs.records(wanted) == []
    record = runs.ensure(wanted[2])
    assert runs.records(wanted) == [record]
