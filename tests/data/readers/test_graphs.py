"""Speeds of loop detectors from small files in the sources' formats; the real ones are in
test_real_cities."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.readers import graphs


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def pems_sheet(base, sensor, week, day, speeds):
    time = pd.date_range(f"2024-01-{day:02d}", periods=len(speeds), freq="5min")
    stamps = [f"{t.month}/{t.day}/{t.year} {t.hour}:{t.minute:02d}" for t in time]
    rows = [f"{t},{v:.2f},3,50.0" for t, v in zip(stamps, speeds, strict=True)]
    header = "\ufeff5 Minutes,Speed (mph),# Lane Points,% Observed"
    write(base / f"{sensor}_I8W_W{week}.csv", header, *rows)


def test_san_diego_raw_weeks_are_joined(tmp_path):
    base = tmp_path / "speed" / "san-diego" / "raw"
    day = np.arange(288) / 10
    for sensor in (5, 3):
        pems_sheet(base, sensor, 2, 2, day + sensor + 30)
        pems_sheet(base, sensor, 1, 1, day + sensor)
    write(base / "vds_info.csv", "vds_id,Freeway,Direction,Lat,Lng", "5,I8,E,32.7,-117.1",
          "3,I8,W,32.71,-117.1")  # fmt: skip
    write(base / "sensor_dist.csv", ",5,3", "5,0.0,0.7", "3,0.7,0.0")
    city = graphs.read_san_diego(tmp_path)
    both = np.concatenate([day, day + 30])
    assert np.allclose(city.speed.values, np.stack([both + 5, both + 3], 1), atol=0.01)
    assert city.adjacency.values[0, 1] == pytest.approx(np.exp(-0.49))
    assert (np.diff(city.time.values) == np.timedelta64(5, "m")).all()
    (base / "3_I8W_W2.csv").unlink()
    with pytest.raises(DataError, match="sensor 3 has other time stamps"):
        graphs.read_san_diego(tmp_path)


def test_bay_places_are_interpolated_by_postmile(tmp_path):
    base = tmp_path / "speed" / "bay-i680"
    rows = ["1,680,N,0.0,37.0,-121.0", "2,680,N,1.0,,", "3,680,N,4.0,37.4,-121.8"]
    write(base / "sensors.csv", "sensor,freeway,direction,abs_postmile,lat,lon", *rows)
    ones = np.ones((4, 3), np.float32)
    time = np.datetime64("2017-10-01T00:00") + np.arange(4) * np.timedelta64(5, "m")
    arrays = {"speed_mph": ones, "observed_pct": ones, "time": time, "flow_veh": ones}
    np.savez(base / "speed.npz", **arrays, sensor=[1, 2, 3])
    city = graphs.read_bay_i680(tmp_path)
    assert city.attrs["interpolated_places"] == 1
    assert city.lat.values[1] == pytest.approx(37.1)
    assert city.lon.values[1] == pytest.approx(-121.2)
    assert city.adjacency.values[0] == pytest.approx([1, np.exp(-1), 0])
    write(base / "sensors.csv", "sensor,freeway,direction,abs_postmile,lat,lon", *rows[::-1])
    assert graphs.read_bay_i680(tmp_path).identical(city)
    np.savez(base / "speed.npz", **(arrays | {"observed_pct": ones[0]}), sensor=[1, 2, 3])
    with pytest.raises(DataError, match=r"npz: observed_pct has shape \(3,\), not \(4, 3\)"):
        graphs.read_bay_i680(tmp_path)
    np.savez(base / "speed.npz", **(arrays | {"observed_pct": ones * 101}), sensor=[1, 2, 3])
    with pytest.raises(DataError, match="observed_pct is 101: rule 'a percentage'"):
        graphs.read_bay_i680(tmp_path)


def test_npz_without_an_array_or_cut_short_is_named(tmp_path):
    base = tmp_path / "speed" / "bay-i680"
    base.mkdir(parents=True)
    np.savez(base / "speed.npz", speed_mph=np.ones((4, 3)))
    with pytest.raises(DataError, match=r"speed.npz: array 'observed_pct' is missing"):
        graphs.read_bay_i680(tmp_path)
    (base / "speed.npz").write_bytes((base / "speed.npz").read_bytes()[:90])
    with pytest.raises(DataError, match=r"speed.npz: not readable \(truncated"):
        graphs.read_bay_i680(tmp_path)


def test_la_sensor_without_a_place_is_refused(tmp_path):
    base = tmp_path / "speed" / "la"
    write(base / "los_speed.csv", "11,12", "60,61", "62,63")
    write(base / "los_adj.csv", "1,0.5", "0.5,1")
    write(base / "graph_sensor_locations.csv", "index,sensor_id,latitude,longitude",
          "0,12,34.2,-118.2", "1,11,34.1,-118.1")  # fmt: skip
    city = graphs.read_la(tmp_path)
    assert city.lat.values.tolist() == [34.1, 34.2]
    assert city.adjacency.values.tolist() == [[1, 0.5], [0.5, 1]]
    write(base / "los_adj.csv", "1,0.5,0", "0.5,1,0")
    with pytest.raises(DataError, match=r"los_adj.csv: \(2, 3\) numbers for 2 sensors"):
        graphs.read_la(tmp_path)
    write(base / "los_speed.csv", "11,11", "60,61")
    with pytest.raises(DataError, match="los_speed.csv: column '11' comes twice"):
        graphs.read_la(tmp_path)
    write(base / "los_speed.csv", "11,12", "60,fast")
    with pytest.raises(DataError, match=r"los_speed.csv: line 2, column '12': 'fast' is not"):
        graphs.read_la(tmp_path)
    write(base / "los_speed.csv", "11,13", "60,61")
    with pytest.raises(DataError, match=r"sensor_locations.csv: sensor 13 is missing"):
        graphs.read_la(tmp_path)


def write_san_diego(folder, sensors=(5, 3), distance=((0, 0.7), (0.7, 0))):
    """Two sensors in the npz, 3 and 5; the table and the distances in the order given."""
    base = folder / "speed" / "san-diego"
    base.mkdir(parents=True, exist_ok=True)
    time = np.datetime64("2024-01-01T00:00") + np.arange(4) * np.timedelta64(5, "m")
    speed = np.tile(np.float32([30, 50]), (4, 1))
    np.savez(base / "speed.npz", speed_mph=speed, observed_pct=speed, time=time, sensor=[3, 5])
    places = [f"{s},{32.7 + s / 200},-117.1" for s in sensors]
    write(base / "sensors.csv", "sensor,lat,lon", *places)
    np.savez(base / "distance.npz", matrix=np.array(distance), sensor=np.array(sensors))


@pytest.mark.parametrize("sensors", [(3, 5), (5, 3)])
def test_san_diego_files_are_joined_by_sensor(tmp_path, sensors):
    """Another order in the table gave every sensor its neighbour's place."""
    write_san_diego(tmp_path, sensors)
    city = graphs.read_san_diego(tmp_path)
    assert city.node.values.tolist() == [3, 5] and city.lat.values == pytest.approx(
        [32.715, 32.725]
    )
    assert city.adjacency.values[0, 1] == pytest.approx(np.exp(-0.49))


