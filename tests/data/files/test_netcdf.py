"""NetCDF and back: values, types, attributes and the content hash of a city."""

import numpy as np
import pytest

from stflow_lib.data import DataError, load
from stflow_lib.data.files.netcdf import read_netcdf, write_netcdf
from stflow_lib.data.schema import content_hash


@pytest.mark.parametrize("name", ["sim-grid-a", "sim-fine", "sim-speed-a"])
def test_a_city_comes_back_as_it_was(name, tmp_path):
    city = load(name)
    write_netcdf(city, tmp_path / "city.nc")
    again = read_netcdf(tmp_path / "city.nc")
    assert content_hash(again) == content_hash(city)
    for key, value in city.attrs.items():
        assert again.attrs[key] == (tuple(value) if isinstance(value, list) else value), key
        assert type(again.attrs[key]) in (str, int, float, tuple)


def test_steps_of_seconds_and_what_is_no_netcdf(tmp_path):
    city = load("sim-grid-a").isel(time=slice(5))
    time = city.time.values[0] + np.arange(5) * np.timedelta64(90, "s")
    write_netcdf(city.assign_coords(time=time), tmp_path / "a.nc")
    assert (read_netcdf(tmp_path / "a.nc").time.values == time).all()
    (tmp_path / "b.nc").write_text("time,flow\n")
    with pytest.raises(DataError, match=r"b.nc: not readable as NetCDF"):
        read_netcdf(tmp_path / "b.nc")
