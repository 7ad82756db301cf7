"""Speed cities from small files in the sources' formats; the real ones are in
test_real_cities."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.readers import graphs

CITYPULSE = "status,avgMeasuredTime,avgSpeed,extID,medianMeasuredTime,TIMESTAMP,vehicleCount"


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def aarhus_sheet(base, sensor, *rows):
    lines = (
        f"OK,66,{speed},668,66,2014-02-13T{time}:00,{count}" for time, speed, count in rows
    )
    write(base / f"trafficData{sensor}.csv", CITYPULSE, *lines)


@pytest.fixture
def aarhus(tmp_path):
    """Two segments in a row and one apart: a gap, a doubled stamp, a zero without vehicles."""
    base = tmp_path / "speed" / "aarhus" / "raw"
    aarhus_sheet(base, 11, ("11:30", 50, 3), ("11:35", 0, 0), ("11:45", 40, 1))
    aarhus_sheet(base, 7, ("11:35", 60, 0), ("11:30", 70, 2), ("11:35", 99, 9))
    aarhus_sheet(base, 20, ("11:30", 30, 1), ("11:40", 31, 1))
    names = (
        "REPORT_ID,POINT_1_NAME,POINT_2_NAME,POINT_1_LAT,POINT_1_LNG,POINT_2_LAT,POINT_2_LNG"
    )
    rows = ["11,1,2,56.0,10.0,56.2,10.2,1000", "7,2,3,56.2,10.2,56.4,10.4,500"]
    write(base / "traffic_metadata.csv", names + ",DISTANCE_IN_METERS", *rows,
          "20,8,9,56.3,10.3,56.3,10.4,700")  # fmt: skip
    return tmp_path


def test_aarhus_raw(aarhus):
    """Gaps and empty zeros are NaN, the first of doubled stamps counts, an hour is added."""
    city = graphs.read_aarhus(aarhus)
    assert city.node.values.tolist() == [7, 11, 20]
    nan = np.nan
    expected = [[70, 50, 30], [60, nan, nan], [nan, nan, 31], [nan, 40, nan]]
    assert np.array_equal(city.speed.values, np.array(expected, np.float32), equal_nan=True)
    assert city.time.values[0] == np.datetime64("2014-02-13T12:30")
    weight = np.exp(-((750 / 1500) ** 2))
    assert city.adjacency.values == pytest.approx(
        np.array([[1, weight, 0], [weight, 1, 0], [0, 0, 1]])
    )
    assert city.lat.values == pytest.approx([56.3, 56.1, 56.3])


def test_aarhus_stamp_off_the_step_is_refused(aarhus):
    aarhus_sheet(aarhus / "speed" / "aarhus" / "raw", 20, ("11:30", 30, 1), ("11:37", 31, 1))
    with pytest.raises(DataError, match=r"trafficData20.csv: irregular time stamp .*11:37"):
        graphs.read_aarhus(aarhus)


def test_missing_column_is_named_with_its_file(aarhus):
    path = aarhus / "speed" / "aarhus" / "raw" / "trafficData7.csv"
    path.write_text(path.read_text().replace("avgSpeed", "speed"))
    with pytest.raises(DataError, match=r"trafficData7.csv: column 'avgSpeed' is missing"):
        graphs.read_aarhus(aarhus)


@pytest.mark.parametrize("content", ["", CITYPULSE])
def test_empty_file_is_named(aarhus, content):
    path = aarhus / "speed" / "aarhus" / "raw" / "trafficData7.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=r"trafficData7.csv: empty file"):
        graphs.read_aarhus(aarhus)


def pems_sheet(base, sensor, week, day, speeds):
    time = pd.date_range(f"2024-01-{day:02d}", periods=len(speeds), freq="5min")
    stamps = [f"{t.month}/{t.day}/{t.year} {t.hour}:{t.minute:02d}" for t in time]
    rows = [f"{t},{v:.2f},3,0.00" for t, v in zip(stamps, speeds, strict=True)]
    header = "\ufeff5 Minutes,Speed (mph),# Lane Points,% Observed"
    write(base / f"{sensor}_I8W_W{week}.csv", header, *rows)


def test_san_diego_raw_weeks_are_joined(tmp_path):
    base = tmp_path / "speed" / "san-diego" / "raw"
    day = np.arange(288) / 10
    for sensor in (5, 3):
        pems_sheet(base, sensor, 2, 2, day + sensor + 30)
        pems_sheet(base, sensor, 1, 1, day + sensor)
    write(base / "vds_info.csv", "vds_id,Freeway,Direction,Lat,Lng", "5,I8,E,32.7,-117.1",
          "3,I8,W,32.8,-117.2")  # fmt: skip
    write(base / "sensor_dist.csv", ",5,3", "5,0.0,0.5", "3,0.5,0.0")
    city = graphs.read_san_diego(tmp_path)
    both = np.concatenate([day, day + 30])
    assert np.allclose(city.speed.values, np.stack([both + 5, both + 3], 1), atol=0.01)
    assert city.adjacency.values[0, 1] == pytest.approx(np.exp(-0.25))
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
    with pytest.raises(DataError, match=r"los_speed.csv: object is no number"):
        graphs.read_la(tmp_path)
    write(base / "los_speed.csv", "11,13", "60,61")
    with pytest.raises(DataError, match=r"sensor_locations.csv: sensor 13 is missing"):
        graphs.read_la(tmp_path)


def write_san_diego(folder, sensors=(5, 3), distance=((0, 0.5), (0.5, 0))):
    """Two sensors in the npz, 3 and 5; the table and the distances in the order given."""
    base = folder / "speed" / "san-diego"
    base.mkdir(parents=True, exist_ok=True)
    time = np.datetime64("2024-01-01T00:00") + np.arange(4) * np.timedelta64(5, "m")
    speed = np.tile(np.float32([30, 50]), (4, 1))
    np.savez(base / "speed.npz", speed_mph=speed, observed_pct=speed, time=time, sensor=[3, 5])
    places = [f"{s},32.{s},-117.{s}" for s in sensors]
    write(base / "sensors.csv", "sensor,lat,lon", *places)
    np.savez(base / "distance.npz", matrix=np.array(distance), sensor=np.array(sensors))


@pytest.mark.parametrize("sensors", [(3, 5), (5, 3)])
def test_san_diego_files_are_joined_by_sensor(tmp_path, sensors):
    """Another order in the table gave every sensor its neighbour's place."""
    ahead = ((0, 0.5), (1.0, 0)) if sensors == (3, 5) else ((0, 1.0), (0.5, 0))
    write_san_diego(tmp_path, sensors, ahead)
    city = graphs.read_san_diego(tmp_path)
    assert city.node.values.tolist() == [3, 5] and city.lat.values.tolist() == [32.3, 32.5]
    assert city.adjacency.values[0, 1] == pytest.approx(np.exp(-0.25))


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


