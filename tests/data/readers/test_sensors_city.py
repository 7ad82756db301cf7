"""A city from a person's own files: what is kept, what is dropped, and that it is told."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError, check_city, sensors_city

PLACE = {"zone": "Europe/Berlin", "unit": "km/h"}


def wide(path, minutes=15, steps=20, sensors=3, start="2024-03-01", **changes):
    """A file of a day that breaks off; -> its table."""
    time = pd.date_range(start, periods=steps, freq=f"{minutes}min")
    table = pd.DataFrame(
        {f"s{k}": 50.0 + k + np.arange(steps) % 7 for k in range(sensors)}, time
    )
    table = table.assign(**changes)
    table.to_csv(path, index_label="time")
    return table


@pytest.mark.parametrize("minutes", [5, 10, 15])
def test_step_is_found_and_every_row_is_kept(minutes, tmp_path, capsys):
    table = wide(tmp_path / "road.csv", minutes, steps=57)
    city = check_city(sensors_city(tmp_path / "road.csv", **PLACE))
    assert city.attrs["step_minutes"] == minutes and city.attrs["name"] == "road"
    assert np.allclose(city.speed.values, table) and "adjacency" not in city
    assert capsys.readouterr().out.strip() == city.attrs["report"]


def test_what_is_dropped_is_counted(tmp_path):
    """One row of another year, one missing, one twice, one impossible speed, a mute sensor."""
    table = wide(tmp_path / "road.csv", mute=np.nan)
    table.iloc[3, 0] = -5
    stray = table.iloc[:1].set_axis([pd.Timestamp("1970-01-01")])
    table = pd.concat([stray, table.drop(table.index[7]), table.iloc[[9]]])
    table.to_csv(tmp_path / "road.csv", index_label="time")
    city = sensors_city(tmp_path / "road.csv", **PLACE)
    counts = {
        "rows_stray": 1, "steps_filled": 1, "rows_averaged": 1, "speeds_impossible": 1,
        "sensors_never_read": 1,
    }  # fmt: skip
    assert {name: city.attrs[name] for name in counts} == counts
    assert city.sizes == {"time": 20, "node": 3}
    assert int(np.isnan(city.speed.values).sum()) == 1 + 3
    assert "1 rows more than a month from the rest dropped" in city.attrs["report"]


def test_clocks_that_change_leave_a_gap_or_a_mean(tmp_path):
    """Offsets tell the two hours from 2 to 3 of October apart; they become one."""
    time = pd.date_range("2024-10-26T22:00Z", periods=9, freq="h").tz_convert("Europe/Berlin")
    table = pd.DataFrame({"a": 10.0 + np.arange(9), "b": 40.0}, [t.isoformat() for t in time])
    table.to_csv(tmp_path / "road.csv", index_label="time")
    city = sensors_city(tmp_path / "road.csv", **PLACE)
    assert city.speed.values[:, 0].tolist() == [10, 11, 12.5, 14, 15, 16, 17, 18]
    assert city.attrs["rows_averaged"] == 1


def test_two_sensors_without_place_are_kept(tmp_path):
    wide(tmp_path / "road.csv", sensors=4)
    rows = "id;latitude;longitude\ns0;52,5;13,4\ns1;52,501;13,4\ns2;;\nelse;52;13\n"
    (tmp_path / "places.csv").write_text(rows.replace(",", "."))
    city = check_city(
        sensors_city(tmp_path / "road.csv", tmp_path / "places.csv", sigma=1, **PLACE)
    )
    linked = city.adjacency.values > 0
    assert linked.sum() == 4 + 2 and linked[0, 1]
    assert city.attrs["sensors_without_place"] == 2 and city.attrs["places_unused"] == 1
    assert np.isnan(city.lat.values).all() and city.known_lat.values[0] == 52.5


def test_edges_make_the_adjacency(tmp_path):
    wide(tmp_path / "road.csv")
    (tmp_path / "edges.csv").write_text("from,to,weight\ns0,s2,0.5\n")
    city = sensors_city(tmp_path / "road.csv", tmp_path / "edges.csv", **PLACE)
    assert city.adjacency.values.tolist() == [[1, 0, 0.5], [0, 1, 0], [0, 0, 1]]


def test_days_in_files_of_their_own_are_joined(tmp_path):
    paths = [tmp_path / "1.csv", tmp_path / "2.csv"]
    wide(paths[0], steps=96)
    wide(paths[1], steps=56, start="2024-03-02")
    assert sensors_city(paths, **PLACE).sizes["time"] == 152


def test_sensors_in_files_of_their_own_are_not_averaged(tmp_path):
    """Stamps that two files share are one step; a sensor's own double reading still counts."""
    rows = {
        "a": "00:00,a,50\n2024-03-01 00:15,a,60\n",
        "b": "00:00,b,30\n2024-03-01 00:00,b,40\n",
    }
    for name, text in rows.items():
        (tmp_path / name).write_text(f"time,sensor,speed\n2024-03-01 {text}")
    city = sensors_city([tmp_path / name for name in rows], **PLACE)
    assert np.array_equal(city.speed, [[50, 35], [60, np.nan]], equal_nan=True)
    assert city.attrs["rows_averaged"] == 1


def test_errors_say_what_is_wanted(tmp_path):
    path = tmp_path / "road.csv"
    wide(path)
    with pytest.raises(DataError, match="unit 'kph': want one of mph, km/h, m/s"):
        sensors_city(path, zone="Europe/Berlin", unit="kph")
    with pytest.raises(DataError, match="zone 'Berlin'"):
        sensors_city(path, zone="Berlin", unit="mph")
    (tmp_path / "places.csv").write_text("sensor,x,y\ns0,1,2\n")
    with pytest.raises(DataError, match=r"places.csv: no column for 'lat' among sensor, x, y"):
        sensors_city(path, tmp_path / "places.csv", **PLACE)
    wide(path, minutes=7)
    with pytest.raises(DataError, match="7 minutes apart, which does not divide a day"):
        sensors_city(path, **PLACE)
