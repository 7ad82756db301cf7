"""GPS fixes to maps: the compiled walk against exact fractions, and real counts."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import gps
from stflow_lib.data.schema import Box, block_sum

BOX = Box(0.0, 0.00040, 0.0, 0.00060)  # 4 x 6 cells of 10 units of 1e-5 degrees
ROWS, COLS = 4, 6
NOON = 43200  # 1970-01-01 12:00:00 UTC
SF = Box(37.708, 37.812, -122.515, -122.383)


def fixes(*rows):
    """Fixes from (taxi, time, lat, lon) or (..., occupied) tuples in units of 1e-5 degrees."""
    rows = [row if len(row) == 5 else (*row, False) for row in rows]
    return gps.Fixes(*np.array(rows, np.int64).reshape(-1, 5).T, source="toy")


def track(*points, gap=60):
    """One taxi through (lat, lon) points, `gap` seconds apart from noon on."""
    return fixes(*((7, NOON + gap * i, *point) for i, point in enumerate(points)))


def count(reports, box=BOX, rows=ROWS, cols=COLS, step=1, **rules):
    return gps.entry_counts(reports, box, rows, cols, step, zone="UTC", **rules)[1]


def cell(lat, lon, rows, cols, box):
    """(row from the south, col) of a point given in exact 1e-5 degrees."""
    south, north, west, east = (round(edge * 1e5) for edge in box.attrs().values())
    return (math.floor((lat - south) * rows / Fraction(north - south)),
            math.floor((lon - west) * cols / Fraction(east - west)))  # fmt: skip


points = st.tuples(st.integers(-15, 55), st.integers(-15, 75))
gaps = st.integers(1, 240)


def test_no_fix_and_one_fix():
    """Nothing to join is no error: no step, or one empty step."""
    assert count(fixes()).shape == (0, ROWS, COLS)
    assert count(track((5, 5))).shape == (1, ROWS, COLS) and not count(track((5, 5))).any()
    time, counts = gps.pickups_dropoffs(fixes(), BOX, ROWS, COLS, 30)
    assert len(time) == 0 and counts.shape == (0, 2, ROWS, COLS)


@pytest.mark.parametrize(
    "rows, message",
    [
        (
            [(3, 9, 1, 1), (3, 8, 1, 1)],
            r"toy: times .* rise strictly, broken at fix 1 of taxi 3",
        ),
        (
            [(3, 9, 1, 1), (3, 9, 1, 1)],
            r"toy: times .* rise strictly, broken at fix 1 of taxi 3",
        ),
        ([(3, 9, 1, 1), (2, 9, 1, 1)], r"toy: taxi numbers must not fall, .* fix 1 of taxi 2"),
        ([(3, 9, 9_000_001, 1)], r"latitude must .* fix 0 of taxi 3: time 9, lat 90\.00001"),
        (
            [(3, 9, 1, 1), (3, 10, 1, -18_000_001)],
            r"longitude must .* fix 1 of taxi 3: .*-180\.0",
        ),
    ],
)
def test_bad_fixes_are_named(rows, message):
    """Unsorted or impossible fixes must not become wrong maps in silence."""
    with pytest.raises(DataError, match=message):
        fixes(*rows)


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(DataError, match=r"fixes: lat has shape \(1,\), taxi has 2 fixes"):
        gps.Fixes([0, 0], [1, 2], [1], [1, 1], [0, 0])


@pytest.mark.parametrize("change", [(0, 4), (4, 0)])
def test_an_empty_grid_is_refused(change):
    with pytest.raises(DataError, match="cells is empty"):
        count(track((5, 5)), rows=change[0], cols=change[1])


def test_fixes_all_over_the_world_are_refused_where_the_walk_would_overflow():
    with pytest.raises(DataError, match="toy: fixes spread too wide for 2000 x 2000 cells"):
        count(fixes((0, NOON, -8_000_000, -17_000_000), (0, NOON + 9, 8_000_000, 17_000_000)),
              rows=2000, cols=2000)  # fmt: skip


def test_time_is_local_and_a_daylight_saving_hour_is_refused():
    """10:00 UTC in May is 03:00 in San Francisco; its clocks jump on 2008-03-09 at 02:00."""
    may = pd.Timestamp("2008-05-17 10:25", tz="UTC").timestamp()
    time, _ = gps.entry_counts(fixes((0, int(may), 5, 5)), BOX, 1, 1, 30)
    assert list(time) == [pd.Timestamp("2008-05-17 03:00")] and time.dtype == "datetime64[ns]"
    march = int(pd.Timestamp("2008-03-09 09:00", tz="UTC").timestamp())
    with pytest.raises(
        DataError, match=r"Los_Angeles change in the step from 2008-03-09 01:30"
    ):
        gps.entry_counts(fixes((0, march, 5, 5), (0, march + 7200, 5, 5)), BOX, 1, 1, 30)


rides = st.lists(
    st.tuples(st.integers(0, 1), gaps, points, st.booleans()), min_size=1, max_size=20
)


@given(rides)
def test_pickups_and_dropoffs_equal_a_plain_loop(rides):
    """Both flags of one taxi only, at the later fix: the loop says it in words."""
    clock, rows, want = {}, [], {}
    for taxi, gap, (lat, lon), busy in sorted(rides, key=lambda ride: ride[0]):
        clock[taxi] = clock.get(taxi, NOON) + gap
        rows.append((taxi, clock[taxi], lat, lon, busy))
    first = min(row[1] for row in rows) // 60
    for (taxi, _, _, _, was), (other, time, lat, lon, now) in pairwise(rows):
        row, col = cell(lat, lon, ROWS, COLS, BOX)
        if taxi == other and was != now and 0 <= row < ROWS and 0 <= col < COLS:
            at = time // 60 - first, int(was), ROWS - 1 - row, col
            want[at] = want.get(at, 0) + 1
    counts = gps.pickups_dropoffs(fixes(*rows), BOX, ROWS, COLS, 1, zone="UTC")[1]
    assert {tuple(map(int, at)): counts[tuple(at)] for at in np.argwhere(counts)} == want


def test_cities_keep_the_contract():
    """Row 0 north, local time, rules and box in the attributes; the hash is sealed in."""
    card = {"name": "toy", "source": "made up", "licence": "none"}
    city = gps.entry_flow_city(track((5, 5), (35, 5)), BOX, ROWS, COLS, 1, zone="UTC", **card)
    assert city["flow"].dims == ("time", "direction", "row", "col")
    assert city["flow"].isel(direction=0).sum("time").values[:, 0].tolist() == [1, 1, 1, 0]
    assert city.attrs["max_gap_s"] == 180 and city.attrs["lat_max"] == 0.0004
    assert city.attrs["cell_m"] == pytest.approx(11.1, abs=0.05)
    trips = gps.trips_city(
        fixes((0, 0, 5, 5, 0), (0, 60, 5, 5, 1)), BOX, 2, 2, 1, "UTC", **card
    )
    assert trips["direction"].values.tolist() == ["pickup", "dropoff"]
    assert trips["flow"].sum(("time", "row", "col")).values.tolist() == [1, 0]


# --- reading ---


def write_parquet(path, **columns):
    pd.DataFrame(columns).to_parquet(path)
    return path


def test_raw_text_and_parquet_read_alike(tmp_path):
    """The public raw files run newest first; mirrors keep some oldest first."""
    (tmp_path / "new_b.txt").write_text("37.5 -122.25 1 200\n37.75153 -122.39447 0 100\n")
    (tmp_path / "new_a.txt").write_text("37.75153 -122.39447 0 100\n37.5 -122.25 1 200\n")
    raw = gps.read_fixes(tmp_path)
    path = write_parquet(tmp_path / "x.parquet", taxi=[0, 0, 1, 1], time=[100, 200] * 2,
                         lat=[3775153, 3750000] * 2, lon=[-12239447, -12225000] * 2,
                         occupied=[False, True] * 2)  # fmt: skip
    for name in gps.COLUMNS:
        np.testing.assert_array_equal(getattr(raw, name), getattr(gps.read_fixes(path), name))


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "new_a.txt: no fixes, the file is empty"),
        ("1 2 0 1\n1 2 0 1 5 6\n", "new_a.txt: .*line 2"),
        ("37.5 -122.2 0 100\n37.5 -122.2 0\n", r"new_a.txt: line 2 is not"),
        ("37.5 -122.2 0 100\n37.5 oops 0 200\n", r"new_a.txt: line 2 is not"),
        ("37.5 -122.2 2 100\n", r"new_a.txt: line 1 is not"),
    ],
)
def test_bad_raw_lines_are_named(tmp_path, text, message):
    (tmp_path / "new_a.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        gps.read_fixes(tmp_path)


def test_bad_parquet_files_are_named(tmp_path):
    """Empty or cut file, missing file, column or value, empty folder: each by name."""
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and then the line broke")
    with pytest.raises(DataError, match=r"t.parquet: not a whole parquet file"):
        gps.read_fixes(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"gone.parquet: no such file"):
        gps.read_fixes(tmp_path / "gone.parquet")
    columns = {"taxi": [0], "time": [1], "lat": [1], "lon": [1], "occupied": [True]}
    none = {name: [] for name in columns}
    with pytest.raises(DataError, match=r"e.parquet: no fixes"):
        gps.read_fixes(write_parquet(tmp_path / "e.parquet", **none))
    with pytest.raises(DataError, match=r"c.parquet: columns \['occupied'\] are missing"):
        gps.read_fixes(
            write_parquet(tmp_path / "c.parquet", taxi=[0], time=[1], lat=[1], lon=[1])
        )
    with pytest.raises(DataError, match=r"n.parquet: missing values in columns \['lat'\]"):
        gps.read_fixes(write_parquet(tmp_path / "n.parquet", **columns | {"lat": [None]}))
    with pytest.raises(DataError, match=r"no file new_\*.txt in the folder"):
        gps.read_fixes(tmp_path)


# --- the real set ---


@pytest.fixture(scope="module")
def cabs(real_data):
    path = real_data / "taxi-sf" / "gps.parquet"
    if not path.exists():
        pytest.skip("real data: taxi-sf is not in the folder")
    return gps.read_fixes(path)


def test_counts_of_the_real_set(cabs):
    """Known sizes; the two entry totals pin the rules (any change of rule moves them)."""
    assert len(cabs) == 11_220_058
    assert [len(at) for at in gps.changes(cabs)] == [463_905, 463_865]
    time, counts = gps.entry_counts(cabs, SF, 128, 128, 30)
    assert counts.shape == (1151, 128, 128) and counts.sum() == 37_883_199
    assert time[0] == pd.Timestamp("2008-05-17 03:00") and time[-1] == pd.Timestamp(
        "2008-06-10 02:00"
    )
    coarser = gps.entry_counts(cabs, SF, 64, 64, 30)[1]
    assert coarser.sum() == 18_953_108
    assert (coarser <= block_sum(counts, 2)).all()  # whoever enters a block enters a cell of it


def test_raw_sample_holds_the_same_fixes(cabs, real_data):
    """Three raw files against the compact table: no column is lost or shifted."""
    folder = real_data / "taxi-sf" / "raw-sample"
    manifest = (real_data / "manifests" / "taxi-sf.tsv").read_text().split()
    names = sorted(word for word in manifest if word.startswith("new_"))
    raw = gps.read_fixes(folder)
    for number, file in enumerate(sorted(folder.glob("new_*.txt"))):
        mine, theirs = raw.taxi == number, cabs.taxi == names.index(file.name)
        for column in gps.COLUMNS[1:]:
            ours, compact = getattr(raw, column)[mine], getattr(cabs, column)[theirs]
            np.testing.assert_array_equal(ours, compact, err_msg=f"{file.name} {column}")


def test_chosen_fixes_keep_their_columns_together_and_their_source():
    """A mask on four of five columns would move the flag to other places."""
    reports = fixes((0, 5, 1, 2, 1), (0, 6, 3, 4, 0), (1, 7, 5, 6, 1))
    some = reports.where(np.array([True, False, True]))
    assert [getattr(some, name).tolist() for name in gps.COLUMNS] == [
        [0, 1], [5, 7], [1, 5], [2, 6], [True, True]
    ]  # fmt: skip
    assert some.source == "toy" and len(reports.where(reports.taxi == 9)) == 0
