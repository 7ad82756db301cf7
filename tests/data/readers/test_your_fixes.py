"""Anybody's fixes: the same instants in any form, and what is dropped is counted."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.rasterize.gps import Fixes, read_fixes
from stflow_lib.data.readers.your_fixes import Dropped

NAMES = {"taxi": "cab", "time": "when", "lat": "y", "lon": "x", "occupied": "busy"}
FIRST = pd.Timestamp("2024-05-06 12:00", tz="Europe/Berlin")


@pytest.fixture
def table():
    """Two cabs, out of order; seconds 0, 60, 120 of each."""
    seconds = [120, 0, 60, 0, 60, 120]
    return pd.DataFrame({
        "cab": ["b", "b", "b", "a", "a", "a"],
        "when": [int(FIRST.timestamp()) + s for s in seconds],
        "y": 52.5 + np.arange(6) / 1000, "x": 13.4, "busy": [1, 0, 0, 0, 1, 1],
    })  # fmt: skip


def test_sorted_by_cab_and_time_in_their_units(table):
    fixes = Fixes.from_frame(table, **NAMES)
    assert fixes.taxi.tolist() == [0, 0, 0, 1, 1, 1]
    assert (fixes.time - int(FIRST.timestamp())).tolist() == [0, 60, 120] * 2
    assert fixes.lat.tolist() == [5250300, 5250400, 5250500, 5250100, 5250200, 5250000]
    assert fixes.occupied.tolist() == [False, True, True, False, False, True]
    assert fixes.dropped == Dropped(6, 0, 0, 0)


def test_any_form_of_the_same_instants(table):
    want = Fixes.from_frame(table, **NAMES).time
    stamps = pd.to_datetime(table.when, unit="s", utc=True).dt.tz_convert("Europe/Berlin")
    forms = {
        "offset": stamps.map(lambda s: s.isoformat()), "milliseconds": table.when * 1000,
        "wall clock": stamps.dt.strftime("%Y-%m-%d %H:%M:%S"), "text": table.when.astype(str),
        "aware": stamps, "naive": stamps.dt.tz_localize(None),
    }  # fmt: skip
    for name, when in forms.items():
        found = Fixes.from_frame(table.assign(when=when), **NAMES, zone="Europe/Berlin")
        assert found.time.tolist() == want.tolist(), name


def test_rows_that_are_no_fixes_are_counted_and_printed(table, capsys):
    odd = table.astype({"when": object})
    odd.loc[0, "y"], odd.loc[1, "when"], odd.loc[4, "when"] = 95.0, "soon", table.when[3]
    fixes = Fixes.from_frame(odd, **NAMES)
    assert fixes.dropped == Dropped(6, 1, 1, 1) and len(fixes) == 3
    assert (
        "3 of 6 rows kept; left out: 1 nowhere, 1 undated, 1 double" in capsys.readouterr().out
    )


def test_without_passengers_columns_or_a_zone(table):
    names = {**NAMES, "occupied": None}
    assert not Fixes.from_frame(table, **names).occupied.any()
    with pytest.raises(DataError, match=r"no columns \['cabb'\], there are \['cab'"):
        Fixes.from_frame(table, **{**NAMES, "taxi": "cabb"})
    with pytest.raises(DataError, match="when has no offset from UTC: name the zone"):
        Fixes.from_frame(table.assign(when="2024-05-06 10:00"), **NAMES)


def test_real_fixes_from_a_table_are_those_of_their_file(real_data, tmp_path):
    """Cabspotting as a person's CSV with names of its own: the same entries into cells."""
    raw = sorted((real_data / "taxi-sf" / "raw-sample").rglob("*.txt"))[:2]
    tables = [
        pd.read_csv(path, sep=" ", names=["y", "x", "busy", "when"]).assign(cab=path.name)
        for path in raw
    ]
    (tmp_path / "raw").mkdir()
    for path in raw:
        (tmp_path / "raw" / path.name).write_bytes(path.read_bytes())
    want = read_fixes(tmp_path / "raw")
    found = Fixes.from_frame(pd.concat(tables), **NAMES)
    assert len(found) == len(want) > 10_000 and found.dropped.double == 0
    for name in ("taxi", "time", "lat", "lon", "occupied"):
        assert np.array_equal(getattr(found, name), getattr(want, name)), name
