"""Fine maps: the counts follow the rates that the truth states, and nothing else moves."""

import numpy as np
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import block_sum, check_city
from stflow_lib.data.simulate import fine_rate, fine_split, simulate_fine

SMALL = {"rows": 16, "cols": 16, "days": 7}


@pytest.fixture(scope="module")
def pair():
    return simulate_fine(**SMALL)


def test_city_keeps_the_contract_and_states_its_shape(pair):
    city, truth = pair
    check_city(city)
    assert city.flow.shape == (7 * 48, 1, 16, 16)
    assert list(city.direction.values) == ["entries"]
    assert city.attrs["cell_m"] == 150.0 and truth.sizes["time"] == city.sizes["time"]


def test_expected_mean_and_road_share_are_what_was_asked_for():
    """Calibration is exact in the rates: a change of loadings cannot drift the volume."""
    _, truth = simulate_fine(**SMALL, mean_flow=7.5, road_share=0.25)
    assert np.isclose(fine_rate(truth).astype(float).mean(), 7.5, rtol=1e-5)
    passing = [c.split()[1] in ("avenue", "motorway") for c in truth.component.values]
    part = truth.isel(component=passing)
    assert np.isclose(fine_rate(part).astype(float).mean() / 7.5, 0.25, rtol=1e-5)


def test_counts_are_poisson_around_the_rates(pair):
    """Mean and variance of (count - rate)/sqrt(rate) are 0 and 1; 4 standard errors wide."""
    city, truth = pair
    rate = fine_rate(truth).astype(float)
    busy = rate > 2
    z = (city.flow.values[:, 0][busy] - rate[busy]) / np.sqrt(rate[busy])
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    spread = np.sqrt((2 + 1 / rate[busy]).mean() / z.size)  # of a mean of squares, Poisson
    assert abs((z**2).mean() - 1) < 4 * spread


def test_counts_are_whole_and_zero_where_nobody_is_expected(pair):
    city, truth = pair
    flow = city.flow.values[:, 0]
    assert np.array_equal(flow, np.round(flow))
    assert not flow[fine_rate(truth) == 0].any()


@pytest.mark.parametrize("factor", [2, 4])
def test_split_sums_to_one_in_each_live_block(pair, factor):
    _, truth = pair
    total = block_sum(fine_split(truth, factor), factor)
    live = block_sum(fine_rate(truth), factor) > 0
    assert np.allclose(total[live], 1, atol=1e-5) and not total[~live].any()


def test_split_depends_on_the_hour_so_a_mean_split_can_be_beaten(pair):
    """A constant split would make HA unbeatable and every comparison on this city empty."""
    city, truth = pair
    split = fine_split(truth, 4)
    hour = city.time.dt.hour.values
    gap = np.abs(split[hour == 8].mean(0) - split[hour == 23].mean(0))
    assert gap.max() > 0.1


def test_roads_concentrate_the_flow(pair):
    _, truth = pair
    rate = fine_rate(truth).mean(0)
    road = truth.avenue.values + truth.motorway.values
    assert rate[road > 0.7].mean() > 2 * rate[road < 0.1].mean()


def test_same_seed_same_city_other_seed_other_city():
    again = [simulate_fine(8, 8, 1, seed=s)[0].attrs["sha256"] for s in (3, 3, 4)]
    assert again[0] == again[1] != again[2]


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"step_minutes": 7}, {"type_shares": {"castle": 1.0}}]
)
def test_impossible_settings_are_refused_by_name(wrong):
    with pytest.raises(DataError, match="|".join(wrong)):
        simulate_fine(8, 8, **wrong)
