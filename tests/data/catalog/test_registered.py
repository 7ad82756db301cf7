"""A city of one's own is accepted wherever a city's name is."""

import pytest

from stflow_lib.data import DataError, catalog, load, open_city, register, write_city
from stflow_lib.data.catalog.index import entries


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def town():
    return load("sim-grid-c")


def test_by_path_and_by_itself(town, tmp_path):
    path = write_city(town, tmp_path / "town.nc")
    assert load(str(path)).identical(open_city(path)) and open_city(town) is town
    assert load(str(path)).attrs["sha256"] == town.attrs["sha256"]


def test_a_registered_name_is_loaded_listed_and_has_its_factor(town):
    register("my-town", town, factor=2)
    assert load("my-town").attrs["sha256"] == town.attrs["sha256"]
    assert load("my-town").attrs["name"] == "my-town"
    assert entries()["my-town"].factor == 2 and bool(catalog().loc["my-town", "here"])


def test_what_is_registered_again_is_another_city(town):
    register("my-town", town)
    register("my-town", town.isel(time=slice(0, 100)))
    assert load("my-town").sizes["time"] == 100
    assert entries()["my-town"].shape.startswith("100 x")


@pytest.mark.parametrize("name", ["sim-grid-a", "a+b", "a>b", "../up", "Big", ""])
def test_names_that_are_taken_or_none(name, town):
    with pytest.raises(DataError, match="register"):
        register(name, town)


def test_files_that_hold_no_city(town, tmp_path):
    with pytest.raises(DataError, match=r"a city is kept in a file \*.nc"):
        write_city(town, tmp_path / "town.csv")
    town.drop_attrs().to_netcdf(tmp_path / "bare.nc", engine="scipy")
    with pytest.raises(DataError, match=r"bare.nc: attributes .*name.* are missing"):
        load(str(tmp_path / "bare.nc"))
    with pytest.raises(DataError, match="gone.nc"):
        load(str(tmp_path / "gone.nc"))
