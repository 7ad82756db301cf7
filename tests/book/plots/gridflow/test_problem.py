"""Pictures of the cross-city problem: one scale for all cities, parts where they belong."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stflow_lib.book.plots.gridflow import problem as plots_grids
from stflow_lib.gridflow import Protocol

MAPS = {"north": np.arange(12.0).reshape(3, 4), "south": np.arange(10.0).reshape(5, 2) * 7}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_cities_share_one_scale():
    """On scales of their own a small city would look as busy as a large one."""
    figure = plots_grids.cities_figure(MAPS, "trips")
    images = [axis.images[0] for axis in figure.axes[:2]]
    assert len({(i.norm.vmin, i.norm.vmax) for i in images}) == 1
    assert images[0].norm.vmax == 63
    assert images[0].get_array().mask.sum() == 1  # the cell that saw nobody is left grey


def test_window_shows_past_and_label_in_order():
    """The label among the inputs would show a problem that is none."""
    past, label = np.arange(6.0)[:, None, None] * np.ones((6, 2, 3)), np.full((2, 3), 9.0)
    figure = plots_grids.window_figure(past, label, [*"abcdefg"], "trips", "t")
    shown = [axis.images[0].get_array()[0, 0] for axis in figure.axes[:7]]
    assert shown == [0, 1, 2, 3, 4, 5, 9]
    assert figure.axes[6].get_title() == "g: wanted"
    assert figure.axes[0].images[0].norm.vmax == 9


def test_splits_lie_on_their_days():
    rows = {
        "source": [("trains", 0, 40), ("chooses the epoch", 40, 60)],
        "target": [("not to be seen", 0, 37), ("few-shot", 37, 40), ("test", 50, 60)],
    }
    axis = plots_grids.splits_figure(rows, "t").axes[0]
    spans = [
        (p.get_x(), p.get_x() + p.get_width(), round(p.get_y() + 0.35)) for p in axis.patches
    ]
    assert spans == [(0, 40, 0), (40, 60, 0), (0, 37, 1), (37, 40, 1), (50, 60, 1)]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["source", "target"]
    names = [t.get_text() for t in axis.figure.legends[0].get_texts()]
    assert names == ["trains", "few-shot", "not to be seen", "chooses the epoch", "test"]


def test_rules_and_their_marks_meet_by_name():
    """Marks in another order than the bars would compare two rules."""
    errors = {
        "north": pd.Series({"a": 3.0, "b": 2.0}),
        "south": pd.Series({"a": 5.0, "b": 6.0}),
    }
    figure = plots_grids.rules_figure(
        errors, "trips", {"south": pd.Series({"b": 6.1, "a": 5.1})}, "x"
    )
    left, right = figure.axes
    assert [bar.get_width() for bar in left.patches] == [3, 2]
    assert right.lines[0].get_xdata().tolist() == [5.1, 6.1]
    assert np.isnan(left.lines[0].get_xdata()).all()
    assert left.patches[1].get_facecolor() == right.patches[0].get_facecolor()  # the best
    assert not plots_grids.rules_figure(errors, "trips", {}, "x").legends


def test_types_keep_their_rows():
    shares = pd.DataFrame({"a": [70.0, 30.0], "c": [20.0, 80.0]}, index=["homes", "hubs"])
    errors = pd.DataFrame({"rule": [3.0, 9.0], "floor": [1.0, 2.0]}, index=shares.index)
    left, right = plots_grids.types_figure(shares, errors, "trips", "floor").axes
    assert [bar.get_width() for bar in left.patches] == [70, 30, 20, 80]
    assert [bar.get_width() for bar in right.patches] == [3, 9]
    assert right.lines[0].get_xdata().tolist() == [1, 2]
    assert right.lines[0].get_ydata().tolist() == [0, 1]
    names = {t.get_text() for t in left.figure.legends[0].get_texts()}
    assert names == {"a", "c", "rule", "floor"}
    colours = [bar.get_facecolor() for bar in (*left.patches, *right.patches)]
    assert len(set(colours)) == 3  # a city never has the colour of a method


def test_weights_have_white_at_zero():
    axis = plots_grids.weights_figure(np.linspace(-1, 3, 24 * 7).reshape(24, 7), "t").axes[0]
    image = axis.images[0]
    assert image.norm.vmin == -image.norm.vmax == -3
    assert [t.get_text() for t in axis.get_xticklabels()] == [
        "6 h", "5 h", "4 h", "3 h", "2 h", "1 h", "constant"
    ]  # fmt: skip


def test_scarcity_draws_lines_and_levels():
    errors = pd.DataFrame({"alone": [np.nan, 3.0], "from a": [4.0, 2.0]}, index=[0, 3])
    axis = plots_grids.scarcity_figure(errors, {"best rule": 5.0}, "trips", "t").axes[0]
    assert axis.lines[1].get_ydata().tolist() == [4, 2]
    assert axis.lines[2].get_ydata() == [5.0, 5.0]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["0", "3"]


def city(flow):
    """A city of one row whose pick-ups are `flow` [T, W]; drop-offs are none."""
    both = np.stack([flow, np.zeros_like(flow)], axis=1)[:, :, None]
    return xr.Dataset(
        {"flow": (("time", "direction", "row", "col"), both)},
        {"time": pd.date_range("2020-03-01", periods=len(flow), freq="h")},
    )


@pytest.mark.parametrize(
    "values, wanted", [([1, 1, 1, 1], 0), ([0, 0, 0, 1], 0.75), ([1, 3], 0.25)]
)
def test_gini_is_the_mean_difference_over_twice_the_mean(values, wanted):
    x = np.array(values, float)
    apart = np.abs(x[:, None] - x).mean() / (2 * x.mean())
    assert plots_grids.gini(x) == pytest.approx(wanted) and apart == pytest.approx(wanted)


def test_demand_is_of_active_cells_and_of_the_steps_that_may_be_seen():
    """Empty water would make a city look quieter than it is."""
    flow = np.array([[0, 2.0, 0], [4.0, 2.0, 0], [9.0, 9.0, 9.0]])
    (row,) = plots_grids.demand_table({"north": city(flow)}, 2).to_dict("records")
    assert (row["hours"], row["active cells"]) == ("2", "2 of 3")
    assert (row["mean"], row["largest"], row["zero (%)"]) == (2, 4, 25)


def test_our_cities_stand_below_the_printed_ones():
    table = plots_grids.table1({"bikes-north": city(np.full((48, 3), 1e4))})
    ours = table.loc[("here", "bikes-north")]
    assert ours["regions"] == 3 and ours["bike trips (million)"] == pytest.approx(1.44)
    assert np.isnan(ours["taxi trips (million)"])
    assert (str(ours["first day"]), str(ours["last day"])) == ("2020-03-01", "2020-03-02")
    assert (table.loc["printed"]["first day"] < table.loc["printed"]["last day"]).all()


def test_no_day_of_the_target_serves_twice():
    """Days of a row follow each other without gap or overlap, up to the end of the record."""
    cut = Protocol("cut", steps=240, valid=96, test=168, source_steps=120, source_valid=72)
    rows = plots_grids.split_rows(("north", "south"), cut, first=72, day=24)
    assert rows["source: north"] == [("trains", 0, 3), ("chooses the epoch", 3, 5)]
    assert rows["target, few-shot: south"][:2] == [("not to be seen", 0, 3), ("few-shot", 3, 4)]
    for spans in [*rows.values()][1:]:
        assert [end for *_, end in spans[:-1]] == [start for _, start, _ in spans[1:]]
        assert spans[-1] == ("test", 7, 10)
    assert {part for spans in rows.values() for part, *_ in spans} <= set(plots_grids.PARTS)
