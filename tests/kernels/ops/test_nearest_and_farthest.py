"""Nearest and farthest maps: the double loop, ties and duplicates included."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.kernels import nearest_and_farthest, nearest_and_farthest_naive
from stflow_lib.kernels.ops.nearest_and_farthest import _by_sorting, _torch


def same(fast, naive):
    """Distances close, indices equal, for near and far alike."""
    for got, want in zip(fast, naive, strict=True):
        assert got.shape == want.shape
        torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-6)


@given(st.integers(2, 9), st.integers(1, 4), st.data())
def test_equal_to_the_double_loop_with_ties_and_duplicates(maps, cells, data):
    """Cells of 0, 1 or 2 vehicles make many equal maps and many equal distances."""
    k = data.draw(st.integers(1, maps - 1))
    flat = data.draw(st.lists(st.integers(0, 2), min_size=maps * cells, max_size=maps * cells))
    city = torch.tensor(flat, dtype=torch.float64).reshape(maps, cells)
    same(nearest_and_farthest(city, k), nearest_and_farthest_naive(city, k))


def test_equal_to_the_double_loop_on_counts_of_a_night():
    random = torch.Generator().manual_seed(0)
    city = torch.poisson(torch.full((60, 12), 0.4, dtype=torch.float64), generator=random)
    same(nearest_and_farthest(city, 5), nearest_and_farthest_naive(city, 5))


CITIES = {
    "night": lambda draw: torch.poisson(torch.full((90, 12), 0.4), generator=draw),
    "day": lambda draw: torch.poisson(torch.full((90, 12), 30.0), generator=draw),
    "all zero": lambda draw: torch.zeros(90, 12),
    "half zero": lambda draw: (
        torch.rand(90, 12, generator=draw) * (torch.arange(90) > 44)[:, None]
    ),
    "alike": lambda draw: 1000 + 1e-3 * torch.randn(90, 12, generator=draw),
    "two kinds": lambda draw: (
        torch.arange(90)[:, None] % 2 + 1e-6 * torch.randn(90, 12, generator=draw)
    ),
}


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("k, rows", [(1, 16), (5, 16), (5, 90)])
def test_sifting_first_changes_no_bit(city, k, rows, monkeypatch):
    """Candidates by a matrix product: a tie, or a map that rounding brings in, may be missed.

    Blocks of 16 rows do not divide 90 maps: the half of the product that is copied counts too.
    """
    monkeypatch.setattr("stflow_lib.kernels.ops.nearest_and_farthest.ROWS", rows)
    maps = CITIES[city](torch.Generator().manual_seed(0))
    whole = _by_sorting(maps, maps, torch.arange(len(maps)), k)
    for got, want in zip(_torch(maps, k), whole, strict=True):
        assert torch.equal(got, want)


def test_by_hand():
    """Maps at 0, 1, 3 and 3 on a line: the equal ones are each other's nearest, at 0."""
    near, near_i, far, far_i = nearest_and_farthest(torch.tensor([[0.0], [1], [3], [3]]), 2)
    assert near.tolist() == [[1, 3], [1, 2], [0, 2], [0, 2]]
    assert near_i.tolist() == [[1, 2], [0, 2], [3, 1], [2, 1]]
    assert far.tolist() == [[3, 3], [2, 2], [3, 2], [3, 2]]
    assert far_i.tolist() == [[2, 3], [2, 3], [0, 1], [0, 1]]


def test_equal_maps_of_large_counts_are_at_distance_zero():
    """The matrix-product form of the distance gives 0.5 here instead of 0."""
    city = torch.full((30, 1024), 1000.1) + torch.arange(30)[:, None] // 2
    near, near_i, *_ = nearest_and_farthest(city, 1)
    assert (near == 0).all()
    assert near_i[:, 0].tolist() == [i ^ 1 for i in range(30)]


def test_input_is_left_alone():
    city = torch.arange(12.0).reshape(4, 3)
    before = city.clone()
    nearest_and_farthest(city, 3)
    assert torch.equal(city, before)


@pytest.mark.parametrize("k", [0, -1, 4, 5])
def test_k_must_leave_other_maps(k):
    """k = T would call every map its own neighbour, at infinite distance."""
    with pytest.raises(ValueError, match=rf"k = {k} needs 1 <= k < 4 maps"):
        nearest_and_farthest(torch.arange(4.0)[:, None], k)
