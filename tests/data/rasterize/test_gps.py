"""GPS fixes to maps: the compiled walk against exact fractions, and real counts."""

import inspect
import math
import warnings
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import gps
from stflow_lib.data.schema import Box, block_sum

# drawn maps are small: most is left out
pytestmark = pytest.mark.filterwarnings("ignore:toy. ")

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


def touches(rows):
    """Whether fixes of (taxi, time, lat, lon, ...) reach into the rows and columns of BOX."""
    lat, lon = np.array([row[2:4] for row in rows]).T
    return lat.max() >= 0 and lat.min() < 40 and lon.max() >= 0 and lon.min() < 60


points = st.tuples(st.integers(-15, 55), st.integers(-15, 75))
gaps = st.integers(1, 240)


def test_no_fix_and_one_fix():
    """Nothing to join is no error: no step, or one empty step."""
    assert count(fixes()).shape == (0, ROWS, COLS)
    assert count(track((5, 5))).shape == (1, ROWS, COLS) and not count(track((5, 5))).any()
    time, counts = gps.pickups_dropoffs(fixes(), BOX, ROWS, COLS, 30, "UTC")
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
    zone = "America/Los_Angeles"
    time, _ = gps.entry_counts(fixes((0, int(may), 5, 5)), BOX, 1, 1, 30, zone=zone)
    assert list(time) == [pd.Timestamp("2008-05-17 03:00")] and time.dtype == "datetime64[ns]"
    march = int(pd.Timestamp("2008-03-09 09:00", tz="UTC").timestamp())
    with pytest.raises(
        DataError, match=r"Los_Angeles change in the step from 2008-03-09 01:30"
    ):
        gps.entry_counts(
            fixes((0, march, 5, 5), (0, march + 7200, 5, 5)), BOX, 1, 1, 30, zone=zone
        )


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
    assume(touches(rows))
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
        fixes((0, 0, 5, 5, 0), (0, 60, 5, 5, 1), (0, 120, 5, 5, 0)), BOX, 2, 2, 1, "UTC", **card
    )
    assert trips["direction"].values.tolist() == ["pickup", "dropoff"]
    assert trips["flow"].sum(("time", "row", "col")).values.tolist() == [1, 1]


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
        ("", "new_a.txt: empty file"),
        ("1 2 0 1\n1 2 0 1 5 6\n", "new_a.txt: .*line 2"),
        ("37.5 -122.2 0 100\n37.5 -122.2 0\n", r"new_a.txt: line 2 has 3 fields"),
        ("37.5 -122.2 0 100\n37.5 oops 0 200\n", r"new_a.txt: line 2 is not"),
        ("37.5 -122.2 2 100\n", r"new_a.txt: line 1 is not"),
        ("37.5 -122.2 0 100\n\n37.5 inf 0 200\n", r"new_a.txt: line 3 is not"),
        ("-122.2 37.5 0 100\n", r"new_a.txt: line 1 is not"),
        ("37.5 -122.2 0 100.5\n", r"new_a.txt: line 1 is not"),
        ("37.5 -122.2 0 -100\n", r"new_a.txt: line 1 is not"),
        ("37.5 -122.2 0 100 7\n37.5 -122.2 0 160 7\n", r"new_a.txt: line 1 is not"),
        ("37.5 -122.2\n", r"new_a.txt: line 1 is not"),
        ("37.5 -122.2 0 100\n37.6 -122.2 0 100\n", r"new_a.txt: times .* fix 1 of taxi 0"),
        ("37.5 -122.2 0 1213084659000\n", r"new_a.txt: time must be unix seconds"),
    ],
)
def test_bad_raw_lines_are_named(tmp_path, text, message):
    (tmp_path / "new_a.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        gps.read_fixes(tmp_path)


def test_bad_parquet_files_are_named(tmp_path):
    """Empty or cut file, missing file, column or value, empty folder: each by name."""
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and then the line broke")
    with pytest.raises(DataError, match=r"t.parquet: not readable as a table"):
        gps.read_fixes(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"gone.parquet: no such file"):
        gps.read_fixes(tmp_path / "gone.parquet")
    columns = {"taxi": [0], "time": [1], "lat": [1], "lon": [1], "occupied": [True]}
    none = {name: [] for name in columns}
    with pytest.raises(DataError, match=r"e.parquet: empty file, no rows"):
        gps.read_fixes(write_parquet(tmp_path / "e.parquet", **none))
    with pytest.raises(DataError, match=r"c.parquet: column 'occupied' is missing"):
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
    zone = "America/Los_Angeles"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        time, counts = gps.entry_counts(cabs, SF, 128, 128, 30, zone)
    assert counts.shape == (1151, 128, 128) and counts.sum() == 37_883_199
    assert time[0] == pd.Timestamp("2008-05-17 03:00") and time[-1] == pd.Timestamp(
        "2008-06-10 02:00"
    )
    coarser = gps.entry_counts(cabs, SF, 64, 64, 30, zone)[1]
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


# --- nothing assumed, nothing lost ---

GOOD = {"taxi": [1, 1], "time": [1213084659, 1213084719], "lat": [3_775_100, 3_776_100],
        "lon": [-12_239_500, -12_240_100], "occupied": [0, 1]}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("lat", [37.751, 37.761], r"fixes: lat \(degrees times 1e5\): 37.751 at index 0"),
        ("lon", [-12_239_500, np.inf], r"fixes: lon .*: inf at index 1 does not fit int32"),
        ("lat", [3_775_100, np.nan], r"fixes: lat .*: nan at index 1"),
        ("lat", [3_775_100, 2**32 + 3_776_100], r"fixes: lat .* at index 1 does not fit int32"),
        ("lat", [-(2**31), 0], "latitude must lie in -90..90"),
        ("time", [1213084659.5, 1213084719.5], r"fixes: time \(unix seconds\): 1213084659.5"),
        ("time", [1213084659 * 10**9, 1213084719 * 10**9], "time must be unix seconds"),
        ("time", [1213084659 * 10**3, 1213084719 * 10**3], "time must be unix seconds"),
        ("time", [-5, 1213084719], "time must be unix seconds"),
        ("time", np.array([0, 60], "M8[s]"), r"fixes: time .*datetime64\[s\] is no number"),
        ("taxi", [1, 2**32 + 1], r"fixes: taxi .*: 4294967297 at index 1"),
        ("occupied", np.array(["0", "1"]), r"fixes: occupied .* is no number"),
        ("occupied", [0, 2], r"fixes: occupied .*: 2.0 at index 1"),
    ],
)
def test_columns_that_would_change_are_refused(column, values, message):
    """Other units, or values that a cast cuts, wraps or reads as true."""
    with pytest.raises(DataError, match=message):
        gps.Fixes(**GOOD | {column: values})


