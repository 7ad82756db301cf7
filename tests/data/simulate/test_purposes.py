"""Purposes: rhythms on the circle of the day, and what weather and holidays do to them."""

import numpy as np

from stflow_lib.data.simulate.purposes import PURPOSES, expected_volume, rhythm
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
