"""Ablations: rows keep their errors, the base its place, and a sweep its reading and size."""

import matplotlib.pyplot as plt
import pytest

from stflow_lib import runs
from stflow_lib.book.plots.speedgraph import ablations
from stflow_lib.runs import RowTable


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


@pytest.fixture
def rows(recorded):
    return {
        "whole": [recorded("whole", "x>y", {"mae": 3.0, "rmse": 6.0})],
        "w/o part": [recorded("T", "x>y", {"mae": 4.0, "rmse": 5.0}, 0),
                     recorded("T", "x>y", {"mae": 5.0, "rmse": 5.0}, 1)],
        "w/o all": [recorded("none", "x>y", None)],
    }  # fmt: skip


def test_a_panel_for_each_error_and_a_point_for_each_seed(rows):
    figure = ablations.errors_figure(rows, "mph", "whole", "one part less")
    mae, rmse = figure.axes
    assert figure.get_suptitle() == "one part less"
    assert mae.get_xlabel() == "test MAE (mph), mean of the horizons"
    assert rmse.get_xlabel() == "test RMSE (mph), mean of the horizons"
    assert [label.get_text() for label in mae.get_yticklabels()] == [*rows]
    drawn = [points.get_offsets()[:, 0].tolist() for points in mae.collections]
    assert drawn == [[3.0], [4.0, 5.0], []]


def test_nothing_recorded_is_no_figure(rows):
    assert ablations.errors_figure({"w/o all": rows["w/o all"]}, "mph", "whole", "t") is None


def test_the_base_is_compared_with_each_other_row(rows, capsys):
    ablations.show_base_against_others(rows, "whole")
    out = capsys.readouterr().out
    assert "whole below w/o part, MAE" in out and "25.00" in out
    assert "whole below w/o part, RMSE" in out and "-20.00" in out and "w/o all" not in out


def test_sweep_by_reading_and_size(recorded):
    errors = lambda value: {"mae": value, "rmse": 2 * value}
    rows = {f"{mode}, K = {size}": [recorded(f"{mode}{size}", "x>y", errors(value))]
            for mode, size, value in
            (("gram", 10, 3.0), ("gram", 25, 3.5), ("code", 10, 2.0))}  # fmt: skip
    rows["code, K = 25"] = [recorded("code25", "x>y", None)]
    sweep = ablations.bank_sweep(rows)
    assert sweep == {"gram": {"10": [3.0], "25": [3.5]}, "code": {"10": [2.0]}}
    squared = ablations.bank_sweep(rows, "rmse")
    assert squared == {"gram": {"10": [6.0], "25": [7.0]}, "code": {"10": [4.0]}}
    assert ablations.sweep_spans(sweep, [2.0, 3.0]) == {"gram": 20.0, "code": 0.0}
    assert ablations.sweep_spans(sweep, []) == {}


def test_trainings_near_the_rule_are_counted_with_those_that_failed(recorded):
    """One that ends above the rule failed, and has surely not left it."""
    rows = {"gram, K = 1": [recorded("A", "a>y", {"mae": 9.7})],
            "gram, K = 2": [recorded("A", "b>y", {"mae": 9.9})],
            "gram, K = 3": [recorded("A", "c>y", {"mae": 10.1}, notes={"collapsed": True})],
            "code, K = 1": [recorded("A", "d>y", None)]}  # fmt: skip
    assert ablations.near_rule(rows, 10.0, 2) == {"gram": "2 of 3", "code": "0 of 0"}


@pytest.mark.parametrize(
    "bench, lab, shown",
    [("AB", "ABC", ["bench", "lab"]), ("ABC", "ABC", ["bench"]), ("A", "ABC", ["lab"]),
     ("", "", ["bench"]), ("AB", "", ["bench"])],
)  # fmt: skip
def test_a_longer_schedule_hides_no_row_of_the_short_one(recorded, bench, lab, shown):
    """Records of bench were on no page while most rows had none."""
    rows = {
        size: {n: [recorded(n, size, {"mae": 1.0} if n in known else None)] for n in "ABC"}
        for size, known in (("bench", bench), ("lab", lab))
    }
    assert [*ablations.by_profile(RowTable(rows.__getitem__), "bench")] == shown


def test_gaps_and_old_records_are_named(rows, recorded, capsys):
    beside = {"Last value": [recorded("Last value", "y", {"mae": 5.0, "rmse": 6.0}, epochs=0)]}
    for record in runs.records(rows["w/o part"]):
        record["stale"] = True
    ablations.show_rows(rows, beside, "whole", "mph", "parts")
    out = capsys.readouterr().out
    assert "Not run: w/o all." in out and "since they were made: w/o part 2 of 2." in out
    assert "parts: trainings with an MAE below the last value's" in out
