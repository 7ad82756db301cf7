"""Layout of the ablations: rows, printed numbers and comparisons meet where they should."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book.plots.finegrained import ablations as plots

NAN = float("nan")


@pytest.fixture
def rows(recorded):
    """Three seeds of two rows, the second twice as wrong, and a row without a record."""
    errors = lambda scale, seed: {m: scale * (1 + seed / 10) for m in plots.METRICS}
    make = lambda name, scale: [
        recorded(name, "c", errors(scale, s), s, "20", curves={"valid_rmse": [scale, s]})
        for s in range(3)
    ]
    return {
        "full": make("A", 1),
        "half": make("B", 2),
        "none": [recorded("C", "c", None, 0, "20")],
    }


@pytest.mark.parametrize(
    "n, collapsed, missing, stale, spread, words",
    [(2, 0, 0, 0, 0.5, "1.250 ± 0.500 (n=2)"), (2, 0, 0, 1, 0.5, "1.250 ± 0.500 (n=2, stale)"),
     (1, 1, 1, 0, NAN, "1.250 (n=1, 1 collapsed, incomplete)"),
     (0, 1, 0, 0, NAN, "collapsed"), (0, 0, 1, 0, NAN, "not run")],
)  # fmt: skip
def test_a_cell_says_what_is_lacking(n, collapsed, missing, stale, spread, words):
    cell = SimpleNamespace(
        mean=1.25, n=n, collapsed=collapsed, missing=missing, stale=stale, spread=spread
    )
    assert plots.in_words(cell) == words


def test_printed_numbers_stand_beside_their_row(rows):
    printed = pd.DataFrame({"method": ["half", "other"], "dataset": "P1", "fraction": "20",
                            "metric": "rmse", "value": [3.0, 4.0]})  # fmt: skip
    printed = pd.concat([printed.assign(metric=metric) for metric in plots.METRICS])
    table = plots.beside_printed(rows, printed)["rmse"]
    assert table.index.tolist() == ["full", "half", "none"]
    assert table["c", "20"].tolist() == [
        "1.100 ± 0.100 (n=3)",
        "2.200 ± 0.200 (n=3)",
        "not run",
    ]
    assert table["P1 (paper)", "20"].tolist() == ["", "3.000", ""]


def test_rows_are_shown_by_metric_with_their_origin(rows, capsys):
    printed = pd.DataFrame({"method": ["full"] * 3, "dataset": "P1", "fraction": "20",
                            "metric": plots.METRICS, "value": 1.0})  # fmt: skip
    plots.show_rows("7", rows, printed)
    said = capsys.readouterr().out
    assert [f"Table 7: {m}" in said for m in ("RMSE", "MAE", "MAPE")] == [True] * 3
    assert "[6 runs" in said


def test_comparisons_are_paired_and_drawn(rows, capsys):
    judged = plots.ordered_gains(rows, [("full", "half"), ("full", "none")], ["rmse"])
    assert judged["label"].tolist() == ["full below half: RMSE, c, 20 %"]
    assert judged["gain"].tolist() == pytest.approx([50]) and judged["n"].tolist() == [3]
    plots.show_gains(judged)
    assert plt.gcf().axes[0].get_title() == "Paired differences with 95 % intervals"
    assert capsys.readouterr().out.endswith("so far: confirmed 1\n")


def test_no_runs_are_said_to_be_none(rows, capsys):
    plots.show_gains(plots.ordered_gains(rows, [("none", "full")]))
    assert capsys.readouterr().out == "not run\n"


def test_printed_gain_of_factors_is_percent_of_the_error_without():
    frame = {"dataset": ["P1", "P1"], "metric": ["rmse", "mape"], "value": [4.0, 1.0]}
    without = pd.DataFrame({"method": "A", **frame})
    extra = pd.DataFrame({"method": "A+E", **frame | {"value": [3.0, 0.5]}})
    table = plots.printed_gains(without, extra)
    assert table.to_dict() == {("rmse", "P1"): {"A": 25.0}}  # MAPE is not printed for both


def test_seconds_are_means_over_seeds(recorded):
    group = [recorded("A", "c", {"fit_seconds": 2.0 + s}, s) for s in range(2)]
    table = plots.mean_seconds({"A": group, "B": [recorded("B", "c", None)]})
    assert table.to_dict() == {"c": {"A": 2.5}}


def test_a_sweep_keeps_values_that_ran_and_compares_at_its_place(rows, recorded):
    values = plots.by_value(rows)
    assert list(values) == ["full", "half"] and values["half"] == pytest.approx([2.0, 2.2, 2.4])
    elsewhere = recorded("A", "d", {"rmse": 9.0}, 0, "20")
    assert plots.same_place([*rows["full"], elsewhere], rows) == rows["full"]
    words = plots.sweep_in_words("7a", {"1": [1.0], "2": [3.0]}, pd.Series([1.0, 3.0]))
    assert words == ("7a: best at 1; the sweep spans 100.00% of the error, one standard deviation "
                     "over seeds is 70.71%")  # fmt: skip
    assert plots.sweep_in_words("7a", {"1": [1.0]}, pd.Series([1.0])).endswith("unknown")


def test_curves_are_those_of_the_widths_that_ran(recorded):
    curves = {name: [1.0, 2.0] for name in plots.PRETEXTS}
    group = [recorded("A", "c", {"rmse": 1.0}, curves=curves)]
    panels = plots.width_curves({"8": group, "16": [recorded("B", "c", None)]})
    assert panels["8b: regional contrast", "validation loss"] == {"C = 8": [[1.0, 2.0]]}
    assert len(panels) == 4 and plots.width_curves({"16": [recorded("B", "c", None)]}) == {}
