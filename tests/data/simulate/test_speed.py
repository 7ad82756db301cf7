"""Traffic: the diagram's corner values, conservation, queues that grow upstream, gaps."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import check_city
from stflow_lib.data.simulate import CITIES, simulate_speed
from stflow_lib.data.simulate.layout import LEAVE, TURN, make_layout
from stflow_lib.data.simulate.speed import KM_PER_MILE, departures, gaps, in_a_row, in_days
from stflow_lib.data.simulate.traffic import Diagram, Roads, advance, run

DIAGRAM = Diagram(free=100.0, wave=20.0, jam=300.0)


def one_road(cells, leave=0.1, cell_km=1.0):
    first, last = np.eye(1, cells, 0, bool)[0], np.eye(1, cells, cells - 1, bool)[0]
    return Roads(cell_km, first, last, np.full(cells, leave), csr_array((cells, cells)))


def steady(roads, demand, limit, steps=400):
    """Densities after `steps` constant steps of 30 seconds, [N]."""
    shape = (steps, 1, len(demand))
    full = lambda value: np.broadcast_to(np.asarray(value, float), shape).copy()
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
    tail = lambda t: int((density[t] > 115).argmax())
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


def test_gaps_cover_the_share_asked_for():
    lost = gaps((60 * 288, 300), 0.1, 5, seed=0)
    assert abs(lost.mean() - 0.1) < 0.01
    assert not gaps((288, 10), 0.0, 5, seed=0).any()
    runs = np.diff(lost.astype(int), axis=0)
    assert lost.sum() / (runs == 1).sum() > 3  # hours in a row, not only single steps


def test_days_side_by_side_come_back_in_order():
    series = np.arange(3 * 8.0)[:, None]
    days = in_days(series, 3, 2)
    assert days.shape == (10, 3, 1) and days[:2, :2, 0].tolist() == [[6, 6], [7, 7]]
    assert np.array_equal(in_a_row(days, 8), series)


def test_departures_peak_at_one_and_differ_by_land_use():
    hour = np.arange(0, 24, 0.25)
    curve = lambda use, free: departures(use, hour, np.full(len(hour), free))
    for use in ("residential", "office", "leisure"):
        assert np.isclose(max(curve(use, False).max(), curve(use, True).max()), 1)
    peak = lambda use: hour[curve(use, False).argmax()]
    assert peak("residential") < 10 and peak("office") > 16
    assert not curve("water", False).any()


@pytest.fixture(scope="module")
def pair():
    return simulate_speed(32, 3, seed=5)


def test_city_is_the_complete_series_with_gaps(pair):
    city, truth = pair
    check_city(city)
    speed, complete = city.speed.values, truth.complete.values
    assert np.array_equal(np.isnan(speed), truth.missing.values) and np.isfinite(complete).all()
    assert np.array_equal(speed[~truth.missing.values], complete[~truth.missing.values])


def test_flow_never_exceeds_capacity_nor_speed_the_free_speed(pair):
    _, truth = pair
    assert (truth.flow <= truth.capacity * (1 + 1e-5)).all()
    assert (truth.flow / truth.density.where(truth.density > 0)).max() <= 105 * (1 + 1e-5)
    assert truth.density.max() <= 390 * (1 + 1e-5)


def test_miles_and_kilometres_are_the_same_traffic():
    mph, kmh = (simulate_speed(12, 1, unit=u)[1].complete for u in ("mph", "km/h"))
    assert np.allclose(mph * KM_PER_MILE, kmh, rtol=1e-5)


def test_busier_roads_are_slower_and_incidents_lower_capacity(pair):
    _, truth = pair
    busy = simulate_speed(32, 3, seed=5, load=1.8)[1]
    assert busy.complete.mean() < truth.complete.mean() - 2
    event = truth.attrs["incidents"].iloc[0]
    step = int(np.ceil(event.begin_h * 12))
    ratio = truth.capacity[step, int(event.node)] / truth.capacity[step].max()
    assert ratio <= 0.35 + 1e-5


@pytest.mark.parametrize("name", ["sim-speed-a", "sim-speed-b", "sim-speed-c"])
def test_registered_cities_have_jams_and_free_flow(name):
    city, _ = CITIES[name]()
    low, high = city.speed.quantile([0.02, 0.9])
    assert city.attrs["name"] == name and low < 0.5 * high


def test_same_seed_same_city_other_seed_other_city():
    hashes = [simulate_speed(8, 1, seed=s)[0].attrs["sha256"] for s in (3, 3, 4)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    "wrong", [{"sensors": 3}, {"unit": "knots"}, {"missing": 1.0}, {"free_kmh": 0.0}]
)
def test_impossible_settings_are_refused_by_name(wrong):
    with pytest.raises(DataError, match="|".join(wrong)):
        simulate_speed(**{"sensors": 8, "days": 1} | wrong)
