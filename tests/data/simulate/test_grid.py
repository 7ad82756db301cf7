"""Gravity and region grids: totals, limits, and agreement with the whole trip table."""

import numpy as np
import pytest

from stflow_lib.data.schema import check_city
from stflow_lib.data.simulate import CITIES, TYPES, grid_rate, simulate_grid
from stflow_lib.data.simulate.gravity import (
    decay_kernel,
    trip_matrix,
)


@pytest.fixture(scope="module")
def pair():
    return simulate_grid(8, 9, 14, seed=4)


def test_every_trip_that_starts_ends_or_is_still_under_way(pair):
    _, truth = pair
    picked, dropped = grid_rate(truth).astype(float).sum((0, 2, 3))
    under_way = float(truth.volume[-1].values @ truth.late.values.sum((1, 2)))
    assert under_way > 0 and np.isclose(picked, dropped + under_way, rtol=1e-6)


def test_trips_home_undo_trips_out_region_by_region(pair):
    """Per unit volume the way back starts where the way out ended, whatever the district."""
    _, truth = pair
    start = truth["pickup"].values.reshape(-1, 2, 4, 8, 9)
    end = (truth.dropoff + truth.late).values.reshape(-1, 2, 4, 8, 9)
    assert np.allclose(start[:, 0], end[:, 1]) and np.allclose(start[:, 1], end[:, 0])


def test_pick_ups_are_the_row_sums_of_the_whole_table(pair):
    _, truth = pair
    kernel = decay_kernel(8, 9, 1000.0, 3000.0)
    for p in range(truth.sizes["purpose"]):
        table = trip_matrix(truth.home.values[p], truth.away.values[p], kernel)
        out = truth["pickup"].values.reshape(-1, 2, 4, 72)[p, 0].sum(0)
        assert np.allclose(out, table.sum(1))


def test_expected_mean_is_what_was_asked_for():
    _, truth = simulate_grid(6, 6, 7, mean_flow=3.5)
    assert np.isclose(grid_rate(truth)[:, 0].astype(float).mean(), 3.5, rtol=1e-5)


def test_counts_are_poisson_around_the_rates(pair):
    city, truth = pair
    rate = grid_rate(truth).astype(float)
    busy = rate > 2
    z = (city.flow.values[busy] - rate[busy]) / np.sqrt(rate[busy])
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    spread_of_mean = np.sqrt((2 + 1 / rate[busy]).mean() / z.size)
    assert abs((z**2).mean() - 1) < 4 * spread_of_mean


def test_rates_of_a_part_are_a_part_of_the_rates(pair):
    """Late arrivals look one step back: a slice must not forget the step before it."""
    _, truth = pair
    assert np.array_equal(grid_rate(truth, slice(40, 60)), grid_rate(truth)[40:60])


def test_city_keeps_the_contract_and_masks_only_water(pair):
    city, truth = pair
    check_city(city)
    water = truth.type.values == TYPES.index("water")
    assert water.any() and np.array_equal(city.valid.values, np.stack([~water] * 2))
    assert not city.flow.values[:, :, water].any() and not city.poi.values[:, water].any()


def test_offices_fill_in_the_morning_and_empty_in_the_evening(pair):
    city, truth = pair
    office = truth.type.values == TYPES.index("office")
    working = ~city.external.sel(factor=["weekend", "holiday"]).any("factor").values
    hour = city.time.dt.hour.values
    arrive, leave = (city.flow.values[:, d][:, office].mean(1) for d in (1, 0))

    def at(series, h):
        return series[working & (hour == h)].mean()

    assert at(arrive, 8) > 1.5 * at(leave, 8) and at(leave, 18) > 1.2 * at(arrive, 18)


@pytest.mark.parametrize("name", ["sim-grid-a", "sim-grid-b", "sim-grid-c"])
def test_registered_cities_carry_their_names(name):
    city, truth = CITIES[name]()
    assert city.attrs["name"] == name and "poi" in city
    counts = np.bincount(truth.type.values.ravel(), minlength=7)[:6]
    rank = {"a": np.arange(6)[::-1], "c": np.arange(6)}.get(name[-1])
    assert np.array_equal(np.argsort(counts), rank) if rank is not None else np.ptp(counts) == 0


def test_same_seed_same_city_other_seed_other_city():
    hashes = [simulate_grid(4, 4, 2, seed=s)[0].attrs["sha256"] for s in (3, 3, 4)]
    assert hashes[0] == hashes[1] != hashes[2]
