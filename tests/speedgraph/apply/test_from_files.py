"""From anybody's speeds to a forecast and a map: odd files give what the plain one gives."""

import geopandas
import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import sensors_city
from stflow_lib.data.export import export, slider_map
from stflow_lib.speedgraph import forecast

HERE = {"zone": "Europe/Berlin", "unit": "km/h"}
PLACES = "id;latitude;longitude\nA;52.50;13.4\nB;52.51;13.4\nC;52.52;13.41\n"  # not D, not E


def readings(minutes: int) -> pd.DataFrame:
    """Three days of five sensors and a fourth that is cut at 14:00, with gaps."""
    steps = (3 * 24 + 14) * 60 // minutes
    time = pd.date_range("2024-03-04", periods=steps, freq=f"{minutes}min", name="time")
    day = np.sin(np.arange(steps)[:, None] * minutes / 1440 * 2 * np.pi)
    noise = np.random.default_rng(0).normal(0, 2, (steps, 5))
    table = pd.DataFrame((60 + 15 * day + noise).round(2), time, list("ABCDE"))
    return table.mask(np.random.default_rng(1).random(table.shape) < 0.1)


def odd(table: pd.DataFrame) -> bytes:
    """A row a reading, own names, a BOM, semicolons, decimal commas, offsets, an extra year."""
    stray = table.head(1).set_axis(table.index[:1] - pd.Timedelta("366D"))
    long = (
        pd.concat([table, stray])
        .rename_axis("wann")
        .reset_index()
        .melt("wann", None, "wo", "v")
    )
    stamps = long["wann"].dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC")
    long["wann"] = stamps.map(lambda stamp: stamp.isoformat())
    return b"\xef\xbb\xbf" + long.to_csv(index=False, sep=";", decimal=",").encode()


@pytest.mark.parametrize("minutes", [5, 15])
def test_an_odd_file_gives_the_forecast_of_the_plain_one(tmp_path, minutes):
    table = readings(minutes)
    table.to_csv(tmp_path / "plain.csv")
    (tmp_path / "odd.csv").write_bytes(odd(table))
    (tmp_path / "places.csv").write_text(PLACES)
    names = {"time": "wann", "sensor": "wo", "speed": "v"}
    given = {"sensors": tmp_path / "places.csv", "sigma": 2, **HERE}
    plain = sensors_city(tmp_path / "plain.csv", **given)
    other = sensors_city(tmp_path / "odd.csv", columns=names, **given)
    assert other.attrs["rows_stray"] == 1 and other.attrs["sensors_without_place"] == 2
    want, found = (forecast(city, method="Graph ridge") for city in (plain, other))
    assert found.time.values[0] == np.datetime64("2024-03-07T14:00")
    assert found.sizes["time"] == 60 // minutes
    for name in ("mean", "lower", "upper"):
        assert np.allclose(found[name], want[name], rtol=1e-5)


def test_two_sensors_without_a_place_keep_the_others_on_the_map(tmp_path):
    """In a city lat and lon are all known or none; on a map the known ones are shown."""
    readings(15).to_csv(tmp_path / "road.csv")
    (tmp_path / "places.csv").write_text(PLACES)
    city = sensors_city(tmp_path / "road.csv", tmp_path / "places.csv", sigma=2, **HERE)
    found = forecast(city, method="Ridge")
    assert found.lat.values[:3].tolist() == [52.5, 52.51, 52.52]
    assert np.isnan(found.lat.values[3:]).all()
    for result in (found, city.isel(time=slice(4))):
        frame = geopandas.read_file(export(result, tmp_path / "a.geojson"))
        placed = frame[frame.geometry.notna()]
        assert set(placed.node) == set("ABC") and placed.geometry.y.min() == 52.5
        assert len(slider_map(result, "a.html").places) == 3
