"""The kernel of `nearest_and_farthest`: programs of four maps, sub-totals, ties, limits."""

import pytest
import torch

pytest.importorskip("triton")

from stflow_lib.kernels.ops.nearest_and_farthest import nearest_and_farthest_naive
from stflow_lib.kernels.triton_ops import nearest_and_farthest


@pytest.mark.parametrize(("maps", "cells"), [(5, 33), (9, 31), (4, 64)])
def test_maps_and_cells_beyond_a_tile(maps, cells):
    """Four maps a program and 32 cells a sub-total: the fifth map, the 33rd cell."""
    random = torch.Generator().manual_seed(0)
    city = torch.randint(0, 3, (maps, cells), generator=random).double()
    got = nearest_and_farthest.apply(city, maps - 1)
    for one, want in zip(got, nearest_and_farthest_naive(city, maps - 1), strict=True):
        torch.testing.assert_close(one, want)


def test_all_equal_maps_come_in_order_of_their_numbers():
    """Every distance is a tie, near and far: no own number, the lowest first."""
    near, near_index, far, far_index = nearest_and_farthest.apply(torch.ones(6, 3), 2)
    assert not near.any() and not far.any()
    want = [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]
    assert near_index.tolist() == far_index.tolist() == want


def test_what_needs_more_room_or_a_gradient_is_refused():
    """Numbers of maps have no gradient, addresses are of 32 bits, distances lie
    in registers."""

    def empty(*shape):
        return torch.empty(shape, device="meta")

    assert nearest_and_farthest.unsupported(empty(16384, 4), 1) is None
    assert "16385 maps" in nearest_and_farthest.unsupported(empty(16385, 4), 1)
    assert "64 bits" in nearest_and_farthest.unsupported(empty(2**11, 2**20), 1)
    leaf = torch.ones(4, 3, requires_grad=True)
    assert "gradient" in nearest_and_farthest.unsupported(leaf, 1)
    with torch.no_grad():
        assert nearest_and_farthest.unsupported(leaf, 1) is None
