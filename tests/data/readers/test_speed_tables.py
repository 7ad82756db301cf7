"""Tables of speeds in people's layouts: the same readings, whatever the layout."""

import gzip

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.readers.speed_tables import read_speeds

ZONE = "Europe/Berlin"
WANT = pd.DataFrame(
    {"a": [50.5, 51.0], "b": [60.0, np.nan]},
    pd.to_datetime(["2024-03-01 00:00", "2024-03-01 00:15"]),
)
LAYOUTS = {
    "wide": "time,a,b\n2024-03-01 00:00,50.5,60\n2024-03-01 00:15,51,\n",
    "mark and semicolons": "\ufefftime;a;b\n2024-03-01 00:00;50,5;60\n2024-03-01 00:15;51;\n",
    "tabs": "time\ta\tb\n2024-03-01 00:00\t50.5\t60\n2024-03-01 00:15\t51\t\n",
    "long": "sensor_id,timestamp,avg_speed\na,2024-03-01 00:15,51\nb,2024-03-01 00:00,60\n"
    "a,2024-03-01 00:00,50.5\n",
    "offsets": "time,a,b\n2024-02-29T23:00:00Z,50.5,60\n2024-03-01T00:15:00+01:00,51,\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_holds_the_same(layout, tmp_path):
    path = tmp_path / "speeds.csv"
    path.write_text(LAYOUTS[layout], encoding="utf-8")
    speed, twice = read_speeds(path, ZONE)
    assert twice == 0 and list(speed.index) == list(WANT.index)
    assert np.array_equal(speed[["a", "b"]], WANT, equal_nan=True)


def test_station_text_with_and_without_gzip(tmp_path):
    """No header; stamp, station, ..., speed in the twelfth column, nothing where it is unknown."""
    row = "03/01/2024 00:{:02d}:00,{},11,5,N,ML,1.0,10,100,52,.05,{}\n"
    text = row.format(0, 715, "64.1") + row.format(5, 715, "") + row.format(5, 716, "40")
    (tmp_path / "d11.txt").write_text(text)
    (tmp_path / "d11.txt.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("d11.txt", "d11.txt.gz"):
        speed, _ = read_speeds(tmp_path / name, "America/Los_Angeles")
        want = [[64.1, np.nan], [np.nan, 40]]
        assert np.array_equal(speed[["715", "716"]], want, equal_nan=True)


def test_own_names_of_columns_are_mapped(tmp_path):
    path = tmp_path / "speeds.csv"
    path.write_text("wann,wo,wie\n2024-03-01 00:00,x,50\n2024-03-01 00:00,x,52\n")
    names = {"time": "wann", "sensor": "wo", "speed": "wie"}
    speed, twice = read_speeds(path, ZONE, names)
    assert speed["x"].tolist() == [51.0] and twice == 1


WRONG = {
    "time,sensor,pace\n2024-03-01 00:00,a,50\n": "no column for 'speed' among time, sensor, pace",
    "time,a\n2024-03-01 00:00,fast\n": "line 2, column 'a': 'fast' is not a number",
    "time,a\n2024-03-01 00:00,50\nsoon,51\n": "line 3, column 'time': 'soon' is no time like",
    "time\n2024-03-01 00:00\n": "columns=",
    "773869,767541\n64.375,50\n65.5,51\n": "column '773869': '64.375' is no time; wanted: the",
    "time,a\n": "no rows",
}


@pytest.mark.parametrize("text", WRONG)
def test_errors_name_file_line_and_column(text, tmp_path):
    path = tmp_path / "speeds.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=f"speeds.csv.*{WRONG[text]}"):
        read_speeds(path, ZONE)


def test_a_mapping_to_nothing_names_the_columns(tmp_path):
    path = tmp_path / "speeds.csv"
    path.write_text("time,a\n2024-03-01 00:00,50\n")
    with pytest.raises(DataError, match="no column 'when' among time, a; wanted"):
        read_speeds(path, ZONE, {"time": "when"})
