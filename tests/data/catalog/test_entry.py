"""One entry: which files it needs, which of its forms is here, and where it looks."""

from pathlib import Path

import pytest

from stflow_lib.data.catalog.entry import Entry, data_folder
from stflow_lib.data.files import download
from stflow_lib.data.files.download import RawFile


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Puts files into a data folder of its own."""
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    raw = RawFile("owner/name", "c0ffee", "a.csv", "", "git:" + "0" * 40, "set/raw.csv")
    monkeypatch.setattr(download, "manifest", lambda name: (raw,) if name == "set" else ())

    def files(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return files


def entry(**more):
    card = ["toy", "what", "grid", "1", "span", 60, "nominal", "trips", "test", "MIT"]
    return Entry(*card, lambda folder: None, **more)


def test_the_first_whole_form_is_taken(put):
    """Half of a compact form beside a whole raw one: half a city must not be opened."""
    one = entry(forms=(("a.npz", "b.csv"), ("c.zip",)))
    assert one.files() is None
    folder = put("a.npz")
    assert one.files() is None
    put("c.zip")
    assert one.files() == [folder / "c.zip"]
    put("b.csv")
    assert one.files() == [folder / "a.npz", folder / "b.csv"]


def test_downloaded_files_are_a_form_of_their_own(put):
    """Files that the manifest lists count as here, with no compact form beside them."""
    one = entry(forms=(("a.npz",),), manifest="set")
    assert one.files() is None and [raw.into for raw in one.raw_files()] == ["set/raw.csv"]
    folder = put("set/raw.csv")
    assert one.files() == [folder / "set" / "raw.csv"]


def test_a_list_of_only_some_files_is_no_form(put):
    """Where a set needs more than can be downloaded, the downloaded part is not the set."""
    put("set/raw.csv")
    assert entry(forms=(("a.npz",),), manifest="set", how="ask the operator").files() is None


def test_a_city_without_files_is_always_here(put):
    """Simulated cities: no form, no manifest, nothing to look for."""
    assert entry().files() == [] and entry().raw_files() == ()


def test_the_folder_is_the_environments_or_the_users(monkeypatch, tmp_path):
    """An empty variable once meant the folder in which the program was started."""
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("STFLOW_DATA", "")
    assert data_folder() == Path.home() / ".cache" / "stflow"
