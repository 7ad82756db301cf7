"""Traffic: the diagram's corner values, conservation, queues that grow upstream, gaps."""

import numpy as np
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import check_city
from stflow_lib.data.simulate import CITIES, simulate_speed
from stflow_lib.data.simulate.speed import KM_PER_MILE, departures, gaps, in_a_row, in_days


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

    def curve(use, free):
        return departures(use, hour, np.full(len(hour), free))

    for use in ("residential", "office", "leisure"):
        assert np.isclose(max(curve(use, False).max(), curve(use, True).max()), 1)

    def peak(use):
        return hour[curve(use, False).argmax()]

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
