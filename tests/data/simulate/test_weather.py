"""Calendar and weather: ranges of the seven factors, holidays, classes."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError, simulate
from stflow_lib.data.simulate.weather import CLASSES, FACTORS, holidays, make_sky, weather_class


def test_external_columns_keep_their_ranges_and_agree_with_the_calendar():
    """Ranges of TaxiBJ's seven columns: embeddings are sized for weekday 1..7, hour, class."""
    sky = make_sky("2024-01-01", 366, 60, seed=2)
    time = sky.index
    assert tuple(FACTORS) == (
        "temperature",
        "wind",
        "holiday",
        "weekend",
        "weekday",
        "hour",
        "weather",
    )
    assert np.array_equal(sky.weekday, time.dayofweek + 1) and np.array_equal(
        sky.hour, time.hour
    )
    assert np.array_equal(sky.weekend, time.dayofweek >= 5)
    assert sky.temperature.between(-24.6, 41).all() and sky.wind.between(0, 48.6).all()
    assert sky.weather.isin(range(1, len(CLASSES) + 1)).all() and sky.weather.nunique() > 8
    wet_class = sky.weather.between(4, 13)
    assert np.array_equal(sky.wetness > 0, wet_class | ((sky.wetness > 0) & (sky.weather > 13)))
    assert not sky.wetness[~wet_class & (sky.weather < 14)].any()


def test_one_holiday_in_each_fortnight_and_never_at_a_weekend():
    first = pd.Timestamp("2025-03-03")
    days = holidays(first, 56, seed=0)
    assert [(d - first).days // 14 for d in days] == [0, 1, 2, 3]
    assert days.dayofweek.isin([1, 2, 3]).all()


@pytest.mark.parametrize(
    ("sky", "degrees", "wind", "name"),
    [(-1, 10, 8, "sunny"), (1.0, 10, 8, "light rain"), (0.8, -3, 8, "light snow"),
     (0.7, 0.5, 8, "freezing rain"), (0, 10, 30, "gale"), (0.3, 10, 2, "fog"),
     (2.5, 10, 8, "rainstorm"), (2.5, 25, 8, "thunderstorm")],
)  # fmt: skip
def test_weather_classes(sky, degrees, wind, name):
    code = weather_class(np.array([sky]), np.array([degrees]), np.array([wind]))
    assert CLASSES[code[0] - 1] == name


@pytest.mark.parametrize(("days", "step"), [(0, 60), (3, 7), (3, 0)])
def test_impossible_calendars_are_refused(days, step):
    """A step that does not divide a day would let the hour column drift."""
    with pytest.raises(DataError, match=f"days={days}, step_minutes={step}"):
        make_sky("2025-03-03", days, step, seed=0)


def test_the_middle_of_a_step_is_its_clock():
    """Rhythms are read at the clock: at the start of a long step they would lag behind."""
    sky = make_sky("2025-03-03", 1, 180, seed=0)
    assert sky.clock.tolist() == [1.5, 4.5, 7.5, 10.5, 13.5, 16.5, 19.5, 22.5]
    assert (sky.free == (sky.weekend | sky.holiday)).all()


def test_external_factors_stand_in_their_order():
    """Networks embed weekday, hour and class by their column's place."""
    sky = make_sky("2025-03-03", 2, 60, seed=0)
    city = simulate.simulate_grid(4, 4, 2, seed=0)[0]
    assert city.factor.values.tolist() == list(FACTORS)
    for place, name in enumerate(FACTORS):
        np.testing.assert_allclose(city.external.values[:, place], sky[name].astype("f4"))