def test_columns_of_other_types_with_the_same_values_are_taken():
    floats = {name: np.array(values, float) for name, values in GOOD.items()}
    reports = gps.Fixes(**floats)
    assert [getattr(reports, name).tolist() for name in gps.COLUMNS] == [*GOOD.values()]
    assert [getattr(reports, name).dtype for name in gps.COLUMNS] == [*gps.DTYPES]


def test_latitude_and_longitude_in_each_others_place():
    """On the globe either way: nothing of it lies in the box, and the error says where it does."""
    swapped = gps.Fixes([1, 1], [0, 60], [1_340_000, 1_341_000], [5_250_000, 5_251_000], [0, 1])
    berlin = Box(52.4, 52.6, 13.3, 13.5)
    for count_all in (gps.entry_counts, gps.pickups_dropoffs):
        with pytest.raises(DataError, match=r"none of 2 places .*latitude 13.4..13.41, long"):
            count_all(swapped, berlin, 2, 2, 30, zone="Europe/Berlin")


@pytest.mark.parametrize(
    "name", ["entry_counts", "pickups_dropoffs", "entry_flow_city", "trips_city"]
)
def test_no_function_has_a_zone_of_its_own(name):
    """Beijing's rush hour would stand at San Francisco's midnight."""
    zone = inspect.signature(getattr(gps, name)).parameters["zone"]
    assert zone.default is inspect.Parameter.empty


