"""Segments walked through cells: the compiled loops against exact fractions."""

import math
import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stflow_lib.data.rasterize import gps, segments
from stflow_lib.data.schema import Box
from tests.data.rasterize.drawn import (
    BOX,
    COLS,
    NOON,
    ROWS,
    SF,
    cell,
    count,
    fixes,
    gaps,
    points,
    track,
)

# drawn maps are small: most is left out
pytestmark = pytest.mark.filterwarnings("ignore:toy. ")


def borders(low, high, origin, size):
    """Exact coordinates of the borders k * size + origin met between two coordinates."""
    first, last = math.ceil((low - origin) / size), math.floor((high - origin) / size)
    return [k * size + origin for k in range(first, last + 1)]


def crossings(start, end, rows, cols, box):
    """(fraction of the way, cell entered) along a segment, by looking between all borders."""
    south, north, west, east = (round(edge * 1e5) for edge in box.attrs().values())
    sizes = Fraction(north - south, rows), Fraction(east - west, cols)
    parts = {Fraction(0), Fraction(1)}
    for a, b, origin, size in zip(start, end, (south, west), sizes, strict=True):
        if a != b:
            met = borders(min(a, b), max(a, b), origin, size)
            parts |= {Fraction(border - a, b - a) for border in met}
    parts = sorted(parts)
    looks = [(Fraction(0), Fraction(0))]
    looks += [(low, (low + high) / 2) for low, high in pairwise(parts)]
    looks += [(Fraction(1), Fraction(1))]
    before, found = None, []
    for when, where in looks:
        now = cell(
            *(a + where * (b - a) for a, b in zip(start, end, strict=True)), rows, cols, box
        )
        if before is not None and now != before:
            found.append((when, now))
        before = now
    return found


def haversine(start, end):
    """Metres between two points in 1e-5 degrees."""
    (a, b), (c, d) = np.deg2rad(np.array([start, end]) / 1e5)
    chord = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * 6_371_008.8 * np.arcsin(np.sqrt(chord))


