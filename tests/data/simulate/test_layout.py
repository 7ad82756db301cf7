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
