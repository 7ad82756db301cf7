"""Folders that the environment names."""

from pathlib import Path

import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.cache import cache_folder
from stflow_lib.data.files.download import _origin, manifest
from stflow_lib.data.files.paths import setting_path, user_folder

NAMES = ["STFLOW_DATA", "STFLOW_CACHE", "STFLOW_MIRROR", "STFLOW_RUNS", "STFLOW_RESULTS"]


@pytest.mark.parametrize("name", NAMES)
def test_a_tilde_is_the_home_folder(name, monkeypatch, tmp_path):
    """In quotes no shell expands it: a folder named `~` was made where the program started."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for text, path in {"~/a b": tmp_path / "a b", "~": tmp_path, "/x/~": Path("/x/~")}.items():
        monkeypatch.setenv(name, text)
        assert setting_path(name) == path


@pytest.mark.parametrize("name", NAMES)
def test_unset_and_empty_are_no_path(name, monkeypatch):
    monkeypatch.setenv(name, "")
    assert setting_path(name) is None
    monkeypatch.delenv(name)
    assert setting_path(name) is None


def test_every_setting_of_the_data_goes_this_way(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in NAMES:
        monkeypatch.setenv(name, "~/here")
    assert user_folder("STFLOW_DATA") == cache_folder() == tmp_path / "here"
    assert _origin(manifest("la")[0]).startswith(str(tmp_path / "here"))


def test_a_home_that_nobody_knows_names_the_variable(monkeypatch):
    """A user without an entry in passwd got a bare RuntimeError."""
    monkeypatch.setenv("STFLOW_DATA", "~nobody-of-that-name/data")
    with pytest.raises(DataError, match="STFLOW_DATA=~nobody-of-that-name/data: "):
        user_folder("STFLOW_DATA")

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.delenv("STFLOW_CACHE", raising=False)
    with pytest.raises(DataError, match="STFLOW_CACHE names no folder, and Could not"):
        user_folder("STFLOW_CACHE", "derived")
