"""Anybody's trips: every odd way of writing a table gives the same counts as the plain one."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError, block_sum
from stflow_lib.data.readers.your_trips import box_of, read_trips, trips_city
from stflow_lib.data.simulate.trips import simulate_trips
from stflow_lib.finegrained.apply.infer import factor_of

ZONE = "America/New_York"
MINE = {"start": "von", "end": "bis", "start_lat": "y1", "start_lon": "x1", "end_lat": "y2",
        "end_lon": "x2"}  # fmt: skip


@pytest.fixture(scope="module")
def rides():
    return simulate_trips(days=4, trips_a_day=200)


@pytest.fixture
def write(tmp_path):
    def written(table, name="t.csv", bom=b"", **options):
        path = tmp_path / name
        path.write_bytes(bom + table.to_csv(index=False, **options).encode())
        return path

    return written


def zoned(rides, form):
    """The same instants: wall clock of ZONE as text with an offset, or as a number."""
    utc = [pd.to_datetime(rides[c]).dt.tz_localize(ZONE) for c in ("started_at", "ended_at")]
    return rides.assign(started_at=utc[0].map(form), ended_at=utc[1].map(form))


def test_every_way_of_writing_gives_the_same_rides(rides, write, tmp_path):
    want = read_trips(write(rides))
    own = rides.drop(columns="ride_id").set_axis([*MINE.values()], axis=1)
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.write(write(rides), "folder/t.csv")
    rides.to_parquet(tmp_path / "t.parquet")
    utc = zoned(rides, lambda s: s.tz_convert("UTC").isoformat())
    iso = lambda s: s.tz_convert("UTC").strftime("%FT%TZ")
    number = lambda s: int(s.timestamp() * 1000)
    ways = {
        "bom": ({}, write(rides, "a.csv", b"\xef\xbb\xbf")),
        "semicolons, commas": ({"columns": MINE}, write(own, "b.csv", sep=";", decimal=",")),
        "tabs": ({}, write(rides, "c.csv", sep="\t")),
        "offsets": ({"zone": ZONE}, write(utc, "d.csv")),
        "Z": ({"zone": ZONE}, write(zoned(rides, iso), "e.csv")),
        "milliseconds": ({"zone": ZONE}, write(zoned(rides, number), "f.csv")),
        "zip": ({}, tmp_path / "t.zip"),
        "parquet": ({}, tmp_path / "t.parquet"),
    }  # fmt: skip
    for name, (options, path) in ways.items():
        found = read_trips(path, **options)
        pd.testing.assert_frame_equal(found, want, check_dtype=False, obj=name)


def test_slashes_are_month_first_unless_said(write, rides):
    one = rides.head(1).assign(started_at="03/04/2024 23:50", ended_at="03/04/2024 23:55")
    assert read_trips(write(one))["start"][0] == pd.Timestamp("2024-03-04 23:50")
    swapped = read_trips(write(one), month_first=False)
    assert swapped["start"][0] == pd.Timestamp("2024-04-03 23:50")


def test_what_is_dropped_is_counted_and_printed(write, rides, capsys):
    """A ride twice, one without a time, one nowhere, one of 2012, and one over midnight."""
    odd = rides.head(4).copy()
    odd["ride_id"] = [rides.ride_id[0], "undated", "nowhere", "old"]
    odd.loc[1, "started_at"] = ""
    odd.loc[2, ["start_lat", "start_lng"]] = 0
    odd.loc[3, ["started_at", "ended_at"]] = ["2012-05-06 10:00:00", "2012-05-06 10:10:00"]
    night = rides.head(1).assign(ride_id="night", started_at="2024-05-07 23:50:00",
                                 ended_at="2024-05-08 00:10:00")  # fmt: skip
    plain = trips_city(write(rides), ZONE)
    city = trips_city(write(pd.concat([rides, odd, night]), "odd.csv"), ZONE)
    counts = {"rides_read": 805, "rides_double": 1, "rides_undated": 1, "rides_astray": 1}
    assert {name: city.attrs[name] for name in counts} == counts
    assert city.attrs["pickups_nowhere"] == 1 and city.sizes["time"] == plain.sizes["time"]
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith("your-city: 805 rides read") and "1 rides astray" in line
    ends = {way: city.flow.sel(direction=way) for way in ("pickup", "dropoff")}
    late = ends["pickup"].sel(time="2024-05-07 23:00").sum() - plain.flow.sel(
        direction="pickup", time="2024-05-07 23:00").sum()  # fmt: skip
    assert late == 1


def test_counts_are_those_of_a_naive_loop(write, rides):
    city = trips_city(write(rides), ZONE, cell_m=800)
    attrs, want = city.attrs, np.zeros(city.flow.shape)
    for _, ride in rides.iterrows():
        for d, (stamp, lat, lon) in enumerate((("started_at", "start_lat", "start_lng"),
                                               ("ended_at", "end_lat", "end_lng"))):  # fmt: skip
            row = (attrs["lat_max"] - ride[lat]) / (attrs["lat_max"] - attrs["lat_min"])
            col = (ride[lon] - attrs["lon_min"]) / (attrs["lon_max"] - attrs["lon_min"])
            step = int((pd.Timestamp(ride[stamp]) - city.time.values[0]) / pd.Timedelta("1h"))
            if 0 <= row < 1 and 0 <= col < 1 and step < len(want):
                want[step, d, int(row * want.shape[2]), int(col * want.shape[3])] += 1
    assert np.abs(city.flow.values - want).sum() <= 2  # ends within a metre of a border


def test_small_cells_in_the_box_of_large_ones_refine_them(write, rides):
    """Other days, and so other ends, in the same box: what page 2 asks for, from trips alone."""
    days = pd.to_datetime(rides.started_at).dt.day
    coarse = trips_city(write(rides[days < days.max()]), ZONE, cell_m=1300)
    part = rides[days > days.min()]
    fine = trips_city(write(part), ZONE, cell_m=1300 / 4, box=box_of(coarse))
    same = trips_city(write(part), ZONE, cell_m=1300, box=box_of(coarse))
    assert factor_of(fine, coarse.flow.shape[2:]) == 4
    assert np.array_equal(block_sum(fine.flow.values, 4), same.flow.values)
    assert np.allclose(fine.lat[:4].mean(), coarse.lat[0])
    bare = coarse.copy()
    del bare.attrs["lon_min"]
    with pytest.raises(
        DataError, match="your-city: no lon_min, nobody knows where its cells lie"
    ):
        box_of(bare)


def test_a_year_with_two_changes_of_the_clocks(write, rides):
    """Nobody's year of trips ends before the clocks change."""
    days = pd.to_datetime(rides.started_at).dt.normalize()
    shift = (days - days.min()).dt.days * 10 - 62
    moved = {c: pd.to_datetime(rides[c]) + pd.to_timedelta(shift, "D")
             for c in ("started_at", "ended_at")}  # fmt: skip
    city = trips_city(write(rides.assign(**moved)), ZONE)
    assert city.attrs["zone"] == ZONE and "2024-03-10 02:00:00" in city.attrs["clock"]


def test_errors_name_the_file_and_what_to_do(write, rides, tmp_path):
    with pytest.raises(
        DataError, match=r"t.csv: started_at has an offset from UTC: name the zone"
    ):
        read_trips(write(zoned(rides, lambda s: s.isoformat())))
    with pytest.raises(DataError, match=r"t.csv: start_lat: no degrees, it begins 'north'"):
        read_trips(write(rides.assign(start_lat="north")))
    with pytest.raises(DataError, match="none of 800 rows has a readable start and end"):
        read_trips(write(rides.assign(started_at="soon")))
    with pytest.raises(DataError, match="no table is given"):
        read_trips([])
