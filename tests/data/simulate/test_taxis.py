"""Simulated taxis: fixes that pass the checks of real ones, on streets, ten hours a day."""

import numpy as np
import pytest

from stflow_lib.book.plots.data.gps_to_maps import gaps_and_speeds
from stflow_lib.data.simulate.taxis import BEGIN, SPEED, simulate_fixes


@pytest.fixture(scope="module")
def fixes():
    return simulate_fixes(6, 3, seed=2)


def test_fixes_come_every_minute_or_after_a_break(fixes):
    """45 to 75 seconds apart within a shift; the breaks are nights."""
    gap, _ = gaps_and_speeds(fixes)
    assert set(np.unique(fixes.taxi)) == set(range(6)) and fixes.time.min() >= BEGIN
    assert ((gap >= 45) & (gap <= 75) | (gap > 8 * 3600)).all()
    hours = np.array([np.ptp(fixes.time[fixes.taxi == taxi]) for taxi in range(6)]) / 3600
    assert (hours > 24).all() and (hours <= 3 * 24 * 75 / 60 + 1).all()


def test_nobody_drives_faster_than_the_streets_allow(fixes):
    """Seven metres a second, but for the noise of the positions and corners that are cut."""
    gap, kmh = gaps_and_speeds(fixes)
    near = gap <= 75
    assert np.quantile(kmh[near], 0.99) < 3.6 * (SPEED + 0.6)
    assert np.median(kmh[near]) > 0.6 * 3.6 * SPEED


def test_every_second_ride_has_a_passenger(fixes):
    """About half of the time on board; all or none would leave the maps of rides empty."""
    assert 0.3 < fixes.occupied.mean() < 0.7


def test_the_seed_decides(fixes):
    """Pages print totals of these taxis: another run must give the same."""
    again, other = simulate_fixes(6, 3, seed=2), simulate_fixes(6, 3, seed=3)
    assert np.array_equal(again.lat, fixes.lat) and not np.array_equal(
        other.lat, fixes.lat[: len(other)]
    )