@pytest.mark.parametrize("distance", [
    ((0, 0.7), (0.9, 0)), ((0, 1.4), (1.4, 0)), ((0.7, 0), (0, 0.7)), ((0, 0), (0, 0)),
    ((0, np.nan), (0.7, 0)), ((0, np.inf), (np.inf, 0)),
])  # fmt: skip
def test_san_diego_distances_are_those_between_the_places(tmp_path, distance):
    """A matrix of other sensors, in another order or unit, made a graph of no road."""
    write_san_diego(tmp_path, distance=distance)
    with pytest.raises(DataError, match=r"distance.npz: .* miles from sensor \d to \d, whose"):
        graphs.read_san_diego(tmp_path)


def test_san_diego_sensors_that_disagree_are_refused(tmp_path):
    write_san_diego(tmp_path, (3, 7))
    with pytest.raises(DataError, match=r"sensors.csv: sensor 5 is missing"):
        graphs.read_san_diego(tmp_path)
    write_san_diego(tmp_path, (5, 5))
    with pytest.raises(DataError, match=r"sensors.csv: sensor 5 stands there twice"):
        graphs.read_san_diego(tmp_path)
    write_san_diego(tmp_path, distance=((0, 0.5, 1),))
    with pytest.raises(DataError, match=r"distance.npz: distances \(1, 3\) for 2 sensors"):
        graphs.read_san_diego(tmp_path)