def test_steps_are_those_of_the_zone_that_is_named():
    morning = int(pd.Timestamp("2008-02-04 08:00", tz="Asia/Shanghai").timestamp())
    cabs = gps.Fixes(
        [1, 1], [morning, morning + 60], [3990500, 3990600], [11630500] * 2, [0, 1]
    )
    time, _ = gps.pickups_dropoffs(cabs, Box(39.9, 40, 116.3, 116.5), 2, 2, 30, "Asia/Shanghai")
    assert list(time) == [pd.Timestamp("2008-02-04 08:00")]


MIXED = [
    (0, NOON, 5, 5), (0, NOON + 60, 5, 15),  # walked
    (0, NOON + 360, 5, 25), (0, NOON + 660, 5, 35),  # two gaps of 300 s
    (0, NOON + 720, 5, 99), (0, NOON + 780, 9, 99),  # out of the box, and beside it
    (1, NOON, 5, 5), (1, NOON + 1, 25, 5),  # 80 km/h
    (2, NOON, 5, 5),
]  # fmt: skip


def test_what_is_left_out_of_fixes_is_counted():
    """Gap, place and speed each once, and who has one fix only; the city carries the numbers."""
    want = {"pairs": 6, "pairs_gap": 2, "pairs_outside": 1, "pairs_fast": 1, "taxis_single": 1}
    assert gps.entries_left_out(fixes(*MIXED), BOX, max_kmh=79) == want
    card = {"name": "toy", "source": "made up", "licence": "none"}
    with pytest.warns(
        UserWarning, match="toy: 2 of 6 pairs of fixes are walked, 3 cells entered"
    ):
        city = gps.entry_flow_city(fixes(*MIXED), BOX, ROWS, COLS, 1, "UTC", max_kmh=79, **card)
    assert {key: city.attrs[key] for key in want} == want


def test_a_map_that_lost_most_of_its_pairs_says_so():
    """Fixes 300 s apart under a rule of 180 s: an empty map is no quiet city."""
    with pytest.warns(UserWarning, match=r"toy: 0 of 2 pairs .*, 0 cells .*'pairs_gap': 2"):
        assert not count(track((5, 5), (5, 15), (5, 25), gap=300)).any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count(track((5, 5), (5, 15), (5, 25))).sum() == 2


def test_ends_of_rides_outside_the_box_are_counted():
    rows = [(0, 0, 5, 5, 0), (0, 60, 5, 5, 1), (0, 120, 5, 99, 0), (0, 180, 5, 99, 1),
            (0, 240, 5, 5, 0)]  # fmt: skip
    card = {"name": "toy", "source": "made up", "licence": "none"}
    want = {"pickups_outside": 1, "dropoffs_outside": 1}
    with pytest.warns(UserWarning, match="toy: 2 pick-ups and drop-offs in the box"):
        city = gps.trips_city(fixes(*rows), BOX, 2, 2, 1, "UTC", **card)
    assert {key: city.attrs[key] for key in want} == want and city.flow.sum() == 2


@pytest.mark.parametrize(
    "rules", [{"max_gap_s": 0}, {"max_gap_s": math.nan}, {"max_kmh": math.nan}]
)
def test_rules_that_leave_everything_out_or_in_are_refused(rules):
    """A comparison with NaN is false: no segment would be too fast."""
    with pytest.raises(DataError, match="both must be positive"):
        count(track((5, 5), (5, 15)), **rules)


def test_a_stray_fix_is_named_and_not_blamed_on_the_clocks():
    """A zero stamp makes 38 years of empty hours, with 77 changes of the clocks between."""
    reports = fixes((3, 0, 5, 5), (3, 1213084659, 5, 5), (3, 1213084719, 5, 15))
    for zone in ("UTC", "America/Los_Angeles"):
        with pytest.raises(DataError, match=r"toy: a stray fix, .*: fix 0 of taxi 3, time 0"):
            gps.entry_counts(reports, BOX, ROWS, COLS, 30, zone)


def test_a_whole_step_may_be_a_float():
    reports = fixes((0, NOON, 5, 5, 0), (0, NOON + 60, 5, 15, 1))
    for count_all in (gps.entry_counts, gps.pickups_dropoffs):
        _, counts = count_all(reports, BOX, ROWS, COLS, 1.0, zone="UTC")
        assert counts.sum() == 1
