"""Result page: cells from the right seeds, bars at the right hundred, gains with their sign."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book import tables
from stflow_lib.book.plots.speedgraph import results
from stflow_lib.speedgraph.plan import Plan

PARTS = {f"part_min{minutes}_{error}": first + number
         for error, first in (("mae", 1.0), ("rmse", 4.0))
         for number, minutes in enumerate((10, 30, 60))}  # fmt: skip


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def rows(recorded):
    """A bar on two targets, a method of two seeds on one of them and of one on the other."""
    bar = [recorded("Last value", target, {"mae": 4.0, "rmse": 5.0} | PARTS, epochs=0)
           for target in "yz"]  # fmt: skip
    net = [recorded("Net", "x>y", {"mae": mae, "rmse": 10.0} | PARTS, seed)
           for seed, mae in enumerate((2.0, 3.0))]  # fmt: skip
    far = recorded("Net", "x>z", {"mae": 5.0, "rmse": 4.0} | PARTS)
    return {"Last value": bar, "Net": [*net, far], "Ridge": []}


def test_a_cell_says_what_it_lacks(recorded):
    """A mean of the seeds that did not fail looks better than the method is."""
    one, three = (
        recorded("A", "x>y", {"mae": mae}, seed) for seed, mae in enumerate((1.0, 3.0))
    )
    failed = recorded("A", "x>y", {"mae": 9.0}, 2, notes={"collapsed": True})
    missing = recorded("A", "x>y", None, 3)
    assert results.mean_and_spread([one, three], "mae") == "2.00 ± 1.41"
    assert results.mean_and_spread([one], "mae") == "1.00"
    assert results.mean_and_spread([one, three, failed], "mae") == "2.00 ± 1.41 (n=2)"
    assert results.mean_and_spread([failed, missing], "mae") == "collapsed"
    assert results.mean_and_spread([missing], "mae") == "not run"


def test_who_is_below_the_bar_is_told_by_failed_trainings_too(rows, recorded):
    """They failed because they are above it: without them every method is below."""
    rows["Bad"] = [recorded("Bad", "x>z", {"mae": 8.0, "rmse": 8.0}, notes={"collapsed": True})]
    points = results.relative_errors(rows, ["x>y", "x>z"], "mae")
    assert points.iloc[-1].tolist() == ["x>z", "Bad", "3", 200.0, True]
    assert results.below_the_bar(points) == [
        "y: 1 of 1 methods are below; the lowest is Net, by 37.5 %",
        "z: 0 of 2 methods are below; the lowest is Net, by -25.0 %"]  # fmt: skip
    assert results.below_the_bar(points.head(0)) == ["not run"]
    assert results.targets_passed(rows, ["x>z"], ["mae"]).loc["Bad", "MAE"] == "0 of 1"


def test_every_horizon_has_its_column_and_every_target_its_own_runs(rows):
    """A seed of another target in a mean would mix miles and kilometres."""
    table = results.target_table(rows, "x>y")
    assert table.loc["Net"].tolist() == [
        "1.00 ± 0.00", "2.00 ± 0.00", "3.00 ± 0.00", "2.50 ± 0.71",
        "4.00 ± 0.00", "5.00 ± 0.00", "6.00 ± 0.00", "10.00 ± 0.00"]  # fmt: skip
    assert [*table.columns[:4]] == [("MAE", w) for w in ("10 min", "30 min", "60 min", "avg.")]
    assert table.loc["Last value", ("MAE", "avg.")] == "4.00"
    assert set(table.loc["Ridge"]) == {"not run"}


def test_a_target_without_records_has_no_table(rows, recorded):
    """Its thirty rows would all be gaps."""
    gap = recorded("Net", "x>w", None)
    rows["Net"].append(gap)
    assert results.recorded_pairs(rows, ["x>y", "x>w", "x>z"]) == ["x>y", "x>z"]


def test_printed_numbers_keep_the_papers_order_and_their_gaps():
    cells = [(method, error, horizon, number + len(horizon) / 4)
             for number, method in enumerate("BA") for error in ("MAE", "RMSE")
             for horizon in ("10min", "30min", "60min", "avg")]  # fmt: skip
    printed = pd.DataFrame(cells, columns=["method", "metric", "horizon", "value"])
    printed.loc[3, "value"] = float("nan")
    table = results.printed_table(printed)
    assert table.loc["B"].tolist() == ["1.25"] * 3 + [""] + ["1.25"] * 3 + ["0.75"]
    assert [*table.index] == ["B", "A"] and table.loc["A", ("RMSE", "60min")] == "2.25"


def test_the_bar_is_a_hundred_on_each_target(rows):
    found = results.relative_errors(rows, ["x>y", "x>z"], "mae")
    assert found.to_numpy().tolist() == [
        ["x>y", "Net", "3", 50.0, False], ["x>y", "Net", "3", 75.0, False],
        ["x>z", "Net", "3", 125.0, False]]  # fmt: skip


def test_targets_on_which_a_method_is_better(rows, recorded):
    rows["Ridge"] = [recorded("Ridge", "y", {"mae": 1.0, "rmse": 1.0})]
    passed = results.targets_passed(rows, ["x>y", "x>z"], ("mae", "rmse", "min10_mae"))
    assert passed.loc["Net"].tolist() == ["1 of 2", "1 of 2", "0 of 2"]
    assert [*passed.columns] == ["MAE", "RMSE", "10 MAE"] and [*passed.index] == ["Net"]


@pytest.fixture
def judged(rows):
    return tables.compare(rows, {"Net": ("Net", "Last value")}, results.ERRORS)


def test_the_weights_of_joint_training_follow_its_batch():
    """Of batches of 8 and 6 windows six had nearly all of a step, by the paper's weights."""
    said = [results.windows_of_joint(Plan.of(p).settings("Joint")) for p in ("bench", "paper")]
    assert "the target's 8 have 57 % of a step, the sources' 6 the rest" in said[0]
    assert "the target's 4 have 3 % of a step, the sources' 124 the rest" in said[1]