def test_station_text_of_pems_is_told_which_layout_is_wanted(tmp_path):
    line = "01/08/2024 00:00:00,1108417,11,5,S,ML,,30,100,95,.0412,62.7"
    write(tmp_path / "1108417_I5S_W1.csv", line, line)
    with pytest.raises(DataError, match=r"W1.csv: column '5 Minutes' is missing. Wanted: a sheet"
                       r".*dNN_text_station_5min.* another layout"):  # fmt: skip
        graphs.read_pems_sheet(tmp_path / "1108417_I5S_W1.csv")


def test_pems_stamp_that_is_none_is_named(tmp_path):
    pems_sheet(tmp_path, 5, 1, 1, [50.0, 51.0])
    path = tmp_path / "5_I8W_W1.csv"
    path.write_text(path.read_text().replace("1/1/2024 0:05", "13/13/2024 0:05"))
    with pytest.raises(DataError, match=r"5_I8W_W1.csv: .*13/13/2024 0:05.* position 1"):
        graphs.read_pems_sheet(path)


@pytest.mark.parametrize(("change", "rule"), [
    ({"flow_veh": np.full((4, 3), -1.0)}, "flow_veh: -1 at"),
    ({"flow_veh": np.full((4, 3), 4e4)}, "flow_veh: 40000 at"),
    ({"flow_veh": np.full((4, 3), 0.5)}, "flow_veh: 0.5 at"),
    ({"flow_veh": np.full((4, 3), np.nan)}, "flow_veh is missing or zero everywhere"),
    ({"flow_veh": np.zeros((4, 3))}, "flow_veh is missing or zero everywhere"),
    ({"observed_pct": np.zeros((4, 3))}, "observed_pct is zero everywhere"),
])  # fmt: skip
def test_bay_counts_are_vehicles_and_something_was_observed(tmp_path, change, rule):
    base = tmp_path / "speed" / "bay-i680"
    rows = ["1,0.0,37.0,-121.0", "2,1.0,,", "3,4.0,37.4,-121.8"]
    write(base / "sensors.csv", "sensor,abs_postmile,lat,lon", *rows)
    ones = np.ones((4, 3), np.float32)
    time = np.datetime64("2017-10-01T00:00") + np.arange(4) * np.timedelta64(5, "m")
    arrays = {"speed_mph": ones, "observed_pct": ones, "flow_veh": ones, "time": time}
    np.savez(base / "speed.npz", **{**arrays, **change}, sensor=[1, 2, 3])
    with pytest.raises(DataError, match=rf"speed.npz: {rule}"):
        graphs.read_bay_i680(tmp_path)


def test_la_weights_are_symmetric(tmp_path):
    base = tmp_path / "speed" / "la"
    write(base / "los_speed.csv", "11,12", "60,61", "62,63")
    write(base / "graph_sensor_locations.csv", "sensor_id,latitude,longitude",
          "12,34.2,-118.2", "11,34.1,-118.1")  # fmt: skip
    write(base / "los_adj.csv", "1,0.5", "0.25,1")
    with pytest.raises(DataError, match=r"los_adj.csv: line 1, column 2: another weight"):
        graphs.read_la(tmp_path)
