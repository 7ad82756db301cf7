"""Table 2 of the results page: cells say what is lacking, bars are those of their own task."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.gridflow import results

NAN = float("nan")
TASKS = [("x>y", "3"), ("x>y", "0")]


@pytest.fixture
def rows(recorded):
    """A rule without a source, a line and two networks on one pair with three days, two seeds."""

    def group(method, city, *errors):
        return [
            recorded(method, city, {"rmse": e, "mae": e / 2}, s) for s, e in enumerate(errors)
        ]

    return {
        "Previous hour": group("Previous hour", "y", 4.0),
        "Few-shot mean": group("Few-shot mean", "y", 5.0),
        "Hour-of-week mean": group("Hour-of-week mean", "y", 1.0),
        "Linear": group("Linear", "x>y", 3.0),
        "STBaT": group("STBaT", "x>y", 2.0, 2.2),
        "Finetuned": group("Finetuned", "x>y", 2.0, 3.9),
    }


def test_what_knows_no_source_stands_under_each_of_its_sources(rows):
    long = results.summary_by_pair(rows, ["x>y", "z>y", "x>w"])
    rule = long[(long["row"] == "Previous hour") & (long["metric"] == "rmse")]
    assert rule["pair"].tolist() == ["x>y", "z>y"] and rule["mean"].tolist() == [4, 4]
    assert long[long["row"] == "STBaT"]["pair"].unique().tolist() == ["x>y"]
    none = results.summary_by_pair(rows, ["p>q"])
    assert none.empty and {"beside", "more"} < {*none}


@pytest.mark.parametrize(
    "changes, text",
    [({}, "1.500 ± 0.250"), ({"spread": NAN}, "1.500"), ({"n": 0}, "not run"),
     ({"n": 0, "collapsed": 2}, "collapsed"), ({"missing": 1}, "1.500 ± 0.250 (n=2)"),
     ({"collapsed": 1, "stale": True}, "1.500 ± 0.250 (n=2) stale"),
     ({"n": 1, "spread": NAN, "missing": 1, "beside": 1.6}, "1.500 (n=1; Finetuned there 1.600)"),
     ({"more": True}, "1.500 ± 0.250 (n=2)")],
)  # fmt: skip
def test_a_cell_says_what_it_lacks(changes, text):
    """A mean of the seeds that did not collapse looks better than the method is."""
    cell = {"mean": 1.5, "spread": 0.25, "n": 2, "collapsed": 0, "missing": 0, "stale": False,
            "beside": NAN, "more": False}  # fmt: skip
    assert results.cell_text(SimpleNamespace(**cell | changes)) == text


def test_a_row_with_fewer_seeds_has_the_others_on_its_own_beside_it(rows, recorded):
    """One seed at 3.8 beside a mean of 2.95 looks worse than it is: that seed had 3.9."""
    few = {"MAML": [recorded("MAML", "x>y", {"rmse": 3.8, "mae": 1.9}, 1),
                    recorded("MAML", "x>y", None, 0)]}  # fmt: skip
    long = results.summary_by_pair(rows | few, ["x>y"])
    beside = long[long["metric"] == "rmse"].set_index("row")["beside"]
    assert beside["MAML"] == 3.9 and beside.drop("MAML").isna().all()
    wide = results.metric_table(long, "rmse", "3")
    assert wide.loc["MAML"].item() == "3.800 (n=1; Finetuned there 3.900)"


def test_a_row_with_more_seeds_says_how_many(rows, recorded):
    """A mean of three seeds stood beside two of Finetuned's as if it were of the same."""
    more = {"MAML": [recorded("MAML", "x>y", {"rmse": e, "mae": e}, s)
                     for s, e in enumerate((3.0, 4.0, 8.0))]}  # fmt: skip
    long = results.summary_by_pair(rows | more, ["x>y"])
    flags = long[long["metric"] == "rmse"].set_index("row")["more"]
    assert flags["MAML"] and not flags.drop("MAML").any()
    text = results.metric_table(long, "rmse", "3").loc["MAML"].item()
    assert text == "5.000 ± 2.646 (n=3)"


def test_the_best_network_is_one_with_all_seeds(rows, recorded):
    """A lucky seed of one method is no mean of another."""
    lucky = {"MAML": [recorded("MAML", "x>y", {"rmse": 1.0, "mae": 0.5}, 1)]}
    best = results.best_of(rows | lucky, ["MAML", "STBaT", "Finetuned"], "x>y", "3")
    assert best == ("STBaT", pytest.approx(2.1))


def test_a_task_whose_networks_all_failed_was_run(rows, recorded):
    """Counted as not run, it vanished from "lower than every network in so many tasks"."""
    bad = {"rmse": 9.0, "mae": 5.0}
    rows["Linear"].append(recorded("Linear", "x>y", {"rmse": 3.5, "mae": 2.0}, scarcity="0"))
    rows["STBaT"].append(recorded("STBaT", "x>y", bad, scarcity="0", notes={"collapsed": True}))
    rules = results.usable_rules(results.summary_by_pair(rows, ["x>y"]), "0")
    networks = ["STBaT", "Finetuned"]
    bars = results.bars_to_pass(rows, rules, [*TASKS, ("v>w", "3")], networks)
    assert bars["best network"].tolist() == ["STBaT", results.NONE_LEFT, "not run"]
    assert results.count_ahead(bars) == (2, 1, 1)


