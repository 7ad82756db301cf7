"""Pictures of simulated cities: what is drawn is what was given, and every panel says what."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from stflow_lib.book.plots.data import simulated_cities as plots
from stflow_lib.data.simulate import TYPES, simulate_fine, simulate_grid
from stflow_lib.data.simulate.landuse import poi_mix
from stflow_lib.data.simulate.purposes import PURPOSES, rhythm


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fine():
    return simulate_fine(16, 16, 2, seed=0)


@pytest.fixture(scope="module")
def grid():
    return simulate_grid(8, 9, 14, seed=0)


def bars(figure):
    return [axis for axis in figure.axes if axis.get_label() == "<colorbar>"]


def test_land_use_and_places_are_the_truths(fine):
    """A key in another order than the map's numbers would call homes offices."""
    figure = plots.land_figure(fine[1])
    left, right = figure.axes[:2]
    np.testing.assert_array_equal(left.images[0].get_array(), fine[1]["type"])
    np.testing.assert_allclose(right.images[0].get_array(), 100 * poi_mix()[:6])
    assert [text.get_text() for text in bars(figure)[0].get_yticklabels()] == list(TYPES)
    assert [text.get_text() for text in right.get_yticklabels()] == list(TYPES[:6])
    assert left.images[0].cmap(left.images[0].norm(3)) == plots.LAND(3)
    assert "16 x 16 cells" in left.get_title() and bars(figure)[1].get_ylabel().startswith("%")


def test_rhythms_are_volumes_of_each_purpose():
    """Solid is out and dashed is back, blue is a working day: four curves a panel."""
    figure = plots.rhythm_figure()
    assert [axis.get_title() for axis in figure.axes] == list(PURPOSES)
    leisure = figure.axes[1].lines
    hour, purpose = leisure[0].get_xdata(), PURPOSES["leisure"]
    curves = [way[day] for way in (purpose.out, purpose.back) for day in (0, 1)]
    for line, bumps in zip(leisure, curves, strict=True):
        np.testing.assert_allclose(line.get_ydata(), purpose.volume * rhythm(bumps, hour))
    assert [line.get_linestyle() for line in leisure] == ["-", "-", "--", "--"]
    assert figure.axes[0].get_ylabel() and figure.axes[0].get_xlabel() == "hour of day"


def test_distance_costs_are_drawn_on_the_law():
    """The line is exp(-d / L) with the L given, in kilometres."""
    distance = np.array([0.0, 1, 2.5])
    figure = plots.gravity_figure(np.eye(3), np.exp(-distance / 2.5), distance, 2.5)
    points, line = figure.axes[1].lines
    np.testing.assert_allclose(line.get_ydata(), np.exp(-line.get_xdata() / 2.5))
    assert points.get_xdata().tolist() == distance.tolist() and line.get_xdata()[-1] == 2.5
    assert "(km)" in figure.axes[1].get_xlabel() and "%" in bars(figure)[0].get_ylabel()


def test_roads_stand_under_their_names(fine):
    """Avenues under the title of streets would be a city of six roads."""
    figure = plots.roads_figure(fine[1])
    for axis in figure.axes[:3]:
        np.testing.assert_array_equal(
            axis.images[0].get_array(), fine[1][axis.get_title()[:-1]]
        )
    assert bars(figure)[0].get_ylabel() == "road weight of a cell"


def test_hours_share_one_scale_and_changes_are_centred():
    """Two scales would hide that a city sleeps; a change of zero must be white."""
    maps = {"8:00": np.full((4, 4), 8.0), "23:00": np.full((4, 4), 2.0)}
    change = np.arange(16.0).reshape(4, 4) - 3
    figure = plots.hours_figure(maps, change, 2, "vehicles")
    one, two, third = (axis.images[0] for axis in figure.axes[:3])
    assert one.norm is two.norm and one.get_clim() == (1, 8)
    assert third.get_clim() == (-12, 12) and third.get_array().tolist() == change.tolist()
    assert [axis.get_title() for axis in figure.axes[:2]] == list(maps)
    assert [bar.get_ylabel() for bar in bars(figure)] == ["vehicles", "percentage points"]
    assert len(figure.axes[0].lines) == 2  # one border of blocks each way