def count_naive(reports, box=BOX, rows=ROWS, cols=COLS, step=1, max_gap_s=180, max_kmh=130.0):
    """`entry_counts` fix by fix in exact fractions."""
    first = reports.time.min() // (60 * step) * (60 * step)
    counts = np.zeros(((reports.time.max() - first) // (60 * step) + 1, rows, cols), int)
    table = list(zip(*(getattr(reports, name).tolist() for name in gps.COLUMNS), strict=True))
    for (taxi, t0, *p, _), (other, t1, *q, _) in pairwise(table):
        speed = haversine(p, q) / (t1 - t0) * 3.6 if taxi == other else np.inf
        if taxi != other or t1 - t0 > max_gap_s or speed >= max_kmh:
            continue
        for part, (row, col) in crossings(p, q, rows, cols, box):
            if 0 <= row < rows and 0 <= col < cols:
                when = t0 + part * (t1 - t0)
                counts[math.floor((when - first) / (60 * step)), rows - 1 - row, col] += 1
    return counts


legs = st.lists(st.tuples(st.integers(0, 1), gaps, points), min_size=1, max_size=12)


def drive(legs):
    """Fixes of two taxis from (taxi, seconds since the last fix, point) legs."""
    rows, clock = [], {}
    for taxi, gap, point in sorted(legs, key=lambda leg: leg[0]):
        clock[taxi] = clock.get(taxi, NOON) + gap
        rows.append((taxi, clock[taxi], *point))
    return fixes(*rows)


@given(legs, st.integers(1, 5), st.integers(1, 7), st.sampled_from([1, 2, 30]),
       st.integers(20, 200), st.sampled_from([0.7, 3.0, 130.0]))  # fmt: skip
@settings(max_examples=300)
def test_the_walk_equals_exact_fractions(legs, rows, cols, step, max_gap_s, max_kmh):
    """Any rounding, lost corner, slipped border or wrong step shows here."""
    rules = {
        "rows": rows,
        "cols": cols,
        "step": step,
        "max_gap_s": max_gap_s,
        "max_kmh": max_kmh,
    }
    reports = drive(legs)
    assume(reports.lat.max() >= 0 and reports.lat.min() < 40)  # else see test_gps_refused.py
    assume(reports.lon.max() >= 0 and reports.lon.min() < 60)
    np.testing.assert_array_equal(count(reports, **rules), count_naive(reports, **rules))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_the_walk_equals_exact_fractions_at_full_size(seed):
    """San Francisco's box: 81.25 units a cell: no whole borders, and products beyond int32."""
    random = np.random.default_rng(seed)
    lat, lon = (
        3_776_000 + random.integers(-6500, 6500, 12),
        -12_245_000 + random.integers(-8000, 8000, 12),
    )
    reports = fixes(*zip([0] * 12, 1_211_033_530 + 170 * np.arange(12), lat, lon, strict=True))
    rules = {"box": SF, "rows": 128, "cols": 128, "step": 1, "max_kmh": 400.0}
    np.testing.assert_array_equal(count(reports, **rules), count_naive(reports, **rules))


@given(st.lists(points, min_size=2, max_size=8))
def test_a_track_driven_backwards_enters_as_often(path):
    """Reversal symmetry: the same borders are crossed; only the ends' cells differ."""
    wide = {"box": Box(-0.001, 0.001, -0.001, 0.001), "rows": 20, "cols": 20, "max_gap_s": 60}
    there, back = (count(track(*way), **wide).sum(0) for way in (path, path[::-1]))
    assert there.sum() == back.sum()
    first, last = (cell(*path[at], 20, 20, wide["box"]) for at in (0, -1))
    difference = np.zeros((20, 20), int)
    difference[19 - last[0], last[1]] += 1
    difference[19 - first[0], first[1]] -= 1
    np.testing.assert_array_equal(there - back, difference)


@given(points, points)
def test_entries_and_corners_make_up_the_walk_in_blocks(start, end):
    """Conservation: each border is crossed once, two of them at once in a corner."""
    wide = Box(-0.001, 0.001, -0.001, 0.001)
    entered = count(track(start, end), wide, 20, 20).sum()
    a, b = np.array(cell(*start, 20, 20, wide)), np.array(cell(*end, 20, 20, wide))
    cells = [tuple(a), *(now for _, now in crossings(start, end, 20, 20, wide))]
    pairs = pairwise(cells)
    corners = sum(p[0] != q[0] and p[1] != q[1] for p, q in pairs)
    assert entered == np.abs(b - a).sum() - corners == len(cells) - 1


@pytest.mark.parametrize(
    "path, entered",
    [
        ([(5, 5), (5, 25)], [(3, 1), (3, 2)]),  # east: row 3 is the south
        ([(5, 5), (25, 5)], [(2, 0), (1, 0)]),  # north: rows fall
        ([(5, 5), (15, 15)], [(2, 1)]),  # through a corner: one entry, diagonal
        ([(15, 15), (5, 5)], [(3, 0)]),  # and back
        ([(15, 5), (5, 15)], [(3, 1)]),  # through the corner the other way
        ([(5, 5), (10, 5)], [(2, 0)]),  # a fix on a border is in the cell north of it
        ([(10, 5), (5, 5)], [(3, 0)]),  # so it leaves that cell southward at once
        ([(10, 5), (10, 15)], [(2, 1)]),  # along a border
        ([(5, 10), (5, 5), (5, 10)], [(3, 0), (3, 1)]),
        ([(5, -5), (5, 5)], [(3, 0)]),  # into the box
        ([(5, 5), (5, -5)], []),  # out of it: no cell entered
        ([(-5, 5), (-5, 55), (5, 65)], []),  # outside all along
        ([(-5, 5), (5, -5)], []),  # past the south-west corner: its point is an instant only
        ([(-5, 25), (45, 25)], [(3, 2), (2, 2), (1, 2), (0, 2)]),  # across
        ([(39, 5), (40, 5)], []),  # the northern edge is outside
        ([(5, 5), (5, 5)], []),  # standing
    ],
)
def test_known_walks(path, entered):
    """The rules of the docstring, one by one."""
    got = [tuple(map(int, at)) for at in np.argwhere(count(track(*path)).sum(0))]
    assert sorted(got) == sorted(entered)


def test_a_crossing_belongs_to_the_step_in_which_it_happens():
    """From 12:00:30 to 12:01:30 through three borders at 12:00:50, 12:01:00 and 12:01:10."""
    reports = fixes((0, NOON + 30, 5, 5), (0, NOON + 90, 5, 35))
    counts = count(reports)
    assert [tuple(map(int, at)) for at in np.argwhere(counts)] == [
        (0, 3, 1),
        (1, 3, 2),
        (1, 3, 3),
    ]


def test_the_last_crossing_at_the_end_of_a_step_has_a_step_to_go_to():
    """A border reached at 12:01:00 sharp, by the last fix of all: step 1 counts it."""
    counts = count(fixes((0, NOON, 5, 5), (0, NOON + 60, 5, 10)))
    assert counts.shape[0] == 2 and counts[1, 3, 1] == 1


def test_gap_and_speed_rules():
    """At most 180 s (inclusive), under 130 km/h (exclusive), never from taxi to taxi."""
    far = round(65 / 3.6 * 60 / 1.11195)  # 1e-5 degrees north at 65 km/h for a minute
    tall = {"box": Box(0.0, 0.02, 0.0, 0.02), "rows": 2, "cols": 2}
    assert count(track((5, 5), (5, 15), gap=180)).sum() == 1
    assert count(track((5, 5), (5, 15), gap=181)).sum() == 0
    assert count(track((500, 5), (500 + far, 5)), **tall, max_kmh=66).sum() == 1
    assert count(track((500, 5), (500 + far, 5)), **tall, max_kmh=64).sum() == 0
    assert count(fixes((0, NOON, 5, 5), (1, NOON + 60, 5, 15))).sum() == 0


def columns(*rows):
    return [np.array(column, np.int64) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [([(0, 5, 0, 0), (0, 6, 0, 0), (1, 1, 9_000_000, -18_000_000)], (-1, 0)),
     ([(1, 5, 0, 0), (0, 6, 0, 0)], (1, 1)), ([(0, 5, 0, 0), (0, 5, 0, 0)], (1, 2)),
     ([(0, 5, -9_000_001, 0)], (0, 3)), ([(0, 5, 0, 0), (0, 6, 0, 18_000_001)], (1, 4)),
     ([(0, -1, 0, 0)], (0, 5)), ([(0, 5, 0, 0), (0, 4_102_444_800, 0, 0)], (1, 5))],
)  # fmt: skip
def test_the_first_fault_and_its_rule(rows, fault):
    """The index picks the sentence of the error: one off, and a latitude is called a time."""
    assert segments.first_fault(*columns(*rows)) == fault
    assert len(segments.RULES) == 6


@pytest.mark.parametrize(("lat", "kmh"), [(0, 111.195), (6_000_000, 111.195 / 2)])
def test_speeds_of_known_lines(lat, kmh):
    """A degree north is 111.195 km everywhere; a degree east half of it at 60 degrees."""

    def fast(end, limit):
        return segments.too_fast(lat, 0, *end, 3600, limit)

    assert fast((lat + 100_000, 0), 111.194) and not fast((lat + 100_000, 0), 111.196)
    assert fast((lat, 100_000), kmh - 0.001) and not fast((lat, 100_000), kmh + 0.001)


def test_a_walk_says_how_many_cells_it_has_entered():
    """Four borders, two of them at once in a corner: the total that is reported
    is the map's."""
    counts = np.zeros((2, 3, 4), np.int32)
    entered = segments.walk(5, 5, 35, 15, 10, 10, 0, 60, 60, counts)
    assert entered == counts.sum() == 3 and counts[1].sum() == 0


FATES = [  # from, to, seconds, what becomes of the pair in a box of 40 x 60 units
    ((5, 5), (5, 15), 180, "walked"), ((5, 5), (5, 15), 181, "gap"),
    ((-1, 5), (-5, 5), 60, "outside"), ((5, -1), (5, -5), 60, "outside"),
    ((40, 5), (45, 5), 60, "outside"), ((5, 60), (5, 65), 60, "outside"),
    ((-5, 5), (45, 5), 60, "walked"), ((5, 5), (25, 5), 1, "walked"), ((5, 5), (39, 5), 1, "fast"),
]  # fmt: skip


@pytest.mark.parametrize(("start", "end", "gap_s", "name"), FATES)
def test_the_fate_of_a_pair(start, end, gap_s, name):
    """What is counted as left out is what the walk leaves out, by the same function."""
    got = segments.fate(*start, *end, gap_s, (0, 0, 40, 60), 180, 130.0)
    assert segments.FATES[got] == name


def test_a_tally_counts_pairs_of_one_taxi_only():
    rows = [(0, 0, 5, 5), (0, 60, 5, 15), (1, 60, 5, 5), (1, 300, 5, 15), (1, 301, 39, 5)]
    tally = segments.tally(*columns(*rows), (0, 0, 40, 60), 180, 130.0)
    assert dict(zip(segments.FATES, tally.tolist(), strict=True)) == {
        "walked": 1, "gap": 1, "outside": 0, "fast": 1
    }  # fmt: skip


def test_without_a_place_for_a_cache_the_loops_are_compiled_all_the_same(root):
    """Package and home read-only: numba has no locator left, as here."""
    code = "from stflow_lib.data.rasterize import segments; "
    code += "print(segments.too_fast(0, 0, 9, 0, 1, 1))"
    env = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=root, capture_output=True, text=True
    )
    assert done.stdout.strip() == "True", done.stderr
