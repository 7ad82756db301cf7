"""The first page: figures show what they are given, and counts of work are those by hand."""

import matplotlib.dates as dates
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stflow_lib.book.plots.finegrained import problem as plots
from stflow_lib.finegrained import METHODS, cost

CURVE = pd.Series([1.0, 4.0], [2.0, 8.0])
WORK = pd.DataFrame({"coarse": [1.0, 4.0], "fine": [2.0, 3.0]}, ["SRCNN", "SCN"])


def test_parts_are_drawn_where_they_lie_and_fractions_end_inside_the_first(task):
    axis = plots.split_figure(task, {50: task.train[:3], 100: task.train}).axes[0]
    train, valid, test = axis.lines[:3]
    assert [len(line.get_ydata()) for line in (train, valid, test)] == [6, 3, 3]
    assert train.get_ydata()[0] == task.fine[0].sum() / 1000
    ends = [dates.num2date(dates.date2num(line.get_xdata()[0])).hour for line in axis.lines[3:]]
    assert ends == [2, 5] and [t.get_text() for t in axis.texts] == ["50 % ", "100 % "]
    assert axis.get_ylabel() == "thousand vehicles a step" and axis.get_xlabel() == "date"
    assert axis.get_title().startswith("who may see what")


def test_best_guesses_are_drawn_over_the_mean_and_errors_as_given():
    means = np.array([1.0, 2.0])
    relative = pd.DataFrame({"RMSE": [1.5, 1.0], "MAPE": [0.5, 1.0]}, [0.5, 1.0])
    wanted = {"RMSE: mean": means, "MAE: median": means - 1, "MAPE": 0 * means}
    left, right = plots.guesses_figure(means, wanted, relative).axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[1, 1], [0, 0.5], [0, 0]]
    assert [line.get_ydata().tolist() for line in right.lines] == [[1.5, 1], [0.5, 1]]
    assert "vehicles per step" in left.get_xlabel() and left.get_title() and right.get_title()


def test_rules_by_hour_and_by_flow_carry_their_unit():
    left, right = plots.rules_figure({"HA": CURVE}, {"HA": CURVE * 2}, "cars").axes
    assert left.lines[0].get_ydata().tolist() == [1, 4] and left.get_ylabel() == "RMSE (cars)"
    assert right.lines[0].get_ydata().tolist() == [2, 8] and right.get_xscale() == "log"
    assert right.get_xlabel() == "coarse flow of the block (cars)" and right.get_title()


def test_floor_is_drawn_beside_the_rule():
    axis = plots.floor_figure({"HA": CURVE, "true split": CURVE / 2}, "cars").axes[0]
    assert [line.get_ydata().tolist() for line in axis.lines] == [[1, 4], [0.5, 2]]
    assert axis.get_ylabel() == "RMSE of a fine cell (cars)" and "floor" in axis.get_title()


def test_work_of_the_grids_is_stacked_and_methods_keep_their_order():
    """Bars drawn over each other would hide the smaller grid; the table's first row is on top."""
    left, right = plots.work_figure(WORK, pd.Series([5.0, 6.0], WORK.index)).axes
    assert [bar.get_x() for bar in left.patches] == [0, 0, 1, 4]
    assert [bar.get_width() for bar in right.patches] == [5, 6]
    assert left.yaxis_inverted() and left.get_xlabel() and right.get_xlabel()
    assert [t.get_text() for t in left.get_yticklabels()] == [*WORK.index]


def test_turned_maps_keep_their_blocks_and_only_the_samples_asked_for(task):
    fine = plots.turned(task, 2, 4)
    assert torch.equal(fine[:2], task.fine[:2]) and torch.equal(fine[4:], task.fine[4:])
    block = task.fine[2, 0, :2, 2:]
    assert torch.equal(fine[2, 0, :2, 2:], block.flip(0, 1))


def test_parameters_are_counted_by_part_without_memory():
    blank = cost.blank_task(2, 4, 4)
    network = plots.on_meta(lambda *_: Toy(), None, blank)
    assert all(weight.is_meta for weight in network.parameters()) and not network.training
    assert plots.parameters_by_part(lambda *_: Toy(), None, blank) == {"first": 6, "last": 13}


class Toy(nn.Module):
    """A 1 x 1 convolution on the coarse grid, a transposed one of stride 2 to the fine grid."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 3, 1), nn.ConvTranspose2d(3, 1, 2, stride=2)

    def forward(self, coarse, external):
        return self.last(self.first(coarse))


def test_work_is_weights_times_places_on_the_grid_where_it_is_done(task):
    """A transposed convolution multiplies at the places that it reads, not at those it writes."""
    assert plots.work_by_rows(Toy(), task) == pytest.approx({2: 3 * 4 / 1e9, 4: 12 * 4 / 1e9})


def test_a_row_of_work_sums_the_grids():
    table = plots.work_table(
        {"SRCNN": cost.recipe(METHODS["SRCNN"])[0]}, cost.blank_task(4, 8, 8)
    )
    row = table.loc["SRCNN"]
    assert row["all"] == pytest.approx(row[[*plots.GRIDS]].sum()) and row["all"] > 0
    assert row["fine grid"] == 0  # 32 rows: the fine grid of this task is as coarse as TaxiBJ's


def test_untrained_networks_are_drawn_from_the_seed(task):
    even = nn.Module()
    even.forward = lambda coarse, external: F.interpolate(coarse, scale_factor=2) / 4
    table = plots.untrained_table({"even": lambda: even, "toy": Toy}, task, task.test, 0)
    again = plots.untrained_table({"toy": Toy}, task, task.test, 0)
    assert table.at["even", "largest relative gap"] < 1e-6
    assert table.at["toy", "parameters"] == "19"
    assert table.at["toy", "rmse"] == again.at["toy", "rmse"]


def test_errors_of_maps_a_row_each():
    table = plots.error_table({"a": np.array([1.0, 4.0]), "b": np.array([0.0, 2.0])},
                              np.array([0.0, 2.0]))  # fmt: skip
    assert table.loc["a"].tolist() == pytest.approx([2.5**0.5, 1.5, 1.0])
    assert (table.loc["b"] == 0).all()


def test_rmse_of_an_hour_pools_its_maps():
    error = np.array([[[3.0]], [[4.0]], [[2.0]]])
    by_hour = plots.rmse_by_hour(error, pd.Index([7, 7, 8]))
    assert by_hour.to_dict() == pytest.approx({7: 12.5**0.5, 8: 2.0})


def test_shapes_and_samples_of_a_task(task):
    table = plots.shapes_table(task)["shape or samples"]
    assert table["fine"] == "(12, 1, 4, 4)" and table["valid"] == "3"
    assert [*table.index] == ["coarse", "fine", "external", "train", "valid", "test"]


def test_poisson_guesses_by_hand():
    """At mean 0.6 no vehicle is the likeliest half, P(0) = 0.55; at 3 the median is 3."""
    wanted = plots.poisson_guesses(np.array([0.6, 3.0]))
    assert wanted["RMSE: mean"].tolist() == [0.6, 3.0]
    assert wanted["MAE: median"].tolist() == [0, 3]
    assert (wanted["MAPE: weighted median"] <= wanted["MAE: median"]).all()
