"""One entry: which files it needs, which of its forms is here, and where it looks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.catalog.entry import Entry, data_folder
from stflow_lib.data.files import download
from stflow_lib.data.files.download import RawFile
from stflow_lib.data.schema import Box, grid_city


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


def entry(shape="1", **more):
    card = ["toy", "what", "grid", shape, "span", 60, "nominal", "trips", "test", "MIT"]
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


def test_files_are_held_to_their_lists(put):
    """A file with another hash than its manifest states; what no list names may be anything."""
    folder = put("set/raw.csv", "own.npz")
    one = entry(forms=(("set/raw.csv", "own.npz"),), manifest="set")
    assert entry(forms=(("own.npz",),)).verify([folder / "own.npz"]) == [folder / "own.npz"]
    with pytest.raises(DataError, match=r"set/raw.csv: hash .*, the catalogue lists git:0"):
        one.verify(one.files())


def test_the_shape_must_be_the_cards():
    """A month short, or a column more, was the city of that name all the same."""
    city = grid_city(np.ones((4, 1, 2, 3)), pd.date_range("2024", periods=4, freq="h"), ["a"])
    for shape in ("4 x 1 x 2 x 3", "T x 1 x 2 x 3", "4 x 1 x lat x lng"):
        assert entry(shape).check_shape(city) is city
    for shape in ("5 x 1 x 2 x 3", "4 x 1 x 2", "4 x 1 x 3 x 2"):
        with pytest.raises(DataError, match=rf"toy: shape \(4, 1, 2, 3\), .* states {shape}"):
            entry(shape).check_shape(city)


def test_the_card_holds_the_box_of_the_sensors():
    assert "lat_min" not in entry().card()
    card = entry(box=Box(1, 2, 3, 4)).card()
    assert card["name"] == "toy" and (card["lat_min"], card["lon_max"]) == (1, 4)
