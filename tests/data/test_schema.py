"""The city contract: every rule has one city that breaks it, and an error that says where."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import Box, DataError, block_sum, check_city
from stflow_lib.data.schema import (
    check_blocks,
    content_hash,
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
    return graph_city(speed, time, np.eye(2), lat, (8.0, 8.1), **{**CARD, **attrs})


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


@pytest.mark.parametrize("edges", [(1, 1, 0, 1), (2, 1, 0, 1), (0, 91, 0, 1), (0, 1, 3, 2)])
def test_box_refuses_turned_edges(edges):
    with pytest.raises(DataError, match="minimum below maximum"):
        Box(*edges)


def test_a_joint_hash_is_a_single_citys_own_and_minds_the_order():
    """Source and target swapped is another task; a city alone keeps the hash of its records."""
    one, two = "a" * 64, "b" * 64
    assert joint_hash([one]) == one
    assert len({joint_hash([one, two]), joint_hash([two, one]), one, two}) == 4
    assert joint_hash([one, two]) == hashlib.sha256((one + two).encode()).hexdigest()
