"""What regions are for: shares of POI, and profiles that leak no label."""

import numpy as np
import pytest
import torch
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.regions import (
    dirichlet_profile,
    functional_profile,
    main_purpose,
    poi_shares,
)


def test_shares_by_hand():
    """Valid cells only, row by row; a cell without POI stays zero instead of NaN."""
    poi = torch.tensor([[[1.0, 0.0], [2.0, 9.0]], [[3.0, 0.0], [0.0, 9.0]]])
    mask = torch.tensor([[True, True], [True, False]])
    assert poi_shares(poi, mask).tolist() == [[0.25, 0.75], [0.0, 0.0], [1.0, 0.0]]


def test_shares_are_those_of_the_flat_cells(make_grid):
    city = make_grid()
    poi = torch.from_numpy(city.poi.values)
    mask = torch.rand(4, 5, generator=torch.Generator().manual_seed(0)) < 0.6
    shares = poi_shares(poi, mask)
    torch.testing.assert_close(shares.sum(1), torch.ones(len(shares)))
    rows = poi.flatten(1).T[mask.flatten()]
    torch.testing.assert_close(shares, rows / rows.sum(1, keepdim=True))


def test_profile_by_hand(make_grid):
    """One pick-up on Monday at 7, three drop-offs on Sunday at 23; 2015-11-02 is a Monday."""
    city = make_grid()
    city.flow.values[:] = 0
    city.flow.values[7, 0, 1, 2] = 1
    city.flow.values[6 * 24 + 23, 1, 1, 2] = 3
    poi = functional_profile(city, slice(0, 192))
    cell = poi.isel(row=1, col=2)
    assert cell.sel(category="pickup weekday 6-10") == 0.25
    assert cell.sel(category="dropoff weekend 10-24") == 0.75
    assert poi.sum() == 1 and poi.dims == ("category", "row", "col")


def test_profile_has_fourteen_categories_that_hold_every_hour(make_grid):
    """An hour in no bin, or in two, would show in the sums."""
    city = make_grid()
    poi = functional_profile(city, slice(0, 192))
    assert poi.sizes["category"] == 14 == len(set(poi.category.values))
    counts = city.flow.values[:192].sum((0, 1))
    np.testing.assert_allclose(poi.sum("category"), counts > 0, rtol=1e-6)
    city.flow.values[:] = 1
    sizes = functional_profile(city, slice(0, 168)).values[:, 0, 0] * 336
    np.testing.assert_allclose(sizes[::2], [30, 20, 30, 20, 20, 20, 28], rtol=1e-5)


def test_profile_reads_its_rows_only(make_grid):
    city, other = make_grid(), make_grid()
    other.flow.values[120:] += 7
    one, two = (functional_profile(c, slice(0, 120)) for c in (city, other))
    assert one.identical(two)
    assert not one.identical(functional_profile(other, slice(0, 130)))


def test_profile_of_no_rows_is_an_error(make_grid):
    with pytest.raises(DataError, match="lender: no steps in slice"):
        functional_profile(make_grid(), slice(192, 192))


def test_control_says_nothing_but_has_the_form():
    poi = dirichlet_profile(16, 8, seed=3)
    assert poi.shape == (14, 16, 8) and poi.dtype == np.float32
    np.testing.assert_allclose(poi.sum("category"), 1, rtol=1e-6)
    assert poi.identical(dirichlet_profile(16, 8, seed=3))
    assert not poi.identical(dirichlet_profile(16, 8, seed=4))


def test_main_purpose_is_the_largest_group():
    poi = np.zeros((14, 4, 5), np.float32)
    poi[3, 0, 0], poi[5, 0, 0], poi[13, 2, 4] = 2, 1, 7
    names = [f"group {k}" for k in range(14)]
    found = main_purpose(
        xr.DataArray(poi, {"category": names}, dims=("category", "row", "col"))
    )
    assert found.dims == ("row", "col") and found.attrs["names"][5] == "group 5"
    assert found[0, 0] == 3 and found[2, 4] == 13 and int((found == -1).sum()) == 18
