"""Aarhus from small files in CityPulse's format and in the compact one; the real ones are in
test_real_cities."""

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.readers.aarhus import read_aarhus

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
    city = read_aarhus(aarhus)
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
        read_aarhus(aarhus)


def test_missing_column_is_named_with_its_file(aarhus):
    path = aarhus / "speed" / "aarhus" / "raw" / "trafficData7.csv"
    path.write_text(path.read_text().replace("avgSpeed", "speed"))
    with pytest.raises(DataError, match=r"trafficData7.csv: column 'avgSpeed' is missing"):
        read_aarhus(aarhus)


@pytest.mark.parametrize("content", ["", CITYPULSE])
def test_empty_file_is_named(aarhus, content):
    path = aarhus / "speed" / "aarhus" / "raw" / "trafficData7.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=r"trafficData7.csv: empty file"):
        read_aarhus(aarhus)


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
    city = read_aarhus(tmp_path)
    assert city.lat.values == pytest.approx([56.3, 56.1])
    assert (city.attrs["zeros_as_missing"], city.attrs["zeros_kept"]) == (2, 1)
    assert np.isnan(city.speed.values[1:, 0]).all() and city.speed.values[1, 1] == 0


@pytest.mark.parametrize("key", ["speed_kmh", "vehicle_count"])
def test_aarhus_series_of_another_shape_are_not_stretched(tmp_path, key):
    """One row of counts, or a scalar, would hold for all steps."""
    for given in (np.float32([50, 60]), np.float32(50)):
        write_compact_aarhus(tmp_path, **{key: given})
        with pytest.raises(DataError, match=rf"speed.npz: {key} has shape .* not \(3, 2\)"):
            read_aarhus(tmp_path)


def test_aarhus_doubled_stamps_are_counted(aarhus):
    assert read_aarhus(aarhus).attrs["doubled_stamps"] == 1


@pytest.mark.parametrize(("old", "new", "rule"), [
    ("2014-02-13T11:30:00", "soon", r"trafficData7.csv: .*soon"),
    ("2014-02-13T11:30:00", "2014-02-13T11:30:00+01:00", r"trafficData7.csv: "),
    (",70,", ",fast,", r"trafficData7.csv: line 3, column 'avgSpeed': 'fast' is not"),
])  # fmt: skip
def test_aarhus_cell_that_is_no_number_or_time_is_named_with_its_file(aarhus, old, new, rule):
    path = aarhus / "speed" / "aarhus" / "raw" / "trafficData7.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=rule):
        read_aarhus(aarhus)


def test_a_stray_year_is_named_before_a_clock_is_made_of_it(aarhus):
    """Five-minute steps to 2099 would take memory for nine million of them."""
    path = aarhus / "speed" / "aarhus" / "raw" / "trafficData7.csv"
    path.write_text(path.read_text().replace("2014-02-13T11:35", "2099-02-13T11:35", 1))
    with pytest.raises(DataError, match=r"trafficData7.csv: a stray time stamp.*2099-02-13"):
        read_aarhus(aarhus)


@pytest.mark.parametrize(("old", "new", "rule"), [
    (",500", ",-500", "segment 7 is -500 m long"), (",500", ",0", "segment 7 is 0 m long"),
    (",500", ",", "segment 7 is nan m long"), ("7,2,3", "7,2.5,3", "from_id: 2.5"),
    ("7,2,3", "7,,3", "from_id: nan"), ("7,2,3", "7,9,9", "no edge is left"),
])  # fmt: skip
def test_segments_have_ends_and_a_length(tmp_path, old, new, rule):
    write_compact_aarhus(tmp_path)
    path = tmp_path / "speed" / "aarhus" / "segments.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=rf"segments.csv: .*{rule}"):
        read_aarhus(tmp_path)
