"""Processes derive the same arrays at once, and some are killed; files of the cache are damaged."""

import random
import time

import numpy as np
import pytest

from stflow_lib.data.files.cache import cached

COUNTS = np.arange(2**17).reshape(256, 512)


@pytest.fixture
def derive(tmp_path, monkeypatch):
    """derive() -> the counts, through a cache of its own."""
    monkeypatch.setenv("STFLOW_CACHE", str(tmp_path / "cache"))
    (tmp_path / "gps").write_bytes(b"fixes")

    def build():
        time.sleep(0.01)
        return {"counts": COUNTS, "time": np.arange(256)}

    def counts(*_):
        found = cached([tmp_path / "gps"], {"step": 5}, build)["counts"]
        assert np.array_equal(found, COUNTS) and found.dtype == COUNTS.dtype

    return counts


@pytest.mark.parametrize("seed", range(12))
def test_processes_that_derive_at_once_with_kills(derive, tmp_path, race, seed):
    draw = random.Random(seed)
    kills = {victim: draw.uniform(0, 0.06) for victim in draw.sample(range(3), seed % 3)}
    codes = race(derive, 3, kills)
    assert [codes[i] for i in range(3) if i not in kills] == [0] * (3 - len(kills))
    derive()
    (left,) = (tmp_path / "cache").glob("[!.]*")  # beside a late victim's part
    left.unlink()
    derive()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [left.name]


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_is_named_set_aside_and_made_anew(derive, tmp_path, seed):
    """Cut, emptied, overwritten or one byte changed: every later run ended with BadZipFile."""
    derive()
    (path,) = (tmp_path / "cache").iterdir()
    whole, draw = path.read_bytes(), random.Random(seed)
    at = draw.randrange(len(whole) - 400)
    damaged = [
        whole[:at],
        b"" if seed < 4 else b"\x80\x04pickled" * 9,
        whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :],
        b"PK\x05\x06" + bytes(18),  # a zip without a member
    ][seed % 4]
    path.write_bytes(damaged)
    with pytest.warns(UserWarning, match=f"{path.name}: damaged .* made anew"):
        derive()
    assert path.with_name(f"{path.name}.damaged").read_bytes() == damaged
    assert path.read_bytes() == whole
