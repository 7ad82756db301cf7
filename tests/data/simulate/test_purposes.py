"""Purposes: rhythms on the circle of the day, and what weather and holidays do to them."""

import numpy as np
import pytest

from stflow_lib.data.simulate import TYPES
from stflow_lib.data.simulate.purposes import (
    PURPOSES,
    WAYS,
    ends,
    expected_volume,
    rhythm,
    volumes,
)
from stflow_lib.data.simulate.weather import make_sky


def test_rhythm_is_periodic_and_peaks_where_its_bump_is():
    hour = np.linspace(0, 24, 2401)
    curve = rhythm(((23.5, 1.0, 0.7),), hour)
    assert np.isclose(curve[0], curve[-1]) and np.isclose(hour[curve.argmax()], 23.5)
    assert np.isclose(curve.max(), 0.72)


def test_rain_and_holidays_change_the_volume_as_stated():
    sky = make_sky("2025-03-03", 1, 60, seed=0).assign(wetness=0.0, temperature=12.0)
    wet = sky.assign(wetness=1.0)
    for name, purpose in PURPOSES.items():
        ratio = expected_volume(name, "out", wet) / expected_volume(name, "out", sky)
        assert np.allclose(np.log(ratio), purpose.wet)
    work = expected_volume("work", "out", sky.assign(free=False))
    assert work.max() > 3 * expected_volume("work", "out", sky.assign(free=True)).max()


TYPE_MAP = np.array(
    [[0, 1, 5], [0, 3, 6]]
)  # residential, office, park; residential, hub, water
MASS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]])


def test_ends_are_the_pull_of_the_type_times_the_mass():
    """Types looked up in another order would send commuters to the lake."""
    home, away = ends("work", TYPE_MAP, MASS)
    pull = PURPOSES["work"].home
    raw = np.array([[1.0, 2 * pull["office"], 0], [4, 5 * pull["hub"], 0]])
    np.testing.assert_allclose(home, raw / np.sqrt(raw.sum()))
    assert TYPES[TYPE_MAP[0, 1]] == "office" and away.argmax() == 1


def test_without_moods_volumes_are_the_expected_ones():
    """Axes are time, purpose, way and district; a district without a mood is
    like the others."""
    sky = make_sky("2025-03-03", 2, 60, seed=0)
    made = volumes(sky, 60, 0.0, seed=1, districts=3)
    assert made.shape == (48, len(PURPOSES), 2, 3)
    for p, name in enumerate(PURPOSES):
        for w, way in enumerate(WAYS):
            want = expected_volume(name, way, sky)
            np.testing.assert_allclose(made[:, p, w], np.stack([want] * 3, 1))


def test_moods_change_both_ways_alike_and_average_one():
    """Who goes out comes home: a mood of the way back alone would make and lose people."""
    sky = make_sky("2025-03-03", 400, 60, seed=0)
    mood = volumes(sky, 60, 0.4, 2, 4) / volumes(sky, 60, 0.0, 2, 4)
    np.testing.assert_allclose(mood[:, :, 0], mood[:, :, 1])
    assert mood.mean() == pytest.approx(1, abs=0.02)
    assert np.log(mood[:, :, 0]).std() == pytest.approx(0.4, rel=0.05)
    z = np.log(mood[:, :, 0]).reshape(len(sky), -1)
    correlation = np.corrcoef(z.T) - np.eye(z.shape[1])
    assert np.abs(correlation).max() < 0.15  # each purpose and district has its own
