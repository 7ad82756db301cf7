"""Fixes from raw text and parquet: alike from both, bad ones named, and the real ones counted."""

import warnings

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import gps
from stflow_lib.data.schema import block_sum
from tests.data.rasterize.drawn import SF


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
