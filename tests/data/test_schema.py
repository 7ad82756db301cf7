"""The city contract: every rule has one city that breaks it, and an error that says where."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import Box, DataError, block_sum, check_city
from stflow_lib.data.rasterize.cells import cell_index, cell_metres, degrees_e5
from stflow_lib.data.schema import (
    METRES_PER_DEGREE,
    MOST_CELLS,
    as_time,
    check_blocks,
    content_hash,
    first_steps,
    graph_city,
    grid_city,
    joint_hash,
    with_content_hash,
)

CARD = {
    "name": "toy", "step_minutes": 60, "zone": "nominal", "unit": "trips per step",
    "source": "test", "licence": "MIT",
}  # fmt: skip


def grid(flow=None, time=None, **attrs):
    flow = np.ones((4, 1, 2, 3)) if flow is None else flow
    time = pd.date_range("2024-05-06", periods=len(flow), freq="h") if time is None else time
    return grid_city(flow, time, ["entries"], **{**CARD, **attrs})


def graph(speed=None, lat=(50.0, 50.1), **attrs):
    speed = np.full((4, 2), 30.0) if speed is None else speed
    time = pd.date_range("2024-05-06", periods=len(speed), freq="h")
    card = {**CARD, "unit": "km/h", **attrs}
    return graph_city(speed, time, np.ones((2, 2)), lat, (8.0, 8.1), **card)


def flow_with(value, at=(2, 0, 1, 2)):
    flow = np.ones((4, 1, 2, 3))
    flow[at] = value
    return flow


def stamps(*hours):
    return pd.to_datetime([f"2024-05-06 {hour:02d}:00" for hour in hours])


BROKEN = {
    "negative flow": (lambda: grid(flow_with(-3)), (r"toy: flow must be not negative.*time 2, "
                      r"direction 0, row 1, col 2: -3")),
    "NaN flow": (lambda: grid(flow_with(np.nan)), "flow must be finite.*time 2.*nan"),
    "infinite flow": (lambda: grid(flow_with(np.inf)), "flow must be finite"),
    "duplicated stamp": (lambda: grid(time=stamps(0, 1, 1, 2)), ("duplicated time stamp at "
                         "index 2: 2024-05-06 01:00:00")),
    "irregular stamp": (lambda: grid(time=stamps(0, 1, 3, 4)), ("irregular time stamp at "
                        "index 2: 2024-05-06 03:00:00 follows 2024-05-06 01:00:00")),
    "empty": (lambda: grid(np.ones((4, 1, 0, 3))), "flow is empty"),
    "no time": (lambda: grid(np.ones((0, 1, 2, 3))), "time must be"),
    "negative speed": (lambda: graph(np.full((4, 2), -1.0)), "speed must be not negative"),
    "sensor outside the box": (lambda: graph(lat_min=49.0, lat_max=50.05), ("lat must be "
                               "inside the box 49 to 50.05, first at node 1: 50.1")),
    "no such latitude": (lambda: graph(lat=(50, 95)), "lat must be inside the box -90 to 90"),
    "unknown kind": (lambda: grid(kind="cube"), "kind 'cube' is unknown"),
}  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_named_with_its_place(rule):
    """Guards against a check that stops looking, or says only that something is wrong."""
    make, message = BROKEN[rule]
    with pytest.raises(DataError, match=message):
        with_content_hash(make())


def test_a_good_city_passes_unchanged():
    city = with_content_hash(grid())
    assert check_city(city) is city
    assert (
        check_city(with_content_hash(graph(np.array([[1, np.nan]] * 4)))).attrs["kind"]
        == "graph"
    )


def test_attributes_are_demanded():
    with pytest.raises(DataError, match=r"\['licence'\] are missing"):
        city = grid()
        del city.attrs["licence"]
        with_content_hash(city)


def test_daylight_saving_hour_must_be_documented():
    """A regular wall clock over a change of the clocks hides a doubled or an empty hour."""
    time = pd.date_range("2015-10-31", periods=48, freq="h")
    city = grid(np.ones((48, 1, 2, 3)), time, zone="America/New_York")
    with pytest.raises(DataError, match="daylight-saving hour of 2015-11-01 01:00:00"):
        with_content_hash(city)
    with_content_hash(city, clock="the doubled hour holds both passes")


def test_skipped_hour_is_explained():
    """A file that leaves out the hour skipped in spring is irregular; the error says why."""
    time = pd.date_range("2017-03-12", periods=5, freq="h").delete(2)
    city = grid(time=time, zone="America/Los_Angeles")
    with pytest.raises(DataError, match=r"irregular.*daylight-saving hour of 2017-03-12 02:00"):
        with_content_hash(city)


def test_block_sum_equals_the_loop():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (2, 3, 8, 12))
    naive = np.zeros((2, 3, 2, 3), int)
    for row in range(8):
        for col in range(12):
            naive[..., row // 4, col // 4] += x[..., row, col]
    assert (block_sum(x, 4) == naive).all()
    assert block_sum(x.astype(np.float32), 4).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, bool])
def test_block_sum_does_not_overflow(dtype):
    """200 in four cells of one byte came out as 32."""
    top = {np.float16: 40_000, np.int16: 32_767, bool: True}.get(dtype, 200)
    sums = block_sum(np.full((4, 4), top, dtype), 2)
    assert float(sums[0, 0]) == 4 * int(top)


@pytest.mark.parametrize("factor", [5, 0, -2])
def test_block_sum_refuses_a_factor_that_does_not_divide(factor):
    with pytest.raises(DataError, match="do not split"):
        block_sum(np.ones((8, 12)), factor)


def test_x_must_be_the_block_sum_of_y():
    fine = np.arange(32.0).reshape(2, 4, 4)
    coarse = block_sum(fine, 2)
    check_blocks(coarse, fine, 2, "P1/train")
    coarse[1, 0, 1] += 1
    with pytest.raises(DataError, match=r"P1/train: X is not.*\(1, 0, 1\): X 83, sum 82"):
        check_blocks(coarse, fine, 2, "P1/train")
    with pytest.raises(DataError, match="shapes disagree"):
        check_blocks(coarse[:1], fine, 2, "P1/train")


def test_content_hash_sees_values_names_and_time_but_not_the_card():
    city = with_content_hash(grid())
    one = content_hash(city)
    assert one == content_hash(city.assign_attrs(name="other"))
    assert one != content_hash(with_content_hash(grid(flow_with(2))))
    assert one != content_hash(with_content_hash(grid(time=stamps(1, 2, 3, 4))))
    assert one != content_hash(city.assign_coords(direction=["exits"]))


@pytest.mark.parametrize(
    "edges",
    [(1, 1, 0, 1), (2, 1, 0, 1), (0, 91, 0, 1), (0, 1, 3, 2), (0, 1, 170, 190),
     (np.nan, 1, 0, 1)],
)  # fmt: skip
def test_box_refuses_turned_edges(edges):
    with pytest.raises(DataError, match="minimum below maximum"):
        Box(*edges)


def test_a_joint_hash_is_a_single_citys_own_and_minds_the_order():
    """Source and target swapped is another task; a city alone keeps the hash of its records."""
    one, two = "a" * 64, "b" * 64
    assert joint_hash([one]) == one
    assert len({joint_hash([one, two]), joint_hash([two, one]), one, two}) == 4
    assert joint_hash([one, two]) == hashlib.sha256((one + two).encode()).hexdigest()


def test_a_graph_changed_since_its_hash_is_refused():
    """Tasks are known by the hash: other speeds under the old one would pass as the old task."""
    city = with_content_hash(graph())
    city.speed.values[2, 1] = 31
    with pytest.raises(DataError, match="toy: sha256 is not that of the content"):
        check_city(city)
    assert check_city(with_content_hash(city)).attrs["sha256"] == content_hash(city)


def test_isolated_sensors_are_counted():
    """A sensor alone is allowed; that there is one must not be a surprise."""
    time = pd.date_range("2024-05-06", periods=4, freq="h")
    links = np.eye(4)
    links[0, 2] = 0.5
    where = np.arange(4) + 1.0
    city = graph_city(np.ones((4, 4)), time, links, where, where, **{**CARD, "unit": "mph"})
    assert with_content_hash(city).attrs["isolated_sensors"] == 2


@pytest.mark.parametrize(("zeros", "kept", "gone"), [
    (False, 3, 0), (True, 0, 3), ([[True, False]] * 4, 2, 1),
])  # fmt: skip
def test_zeros_are_missing_where_the_source_says_so_and_counted(zeros, kept, gone):
    """One rule with one name for every source of speeds."""
    speed = np.array([[0, 1], [2, 0], [3, 0], [5, 6]])
    time = pd.date_range("2024-05-06", periods=4, freq="h")
    city = graph_city(speed, time, np.ones((2, 2)), [1, 2], [3, 4], zeros_as_missing=zeros)
    assert (city.attrs["zeros_kept"], city.attrs["zeros_as_missing"]) == (kept, gone)
    assert np.isnan(city.speed.values).sum() == gone
    assert (city.speed.values == 0).sum() == kept


FOUR = pd.date_range("2024-05-06", periods=4, freq="h")
ODD_SHAPES = {
    "scalar speed": (lambda: graph_city(30.0, FOUR, np.eye(2), [1, 2], [3, 4], name="toy"),
                     r"toy: speed: shape \(\), not \(4, 2\)"),
    "one row of speeds": (lambda: graph_city([1, 2], FOUR, np.eye(2), [1, 2], [3, 4]),
                          r"speed: shape \(2,\), not \(4, 2\)"),
    "more steps than stamps": (lambda: graph_city(np.ones((5, 2)), FOUR, np.eye(2), [1, 2], [3, 4]),
                               r"shape \(5, 2\), not \(4, 2\)"),
    "oblong adjacency": (lambda: graph_city(np.ones((4, 2)), FOUR, np.ones((2, 3)), [1, 2], [3, 4]),
                         r"adjacency: shape \(2, 3\), not \(2, 2\)"),
    "three longitudes": (lambda: graph_city(np.ones((4, 2)), FOUR, np.eye(2), [1, 2], [3, 4, 5]),
                         r"lon: shape \(3,\), not \(2,\)"),
    "three ids": (lambda: graph_city(np.ones((4, 2)), FOUR, np.eye(2), [1, 2], [3, 4], [7, 8, 9]),
                  "3 sensor ids, 2 sensors"),
    "flow without directions": (lambda: grid_city(np.ones((4, 2, 3)), FOUR, ["a"]),
                                r"flow: shape \(4, 2, 3\), not \(4, 1, 2, 3\)"),
    "two directions named": (lambda: grid_city(np.ones((4, 1, 2, 3)), FOUR, ["a", "b"]),
                             r"shape \(4, 1, 2, 3\), not \(4, 2, 2, 3\)"),
    "counts that float32 rounds": (lambda: grid_city(np.full((4, 1, 2, 3), 2**24 + 1), FOUR, ["a"]),
                                   r"flow: 16777217 at index \(0, 0, 0, 0\) does not fit float32"),
    "text": (lambda: graph_city(np.full((4, 2), "5"), FOUR, np.eye(2), [1, 2], [3, 4]),
             "speed: <U1 is no number"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_SHAPES)
def test_what_would_be_broadcast_or_rounded_is_refused(case):
    make, message = ODD_SHAPES[case]
    with pytest.raises(DataError, match=message):
        make()


@pytest.mark.parametrize(("stamps", "message"), [
    (pd.date_range("2020", periods=3, tz="UTC"), "stamps carry the zone UTC"),
    (["2020-01-01 10:00-06:00"], "stamps carry the zone UTC-06:00"),
    (np.arange(3), "integer of int64: no time stamps"),
    ([1.5e9], "floating of float64"),
    (["yesterday"], "yesterday"),
    (np.array(["3000-01-01"], "M8[s]"), "Out of bounds"),
    (np.array(["2020-01-01"], "M8[ps]"), r"datetime64\[ps\]: no time stamps"),
    ([pd.Timestamp("2020"), pd.NaT], r"no stamp at index \[1\]"),
])  # fmt: skip
def test_stamps_that_are_none_or_not_local_are_refused(stamps, message):
    with pytest.raises(DataError, match=message):
        as_time(stamps)


def test_stamps_of_any_precision_become_nanoseconds():
    for unit in ("D", "m", "s", "ms", "us", "ns"):
        stamps = as_time(np.array(["2020-01-01", "2020-01-02"], f"M8[{unit}]"))
        assert stamps.dtype == "M8[ns]" and str(stamps[1]).startswith("2020-01-02T00:00")


def test_cells_of_a_box_know_where_they_are():
    """Row 0 in the north, column 0 in the west: upside down, every map would lie in the sea."""
    box = Box(40.0, 40.2, -74.0, -73.7)
    time = pd.date_range("2024-01-01", periods=2, freq="h")
    city = grid_city(np.ones((2, 1, 2, 3)), time, ["a"], **box.attrs())
    np.testing.assert_allclose(city["lat"], [40.15, 40.05])
    np.testing.assert_allclose(city["lon"], [-73.95, -73.85, -73.75])
    assert city["lat"].dims == ("row",) and city["lon"].dims == ("col",)
    for row, col in ((0, 0), (1, 2)):
        point = [degrees_e5(city[axis].values[at]) for axis, at in (("lat", row), ("lon", col))]
        assert cell_index(*point, box, 2, 3) == row * 3 + col
    assert "lat" not in grid_city(np.ones((2, 1, 2, 3)), time, ["a"]).coords


@pytest.fixture
def points():
    random = np.random.default_rng(0)
    return random.uniform([52.4, 13.2], [52.6, 13.6], (5000, 2))


@pytest.mark.parametrize("cell_m", [250, 500, 1234.5])
def test_whole_cells_of_the_side(points, cell_m):
    box = Box.around(points, cell_m=cell_m)
    rows, cols = box.cells(cell_m)
    assert abs(cell_metres(box, rows, cols) / cell_m - 1) < 1e-3
    assert abs((box.lat_max - box.lat_min) * METRES_PER_DEGREE - rows * cell_m) < 1


def test_the_share_of_each_axis_is_inside(points):
    far = np.concatenate([points, [[0.0, 0.0], [-33.9, 151.2]]])
    box = Box.around(far, share=0.9, cell_m=100)
    for axis, (low, high) in enumerate(
        ((box.lat_min, box.lat_max), (box.lon_min, box.lon_max))
    ):
        inside = ((far[:, axis] >= low) & (far[:, axis] < high)).mean()
        assert 0.9 <= inside < 0.92


def test_one_point_has_one_cell():
    box = Box.around(np.array([[10.0, 20.0]]), cell_m=300)
    assert box.cells(300) == (1, 1) and box.lat_min < 10 < box.lat_max


def test_no_points_no_share_and_too_many_cells(points):
    for odd in ({"points": points[:0]}, {"share": 0}, {"cell_m": 0}):
        with pytest.raises(DataError, match="box around"):
            Box.around(**{"points": points, **odd})
    with pytest.raises(DataError, match="choose cell_m from") as error:
        Box.around(points, cell_m=10)
    least = float(str(error.value).split("from ")[1].split(" ")[0]) + 1
    assert max(Box.around(points, cell_m=least).cells(least)) <= MOST_CELLS


def test_the_first_steps_of_a_city_have_no_split_of_the_whole():
    whole = with_content_hash(grid(), split=[2, 1, 1])
    found = first_steps(whole, 3)
    assert found.sizes["time"] == 3 and "split" not in found.attrs and "split" in whole.attrs
    assert found.attrs["sha256"] == content_hash(found) != whole.attrs["sha256"]