def test_rows_of_a_table_keep_their_order_and_protocol(rows):
    wide = results.metric_table(results.summary_by_pair(rows, ["x>y"]), "mae", "3")
    assert list(wide.index) == list(rows) and list(wide.columns) == [("here, P60", "x → y")]
    assert wide.loc["STBaT"].item() == "1.050 ± 0.071"


def test_printed_numbers_stand_beside_their_row(rows, capsys):
    """Joined in the paper's order they would stand beside other methods."""
    results.show_metric_tables(results.summary_by_pair(rows, ["x>y"]), "Table 2", True)
    out = capsys.readouterr().out
    assert (
        "Table 2: RMSE (trips per step), 3 days of target data" in out
        and "the paper, its files" in out
    )
    printed = results.printed_errors("rmse", "3")
    (line,) = [line for line in out.splitlines() if line.startswith("STBaT")][:1]
    assert line.split()[-printed.shape[1] :] == [f"{v:.3f}" for v in printed.loc["STBaT"]]


def test_arima_is_printed_under_each_source():
    """The paper prints methods without a source once for each target."""
    printed = results.printed_errors("rmse", "3")
    targets = [pair.split()[0] + pair.rpartition(">")[2] for pair in printed]
    by_target = printed.loc["ARIMA"].groupby(targets)
    assert printed.loc["ARIMA"].notna().all() and (by_target.nunique() == 1).all()
    assert "ARIMA" not in results.printed_errors("rmse", "0").index


def test_only_repeating_rules_need_no_day(rows):
    """History is not allowed, and a mean of three days does not exist without them."""
    rules = results.usable_rules(results.summary_by_pair(rows, ["x>y"]), "0")
    found = set(rules[["row", "scarcity"]].itertuples(index=False, name=None))
    assert found == {("Previous hour", "3"), ("Previous hour", "0"), ("Few-shot mean", "3")}


def test_errors_are_relative_to_their_own_task(rows):
    points = results.relative_errors(rows, {("x>y", "3"): 4.0})
    found = points.groupby("method", sort=False)["value"].apply(list).to_dict()
    assert found["STBaT"] == pytest.approx([50, 55]) and found["Linear"] == [75]
    assert "Previous hour" not in found and set(points["scarcity"]) == {"3"}


def test_bars_are_the_lowest_of_their_task(rows):
    rules = results.usable_rules(results.summary_by_pair(rows, ["x>y"]), "0")
    bars = results.bars_to_pass(rows, rules, TASKS, ["STBaT", "Finetuned", "MAML"])
    few, none = bars.to_dict("records")
    assert few == {"best rule": "Previous hour", "its RMSE": 4.0, "Linear": 3.0,
                   "best network": "STBaT", "its RMSE ": pytest.approx(2.1),
                   "STBaT": pytest.approx(2.1)}  # fmt: skip
    assert none["best network"] == "not run" and np.isnan(none["its RMSE "])
    assert bars.index[0] == ("x → y", "3 days of target data")


def test_a_task_is_passed_by_the_whole_interval(rows):
    """Two seeds at 2.0 and 3.9 are below 4 on average, and nothing is certain."""
    place = [("x → y", "3 days of target data"), ("x → y", "no day of target data")]
    bars = pd.Series([4.0, 4.0], pd.MultiIndex.from_tuples(place))
    assert results.tasks_passed(rows["STBaT"], bars, TASKS) == "1 of 1"
    assert results.tasks_passed(rows["Finetuned"], bars, TASKS) == "0 of 1"
    assert results.tasks_passed(rows["Linear"], bars, TASKS) == "too few seeds"


def test_printed_improvements_follow_from_printed_errors():
    """By hand: 100 (e_best - e_STBaT) / e_best for every column of the paper's table."""
    checked = results.printed_improvements()
    assert len(checked) == 32 and list(checked) == results.IMPROVEMENTS
    first = checked.iloc[0]
    errors = results.printed_errors("rmse", "3")[first["task"]]
    best = errors.drop("STBaT").min()
    assert first["from the errors (%)"] == pytest.approx(100 * (best - errors["STBaT"]) / best)
    assert errors[first["best baseline"]] == best
    apart = (checked["from the errors (%)"] - checked["printed (%)"]).abs() > 0.1
    assert apart.sum() == 2


def test_a_bar_is_passed_by_all_trainings_or_not(rows, recorded):
    """Without those that failed, which are above the bar, every interval is below it."""
    bar, group = pd.Series({("x → y", "3 days of target data"): 5.0}), rows["STBaT"]
    assert results.tasks_passed(group, bar, TASKS[:1]) == "1 of 1"
    failed = recorded("STBaT", "x>y", {"rmse": 9.0}, 2, notes={"collapsed": True})
    assert results.tasks_passed([*group, failed], bar, TASKS[:1]) == "0 of 1"
    points = results.relative_errors({"A": [failed]}, {("x>y", "3"): 4.5})
    assert points.iloc[0].tolist() == ["x>y", "A", "3", 200.0, True]