def test_shares_of_a_block_pile_up_in_the_colours_of_their_types():
    """Bands are sorted by type: colour and share must be sorted alike."""
    split = np.tile([[0.1, 0.2], [0.3, 0.4]], (3, 1, 1))
    types = np.array([[5, 0], [1, 0]])
    axis = plots.split_figure(split, types, np.arange(3.0)).axes[0]
    tops = [band.get_paths()[0].vertices[:, 1].max() for band in axis.collections[:4]]
    np.testing.assert_allclose(tops, [20, 60, 90, 100])  # two homes, the office, the park
    colours = [to_hex(band.get_facecolor()[0]).upper() for band in axis.collections[:4]]
    assert colours == [plots.COLOURS[k] for k in (0, 0, 1, 5)]
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert names == ["residential", "office", "park"] and "%" in axis.get_ylabel()


def test_poisson_counts_lie_on_the_line():
    """Variance is taken around the rate, not around the mean of unlike cells."""
    rng = np.random.default_rng(0)
    rate = rng.uniform(0.1, 50, 200_000)
    axis = plots.noise_figure(rate, rng.poisson(rate).astype(float), "trips").axes[0]
    line, points = axis.lines
    np.testing.assert_allclose(points.get_ydata(), line.get_ydata(), rtol=0.15)
    assert "(trips)" in axis.get_xlabel() and axis.get_title() and axis.get_ylabel()


def test_weather_stands_above_the_citys_total(fine):
    """Three panels on one time axis, in the units that they name."""
    city, truth = fine
    top, middle, low = plots.sky_figure(city, truth).axes
    np.testing.assert_allclose(
        top.lines[0].get_ydata(), city.external.sel(factor="temperature")
    )
    total = city.flow.values.sum((1, 2, 3)) / 1000
    np.testing.assert_allclose(low.lines[0].get_ydata(), total, rtol=1e-5)
    assert "°C" in top.get_ylabel() and middle.get_ylabel() and "thousand" in low.get_ylabel()
    names = [text.get_text() for text in low.get_legend().get_texts()]
    assert names == ["holiday", "weekend"]


def test_shares_of_land_use_are_those_of_the_map(grid):
    """Bars count cells of each of six types in percent of all, water included."""
    truth = grid[1]
    figure = plots.cities_figure({"one": truth, "two": truth})
    bars_axis = figure.axes[2]
    heights = [bar.get_height() for bar in bars_axis.patches]
    want = [100 * (truth["type"].values == k).mean() for k in range(6)]
    np.testing.assert_allclose(heights, want)
    assert bars_axis.get_ylabel() == "share of regions (%)"
    assert [axis.get_title() for axis in figure.axes[:2]] == ["one", "two"]


def test_a_working_day_is_the_mean_of_its_cells_and_days(grid):
    """Weekends and holidays left out; a loop over all steps says the same."""
    city, truth = grid
    day = plots.working_day(city, truth)
    free = city.external.sel(factor=["weekend", "holiday"]).values.any(1)
    for hour, kind in ((8, 0), (17, 1)):
        steps = [
            t
            for t, stamp in enumerate(city.time.dt.hour.values)
            if stamp == hour and not free[t]
        ]
        cells = truth["type"].values == kind
        values = [city.flow.values[t, 0][cells].mean() for t in steps]
        assert day[kind, hour] == pytest.approx(np.mean(values), rel=1e-5)


def test_days_of_types_are_drawn_by_city():
    """One panel a type, one line style a city, the unit on the left."""
    curves = {name: np.arange(144.0).reshape(6, 24) + i for i, name in enumerate("abc")}
    figure = plots.type_rhythm_figure(curves, "trips per hour")
    assert [axis.get_title() for axis in figure.axes] == list(TYPES[:6])
    for k, axis in enumerate(figure.axes):
        for line, values in zip(axis.lines, curves.values(), strict=True):
            assert line.get_ydata().tolist() == values[k].tolist()
    assert figure.axes[0].get_ylabel() == "pick-ups (trips per hour)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list("abc")