def write_compact_aarhus(folder, **changes):
    base = folder / "speed" / "aarhus"
    base.mkdir(parents=True, exist_ok=True)
    time = np.datetime64("2014-02-13T11:30") + np.arange(3) * np.timedelta64(5, "m")
    speed = np.float32([[70, 50], [0, 0], [0, 40]])
    count = np.float32([[1, 2], [0, 3], [0, 0]])
    arrays = {"speed_kmh": speed, "vehicle_count": count, "time": time, "sensor": [7, 11]}
    np.savez(base / "speed.npz", **(arrays | changes))
    rows = ["11,1,2,56.0,10.0,56.2,10.2,1000", "7,2,3,56.2,10.2,56.4,10.4,500"]
    names = "sensor,from_id,to_id,from_lat,from_lon,to_lat,to_lon,length_m"
    write(base / "segments.csv", names, *rows)


def test_aarhus_compact_files_are_joined_by_segment_and_zeros_counted(tmp_path):
    write_compact_aarhus(tmp_path)
    city = graphs.read_aarhus(tmp_path)
    assert city.lat.values == pytest.approx([56.3, 56.1])
    assert (city.attrs["zeros_as_missing"], city.attrs["zeros_kept"]) == (2, 1)
    assert np.isnan(city.speed.values[1:, 0]).all() and city.speed.values[1, 1] == 0


@pytest.mark.parametrize("key", ["speed_kmh", "vehicle_count"])
def test_aarhus_series_of_another_shape_are_not_stretched(tmp_path, key):
    """One row of counts, or a scalar, would hold for all steps."""
    for given in (np.float32([50, 60]), np.float32(50)):
        write_compact_aarhus(tmp_path, **{key: given})
        with pytest.raises(DataError, match=rf"speed.npz: {key} has shape .* not \(3, 2\)"):
            graphs.read_aarhus(tmp_path)


def test_aarhus_doubled_stamps_are_counted(aarhus):
    assert graphs.read_aarhus(aarhus).attrs["doubled_stamps"] == 1


@pytest.mark.parametrize(("old", "new", "rule"), [
    ("2014-02-13T11:30:00", "soon", r"trafficData7.csv: .*soon"),
    ("2014-02-13T11:30:00", "2014-02-13T11:30:00+01:00", r"trafficData7.csv: "),
    (",70,", ",fast,", r"trafficData7.csv: avgSpeed: object is no number"),
])  # fmt: skip
def test_aarhus_cell_that_is_no_number_or_time_is_named_with_its_file(aarhus, old, new, rule):
    path = aarhus / "speed" / "aarhus" / "raw" / "trafficData7.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=rule):
        graphs.read_aarhus(aarhus)


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
