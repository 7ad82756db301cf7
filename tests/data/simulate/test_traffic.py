"""Traffic: the diagram's corner values, conservation, queues that grow upstream."""

import numpy as np
from scipy.sparse import csr_array

from stflow_lib.data.simulate.layout import make_layout
from stflow_lib.data.simulate.traffic import Diagram, Roads, advance, run

DIAGRAM = Diagram(free=100.0, wave=20.0, jam=300.0)


def one_road(cells, leave=0.1, cell_km=1.0):
    first, last = np.eye(1, cells, 0, bool)[0], np.eye(1, cells, cells - 1, bool)[0]
    return Roads(cell_km, first, last, np.full(cells, leave), csr_array((cells, cells)))


def steady(roads, demand, limit, steps=400):
    """Densities after `steps` constant steps of 30 seconds, [N]."""
    shape = (steps, 1, len(demand))

    def full(value):
        return np.broadcast_to(np.asarray(value, float), shape).copy()

    density, flow = run(full(demand), full(limit), full(1.0), 1 / 120, DIAGRAM, roads)
    return density[:, 0], flow[:, 0]


def test_diagram_corners():
    """Free speed when empty, nothing at the jam, the largest flow at the critical density."""
    assert DIAGRAM.critical == 50 and DIAGRAM.capacity == 5000
    assert DIAGRAM.speed(0.0) == 100 and DIAGRAM.flow(0.0) == 0 and DIAGRAM.flow(300.0) == 0
    density = np.linspace(0, 300, 3001)
    assert np.isclose(DIAGRAM.flow(density).max(), 5000)
    assert np.isclose(density[DIAGRAM.flow(density).argmax()], 50)
    assert (np.diff(DIAGRAM.speed(density)) <= 1e-9).all()


def test_light_traffic_flows_at_free_speed():
    demand = np.r_[2000.0, np.full(9, 200.0)]
    density, flow = steady(one_road(10), demand, DIAGRAM.capacity)
    assert np.allclose(flow[-1] / density[-1], 100)
    assert np.allclose(flow[-1], 2000)  # each on-ramp replaces the tenth that left


def test_queue_grows_upstream_of_a_bottleneck_at_the_speed_of_the_diagram():
    """The shock moves at (q_in - q_out) / (k_in - k_queue), to a cell's width."""
    cells, narrow = 40, 2000.0
    limit = np.full(cells, DIAGRAM.capacity)
    limit[30] = narrow
    roads = one_road(cells, leave=1e-9)
    density, flow = steady(roads, np.r_[3000.0, np.zeros(cells - 1)], limit, steps=120)
    queue = DIAGRAM.jam - narrow / DIAGRAM.wave  # congested density that carries 2000/h
    assert np.isclose(density[-1, 28], queue, rtol=1e-3) and np.isclose(flow[-1, 35], narrow)
    assert np.allclose(flow[-1, 31:] / density[-1, 31:], 100)

    def tail(t):
        return int((density[t] > 115).argmax())

    speed = (tail(60) - tail(119)) / (59 / 120)
    shock = (narrow - 3000) / (queue - 3000 / 100)
    assert np.isclose(-speed, shock, atol=2.1)


def test_no_vehicle_is_lost_or_made():
    """Road content + waiting vehicles change by what came minus what left for good."""
    rng = np.random.default_rng(0)
    layout = make_layout(40, 0.8, seed=1)
    roads, diagram, hours = layout.roads, Diagram(100.0), 1 / 150
    density, queue = rng.uniform(0, 390, (3, 40)), rng.uniform(0, 20, (3, 40))
    limit = rng.uniform(1000, diagram.capacity, (3, 40))
    for _ in range(50):
        demand = rng.uniform(0, 3000, (3, 40))
        before = (density * 0.8 + queue).sum(1)
        density, queue, _, left = advance(
            density, queue, demand, limit, 1.0, hours, diagram, roads
        )
        gone = left.sum(1) - (left @ roads.turn).sum(1)
        assert np.allclose(
            (density * 0.8 + queue).sum(1), before + (demand.sum(1) - gone) * hours
        )
        assert density.min() >= 0 and density.max() <= 390 + 1e-9 and queue.min() >= -1e-9


def test_carriageways_do_not_leak_into_each_other():
    """Cells lie end to end in one array: the last of one road must not feed the next road."""
    roads = one_road(6, leave=1e-9)
    roads = Roads(1.0, np.tile(roads.first, 2), np.tile(roads.last, 2), np.full(12, 1e-9),
                  csr_array((12, 12)))  # fmt: skip
    demand = np.r_[3000.0, np.zeros(11)]
    _, flow = steady(roads, demand, DIAGRAM.capacity, steps=60)
    assert np.allclose(flow[-1, :6], 3000, rtol=1e-3) and not flow[:, 6:].any()
