"""San Francisco's taxis from a handful of fixes: maps, their cache, raw files
and compact ones."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import gps
from stflow_lib.data.readers import taxi

MAY = 1_211_033_530  # 2008-05-17 14:12:10 UTC, 07:12:10 in San Francisco
ROWS = [  # taxi, seconds, lat, lon, occupied: one rides north and then east, one stands
    (0, 0, 3_772_000, -12_250_000, False), (0, 60, 3_772_900, -12_250_000, True),
    (0, 120, 3_772_900, -12_249_000, True), (0, 1900, 3_772_900, -12_249_000, False),
    (1, 30, 3_779_000, -12_240_000, False), (1, 90, 3_779_000, -12_240_000, False),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with the compact table, and a cache of its own."""
    monkeypatch.setenv("STFLOW_CACHE", str(tmp_path / "cache"))
    (tmp_path / "taxi-sf").mkdir()
    table = pd.DataFrame(ROWS, columns=list(gps.COLUMNS))
    table["time"] += MAY
    table.to_parquet(tmp_path / taxi.SF_GPS)
    return tmp_path


def test_entries_are_those_of_the_walk(folder):
    """A box or a rule of another module would give another map of the same name."""
    city = taxi.read_taxi_entries(folder, cells=64, step_minutes=30)
    fixes = gps.read_fixes(folder / taxi.SF_GPS)
    time, counts = gps.entry_counts(fixes, taxi.SF_BOX, 64, 64, 30, zone="America/Los_Angeles")
    assert (city.flow.values[:, 0] == counts).all() and counts.sum() > 5
    assert (city.time.values == time).all() and str(time[0]) == "2008-05-17 07:00:00"
    assert city.attrs["max_gap_s"] == 180 and city.attrs["max_kmh"] == 130
    assert city.attrs["cell_m"] == pytest.approx(181, abs=0.5)
    assert city.attrs["lat_min"] == taxi.SF_BOX.lat_min
    want = {"pairs": 4, "pairs_gap": 1, "pairs_outside": 0, "pairs_fast": 0, "taxis_single": 0}
    assert {key: city.attrs[key] for key in want} == want


def test_trips_are_the_changes_of_the_flag(folder):
    """One ride: in after a minute, out in the next half-hour, both in the same cell's row."""
    city = taxi.read_taxi_trips(folder, cells=8, step_minutes=30)
    assert city.flow.sum(("row", "col")).values.tolist() == [[1, 0], [0, 1]]
    assert city.direction.values.tolist() == ["pickup", "dropoff"]
    assert city.attrs["pickups_outside"] == city.attrs["dropoffs_outside"] == 0


@pytest.mark.filterwarnings("ignore:gps.parquet. 3 of 4")  # no cell of four is left
def test_a_second_reading_counts_nothing_and_other_cells_count_anew(folder, monkeypatch):
    """Eleven million fixes take a minute to walk; an old map for new cells would be wrong."""
    first = taxi.read_taxi_entries(folder, cells=8, step_minutes=30)
    calls, walk = [], gps.entry_counts

    def counted(*args, **rules):
        calls.append(rules["rows"])
        return walk(*args, **rules)

    counted.__name__ = walk.__name__
    monkeypatch.setattr(gps, "entry_counts", counted)
    assert taxi.read_taxi_entries(folder, cells=8, step_minutes=30).equals(first)
    taxi.read_taxi_entries(folder, cells=4, step_minutes=30)
    assert calls == [4]


def test_raw_files_give_the_compact_tables_map(folder, monkeypatch):
    """Who downloads the raw files must get the same city as who has the compact table."""
    compact = taxi.read_taxi_entries(folder, cells=16, step_minutes=30)
    (folder / taxi.SF_GPS).unlink()
    paths = ["taxi-sf/raw/new_a.txt", "taxi-sf/raw/new_b.txt"]
    (folder / "taxi-sf" / "raw").mkdir()
    for number, path in enumerate(paths):
        lines = [f"{lat / 1e5:.5f} {lon / 1e5:.5f} {int(busy)} {MAY + time}"
                 for who, time, lat, lon, busy in ROWS if who == number]  # fmt: skip
        (folder / path).write_text("\n".join(lines[::-1]) + "\n")
    files = tuple(SimpleNamespace(into=path) for path in paths)
    monkeypatch.setattr(taxi, "manifest", lambda name: files)
    raw = taxi.read_taxi_entries(folder, cells=16, step_minutes=30)
    np.testing.assert_array_equal(raw.flow, compact.flow)
    assert raw.equals(compact) and raw.attrs == compact.attrs
    (folder / "taxi-sf" / "raw" / "new_c.txt").write_text("37.72 -122.5 0 1211033530\n")
    with pytest.raises(DataError, match=r"raw: new_c.txt is not in the list"):
        taxi.read_taxi_entries(folder, cells=8, step_minutes=30)
