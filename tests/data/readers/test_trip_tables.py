"""Tables of rides: both layouts, archives, and what is refused with file and line."""

import zipfile

import pandas as pd
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import trips
from stflow_lib.data.readers.trip_tables import read_trips

NEW = "started_at,ended_at,start_lat,start_lng,end_lat,end_lng"
OLD = ("starttime,stoptime,start station latitude,start station longitude,"
       "end station latitude,end station longitude")  # fmt: skip
RIDE = "2021-01-01 10:59:59,2021-01-01 11:00:00,41.01,-87.99,41.19,-87.71"


def write_zip(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return path


def test_both_layouts_read_alike_out_of_zips(tmp_path):
    """Header spelling must not matter: 2013 to 2019 with spaces or capitals, 2020 on."""
    texts = [f"{head}\n{RIDE}\n" for head in (NEW, OLD, OLD.title().replace("time", " Time"))]
    paths = [write_zip(tmp_path / f"{at}.zip", rides=text) for at, text in enumerate(texts)]
    first, *others = (read_trips(path) for path in paths)
    assert list(first) == list(trips.COLUMNS) and first["end_lat"][0] == 41.19
    assert first["start"][0] == pd.Timestamp("2021-01-01 10:59:59")
    for other in others:
        pd.testing.assert_frame_equal(first, other)


def test_months_are_joined_and_plain_csv_is_read(tmp_path):
    two = write_zip(tmp_path / "two.zip", jan=f"{NEW}\n{RIDE}\n", feb=f"{NEW}\n{RIDE}\n")
    (tmp_path / "one.csv").write_text(f"ride_id,{NEW}\nx,{RIDE}\n")
    assert len(read_trips([two, tmp_path / "one.csv"])) == 3


@pytest.mark.parametrize(
    "text, message",
    [
        (
            f"ride_id,{NEW.removesuffix(',end_lng')}\n",
            r"a.zip/rides.csv: columns \['end_lng'\]",
        ),
        ("lat,lon\n1,2\n", "a.zip/rides.csv: no start time, neither started_at nor starttime"),
        (
            f"{NEW}\n{RIDE}\n{RIDE.replace('2021', '20x1')}\n",
            "rides.csv: line 3: start is '20x1",
        ),
        (f"{NEW}\n{RIDE.replace('41.19', 'north')}\n", "rides.csv: line 2: end_lat is 'north'"),
        (
            f"{NEW}\n{RIDE.replace('2021-01-01 11:00:00', '')}\n",
            "rides.csv: line 2: end is nan",
        ),
        ("", "a.zip/rides.csv: the file is empty"),
    ],
)
def test_bad_tables_are_named(tmp_path, text, message):
    """The file, and the column or the line as an editor counts it."""
    with pytest.raises(DataError, match=message):
        read_trips(write_zip(tmp_path / "a.zip", rides=text))


def test_bad_files_are_named(tmp_path):
    whole = write_zip(tmp_path / "cut.zip", rides=f"{NEW}\n{RIDE}\n").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"cut.zip: not a whole zip file"):
        read_trips(tmp_path / "cut.zip")
    with pytest.raises(DataError, match=r"gone.zip: no such file"):
        read_trips(tmp_path / "gone.zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("__MACOSX/rides.csv", "")
    with pytest.raises(DataError, match=r"none.zip.*no CSV file"):
        read_trips(tmp_path / "none.zip")
