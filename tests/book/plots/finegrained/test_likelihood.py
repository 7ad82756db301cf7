"""Page on shares by likelihood: each run once, gains under their place, floors by known shares."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch

from stflow_lib.book.plots.finegrained import likelihood
from stflow_lib.finegrained import METHODS, open_task


def test_runs_of_all_tables_stand_once():
    keys = [run.key for run in likelihood.planned("bench")]
    assert len(keys) == len(set(keys))
    assert {"UrbanSTC", "ShareNet", "MultinomialNet", "Trees", "SRCNN"} <= {
        run.method for run in likelihood.planned("bench")
    }


@pytest.fixture
def gains():
    rows = [("A", "x", "20", "rmse", 5.0, 4.0, 6.0, "confirmed"),
            ("B", "y", "100", "rmse", -1.0, -3.0, 1.0, "open")]  # fmt: skip
    names = ["row", "city", "scarcity", "metric", "gain", "low", "high", "so_far"]
    return pd.DataFrame(rows, columns=names).assign(label="", verdict="")


def test_gains_stand_under_their_place_and_gaps_are_empty(gains):
    table = likelihood.gains_table(gains)
    assert table.loc["A", ("x", "20")] == "+5.0 [+4.0, +6.0] yes"
    assert table.loc["A", ("y", "100")] == "" and list(table.index) == ["A", "B"]


def test_every_gain_of_the_figure_says_against_whom_and_where(gains):
    """A rule is off by far more, and would hide the others."""
    rule = gains.iloc[[0, 0]].assign(row="HA", metric="rmse")
    figure = likelihood.gains_figure(pd.concat([gains, rule]), "Ours")
    (axis,) = figure.axes
    named = [label.get_text() for label in axis.get_yticklabels()]
    assert {"A, x, 20 %", "B, y, 100 %"} == set(named) and "Ours" in axis.get_title()
    plt.close(figure)


def test_a_part_is_measured_by_what_is_worse_without_it(recorded):
    errors = {"All": 2.0, "without a": 2.1, "without b": None}
    rows = {name: [recorded(name, "c", e and {"rmse": e, "mae": e / 2, "valid_error": 4.0})]
            for name, e in errors.items()}  # fmt: skip
    table = likelihood.parts_table(rows)
    assert table["test RMSE"].tolist() == ["2.000", "2.100 (+5.0 %)", "not run"]
    assert table["test MAE"].tolist() == ["1.000", "1.050 (+5.0 %)", "not run"]
    assert table["validation RMSE"].tolist() == ["4.000", "4.000 (+0.0 %)", "not run"]


def test_a_floor_is_the_deviation_of_draws_with_known_shares(real_data, monkeypatch):
    """Cell by cell: x p (1 - p) of each block, with p by HA."""
    (run,) = [r for r in likelihood.planned("bench")
              if (r.method, r.city, r.scarcity) == ("HA", "bikenyc-p6", "20")]  # fmt: skip
    found = likelihood.floors([run]).iloc[0]
    task = open_task(run)
    flow = METHODS["HA"].fit(task, METHODS["HA"].settings(), 0, None)(task, task.test).double()
    total = 0.0
    for row in range(0, flow.shape[2], task.factor):
        for col in range(0, flow.shape[3], task.factor):
            block = flow[:, 0, row : row + task.factor, col : col + task.factor].flatten(1)
            x = block.sum(1, keepdim=True)
            p = torch.where(x > 0, block / x, 0.0)
            total += (x * p * (1 - p)).sum().item()
    assert found["known shares"] == pytest.approx((total / flow.numel()) ** 0.5, rel=1e-6)
    assert found["of"] == "HA"
