"""Sensor layouts: carriageways, interchanges, and distances along the traffic."""

import numpy as np

from stflow_lib.data.simulate.layout import LEAVE, TURN, make_layout


def test_layout_has_the_sensors_asked_for_and_turns_only_between_roads():
    layout = make_layout(45, 0.8, seed=3)
    assert layout.roads.first.sum() == layout.roads.last.sum() == layout.way.max() + 1
    assert len(layout.x) == 45 and (layout.roads.leave == np.float32(LEAVE)).all()
    source, target = layout.roads.turn.nonzero()
    assert len(source) and (layout.way[source] // 2 != layout.way[target] // 2).all()
    assert np.allclose(layout.roads.turn.sum(1)[source], TURN)


def test_distance_runs_with_the_traffic():
    layout = make_layout(40, 0.8, seed=0)
    assert np.isclose(layout.distance[0, 1], 0.8) and layout.distance[1, 0] > 0.8
    assert (np.diag(layout.distance) == 0).all() and np.isfinite(layout.distance).all()


def test_sensors_stand_a_spacing_apart_and_ways_come_back():
    """A bend makes the way at most 5.5 % longer; the second way of a road runs
    the other way."""
    layout = make_layout(48, 0.8, seed=2)
    ends = []
    for way in range(layout.way.max() + 1):
        x, y = (axis[layout.way == way] for axis in (layout.x, layout.y))
        step = np.hypot(np.diff(x), np.diff(y)) / 0.8
        assert (step >= 1 - 1e-9).all() and (step <= 1.055).all()
        ends.append(np.array([x[-1] - x[0], y[-1] - y[0]]))
    for out, back in zip(ends[::2], ends[1::2], strict=True):
        assert -(out @ back) > 0.9 * np.linalg.norm(out) * np.linalg.norm(back)


def test_drives_are_the_shortest():
    """Triangles hold, and a cell further down the same way costs a spacing each."""
    layout = make_layout(40, 0.5, seed=0)
    d = layout.distance
    assert (d[:, None, :] <= d[:, :, None] + d[None, :, :] + 1e-9).all()
    same = layout.way[:-1] == layout.way[1:]
    np.testing.assert_allclose(np.diag(d, 1)[same], 0.5)


def test_more_sensors_are_more_roads():
    """Two roads at 48 sensors, four at 325, each with two ways."""
    assert [make_layout(n, 0.8, 0).way.max() + 1 for n in (8, 48, 325)] == [4, 4, 8]
