"""Calendar and weather: ranges of the seven factors, holidays, classes."""

import numpy as np
import pandas as pd
import pytest

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
