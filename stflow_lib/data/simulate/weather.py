"""Calendar and weather of a simulated city: the external factors, and what they truly do."""

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.simulate.streams import ar1_noise, substream

FACTORS = ("temperature", "wind", "holiday", "weekend", "weekday", "hour", "weather")
CLASSES = (
    "sunny", "cloudy", "overcast", "sprinkle", "light rain", "moderate rain", "heavy rain",
    "rainstorm", "thunderstorm", "freezing rain", "light snow", "moderate snow", "heavy snow",
    "fog", "dust", "gale",
)  # fmt: skip
SOURCE = {"zone": "nominal", "source": "simulated by stflow_lib", "licence": "MIT"}
DRY = 0.6  # the sky's latent state above which rain or snow falls


def make_sky(start: str, days: int, step_minutes: int, seed: int) -> pd.DataFrame:
    """Calendar and weather, one row per step, index = local time.

    The seven FACTORS (degrees C, mph, flags, weekday 1..7, hour 0..23, class 1..16), and what
    lies behind them: `clock` (hour with fraction, middle of the step), `free` (weekend or
    holiday), `wetness` >= 0 (0 = dry). DataError unless the step divides a day, days >= 1.
    """
    if days < 1 or step_minutes < 1 or 1440 % step_minutes:
        raise DataError(f"days={days}, step_minutes={step_minutes}: a step must divide a day")
    count = days * 1440 // step_minutes
    time = pd.date_range(start, periods=count, freq=f"{step_minutes}min", name="time")
    sky = pd.DataFrame(index=time)
    sky["holiday"] = time.normalize().isin(holidays(time[0].normalize(), days, seed))
    sky["weekend"] = time.dayofweek > 4
    sky["weekday"], sky["hour"] = time.dayofweek + 1, time.hour
    sky["clock"] = time.hour + (time.minute + step_minutes / 2) / 60
    sky["free"] = sky.weekend | sky.holiday
    return _add_weather(sky, step_minutes / 60, seed)


def holidays(first: pd.Timestamp, days: int, seed: int) -> pd.DatetimeIndex:
    """One holiday in each fortnight: a Tuesday to Thursday drawn at random."""
    every = pd.date_range(first, periods=days)
    middle = [f[f.dayofweek.isin([1, 2, 3])] for f in np.split(every, range(14, days, 14))]
    rng = substream(seed, "holidays")
    return pd.DatetimeIndex([f[int(rng.integers(len(f)))] for f in middle if len(f)])


def _add_weather(sky, step_hours, seed):
    z = ar1_noise(substream(seed, "sky"), (len(sky),), step_hours, 8.0)
    warm = ar1_noise(substream(seed, "temperature"), (len(sky),), step_hours, 36.0)
    gust = ar1_noise(substream(seed, "wind"), (len(sky),), step_hours, 6.0)
    season = -10 * np.cos(2 * np.pi * (sky.index.dayofyear - 15) / 365.25)
    daily = 4 * np.cos(2 * np.pi * (sky["clock"] - 15) / 24)
    sky["temperature"] = np.clip(12 + season + daily + 3 * warm, -24.6, 41.0)
    sky["wind"] = np.clip(8 * np.exp(0.5 * gust), 0, 48.6)
    sky["wetness"] = np.clip(z - DRY, 0, 1.6)
    sky["weather"] = weather_class(z, sky["temperature"].to_numpy(), sky["wind"].to_numpy())
    return sky


def weather_class(z: np.ndarray, temperature: np.ndarray, wind: np.ndarray) -> np.ndarray:
    """Class 1..16 (CLASSES) of the latent sky `z`, temperature (degrees C) and wind (mph)."""
    rain = 4 + np.digitize(z - DRY, [0.2, 0.5, 0.9, 1.3])
    snow = 11 + np.digitize(z - DRY, [0.3, 0.8])
    rules = [
        (z > DRY) & (temperature < 0), (z > DRY) & (temperature < 1),
        (z > DRY + 0.5) & (temperature > 22), z > DRY, wind > 25,
        (z < -1) & (wind > 16), (z > 0.1) & (wind < 4.5),
    ]  # fmt: skip
    return np.select(rules, [snow, 10, 9, rain, 16, 15, 14], 1 + np.digitize(z, [-0.4, 0.2]))


def with_external(city: xr.Dataset, sky: pd.DataFrame) -> xr.Dataset:
    """The city with `external` (time, factor): the seven FACTORS of its sky."""
    factors = (("time", "factor"), sky[list(FACTORS)].to_numpy(np.float32))
    return city.assign(external=factors).assign_coords(factor=list(FACTORS))
