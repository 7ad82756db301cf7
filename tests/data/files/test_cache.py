"""Derived arrays: kept by content, whole or absent."""

import resource
import signal

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.files import cache
from stflow_lib.data.files.cache import _store, cached


def test_derived_maps_are_kept_by_content(tmp_path, monkeypatch):
    """A second call reads the file; other inputs, other parameters make another one."""
    monkeypatch.setenv("STFLOW_CACHE", str(tmp_path / "cache"))
    source, calls = tmp_path / "gps", []

    def get(step):
        def build():
            calls.append(step)
            return {"counts": np.full(3, step)}

        return cached([source], {"step": step}, build)["counts"].tolist()

    source.write_bytes(b"one")
    assert get(5) == get(5) == [5] * 3 and calls == [5]
    assert get(6) == [6] * 3
    source.write_bytes(b"two")
    get(5)
    assert calls == [5, 6, 5] and len(list((tmp_path / "cache").iterdir())) == 3


def test_a_derivation_that_fails_leaves_no_file(tmp_path, monkeypatch):
    with pytest.raises(TypeError):
        _store(tmp_path / "a.npz", {"x": np.ones(2), 3: np.ones(2)})
    assert list(tmp_path.iterdir()) == []


def test_other_code_makes_another_file(tmp_path, monkeypatch):
    """Maps counted by the rules of last month must not be given for those of today."""
    (tmp_path / "gps").write_bytes(b"one")
    before = cache._key([tmp_path / "gps"], {"step": 5})
    assert cache._key([tmp_path / "gps"], {"step": 5}) == before
    for changed in cache.SOURCE_MODULES:
        with monkeypatch.context() as patch:
            patch.setattr(cache.inspect, "getsource", lambda m: m.__name__)
            plain = cache._key([tmp_path / "gps"], {"step": 5})
            edited = {f"stflow_lib.data.{changed}": "edited"}
            patch.setattr(
                cache.inspect, "getsource", lambda m, e=edited: e.get(m.__name__, m.__name__)
            )
            assert cache._key([tmp_path / "gps"], {"step": 5}) != plain, changed


def test_the_folder_is_the_environments_or_the_users(monkeypatch, tmp_path):
    """An empty variable is no folder: the maps would lie wherever the program was started."""
    monkeypatch.setenv("STFLOW_CACHE", str(tmp_path))
    assert cache.cache_folder() == tmp_path
    monkeypatch.setenv("STFLOW_CACHE", "")
    assert cache.cache_folder().parts[-3:] == (".cache", "stflow", "derived")


@pytest.mark.parametrize("folder", ["/proc/none", "/dev/null/cache", "~nobody-of-that-name"])
def test_a_cache_that_cannot_be_is_done_without(folder, tmp_path, monkeypatch):
    """The arrays took minutes and were there, and were lost to a bare OSError."""
    monkeypatch.setenv("STFLOW_CACHE", folder)
    (tmp_path / "gps").write_bytes(b"one")
    with pytest.warns(UserWarning, match=f"not kept: .*{folder}.*; STFLOW_CACHE names") as said:
        found = cached([tmp_path / "gps"], {}, lambda: {"counts": np.arange(3)})
    assert found["counts"].tolist() == [0, 1, 2] and len(said) == 1


def test_a_full_disk_is_done_without(tmp_path, monkeypatch):
    """Half a file stays away, too."""
    monkeypatch.setenv("STFLOW_CACHE", str(tmp_path / "cache"))
    (tmp_path / "gps").write_bytes(b"one")
    before, counts = resource.getrlimit(resource.RLIMIT_FSIZE), np.arange(2**16)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**12, before[1]))
    try:
        with pytest.warns(UserWarning, match="not kept: .*; STFLOW_CACHE names"):
            found = cached([tmp_path / "gps"], {}, lambda: {"counts": counts})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert found["counts"] is counts and list((tmp_path / "cache").iterdir()) == []


def test_an_error_of_the_derivation_is_not_taken_for_one_of_the_cache(tmp_path, monkeypatch):
    """It would run twice, and blame the cache."""
    monkeypatch.setenv("STFLOW_CACHE", str(tmp_path / "cache"))
    (tmp_path / "gps").write_bytes(b"one")
    calls = []

    def build():
        calls.append(1)
        raise OSError("fixes not readable")

    with pytest.raises(OSError, match="fixes not readable"):
        cached([tmp_path / "gps"], {}, build)
    assert calls == [1]


def test_a_folder_in_place_of_an_input_is_named(tmp_path):
    with pytest.raises(DataError, match=rf"{tmp_path.name}: a folder, not a file"):
        cached([tmp_path], {}, dict)
