"""Fixes that would become wrong maps are refused by name, and what is left out is counted."""

import math
import warnings

import numpy as np
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import gps
from stflow_lib.data.schema import Box
from tests.data.rasterize.drawn import BOX, COLS, NOON, ROWS, count, fixes, track

# drawn maps are small: most is left out
pytestmark = pytest.mark.filterwarnings("ignore:toy. ")


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