def test_gains_stand_under_their_targets(judged, capsys):
    wide = results.gains_by_target(judged)
    assert [*wide] == ["mae", "rmse"] and [*wide["mae"].columns] == ["y", "z"]
    assert wide["mae"].loc["Net", "y"].startswith("+37.5 [")
    assert wide["mae"].loc["Net", "z"] == "-25.0" and wide["rmse"].loc["Net", "z"] == "+20.0"
    results.show_gains_by_target(judged, "below")
    assert "below, MAE, %" in capsys.readouterr().out
    results.show_gains_by_target(judged.head(0), "below")
    assert capsys.readouterr().out == "below: no pair of runs to compare yet\n"


def test_figure_draws_gains_in_mae_where_there_are_intervals(judged):
    figure = results.mae_gains_figure(judged, "title")
    assert figure.get_suptitle() == "title"
    first, second = figure.axes
    assert first.get_title() == "x → y" and first.get_xlabel().startswith("lower by, %")
    drawn = [axis.collections[-1].get_offsets().tolist() for axis in (first, second)]
    assert [points[0][0] for points in drawn] == [37.5, -25.0]
    assert results.mae_gains_figure(judged[judged["city"] == "x>z"], "title") is None


def test_the_best_row_of_each_target_is_named(judged):
    said = results.best_by_target(judged)
    assert {"y, MAE: 1 of 1 are lower; the best is Net, by +37.5 %",
            "z, MAE: 0 of 1 are lower; the best is Net, by -25.0 %",
            "z, RMSE: 1 of 1 are lower; the best is Net, by +20.0 %"} < {*said}  # fmt: skip
    assert len(said) == 4


def test_without_gains_nothing_was_run(judged):
    assert results.best_by_target(judged.head(0)) == ["not run"]
