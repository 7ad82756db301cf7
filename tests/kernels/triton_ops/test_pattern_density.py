"""The kernels of `pattern_density`: sums that hold the region itself, tiles,
wide embeddings."""

import math

import pytest
import torch

pytest.importorskip("triton")

from stflow_lib.kernels.ops.pattern_density import pattern_density_naive
from stflow_lib.kernels.triton_ops import pattern_density


def draw(regions, width):
    random = torch.Generator().manual_seed(0)
    return torch.randn(regions, width, generator=random, dtype=torch.float64) / width**0.5


@pytest.mark.parametrize(("regions", "width"), [(65, 3), (9, 128), (5, 129)])
def test_regions_beyond_a_tile(regions, width):
    """64 others at a time, eight own, four where embeddings are wide: one more of each."""
    phi = draw(regions, width).requires_grad_()
    got, want = (form(phi, 0.85) for form in (pattern_density.apply, pattern_density_naive))
    torch.testing.assert_close(got, want)
    upstream = torch.linspace(-1, 1, regions, dtype=torch.float64)
    gradients = [torch.autograd.grad(x, phi, upstream)[0] for x in (got, want)]
    torch.testing.assert_close(*gradients)


def test_a_sum_holds_the_region_itself():
    """S >= 1 is what makes a search for the largest exponent needless."""
    log, total = pattern_density.density(draw(7, 2) * 1e3)
    assert (total >= 1).all() and (total <= 7).all()
    torch.testing.assert_close(log, (total / 7).log())
    assert log.min().item() == pytest.approx(-math.log(7))


def test_half_precision_is_raised_before_it_is_divided():
    """An embedding divided in bfloat16 has three digits left: neighbours change."""
    phi = draw(6, 4).bfloat16()
    got = pattern_density.apply(phi, 0.85)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, pattern_density_naive(phi.float(), 0.85))


def test_embeddings_wider_than_a_program_are_refused():
    """A program holds whole embeddings of two regions."""
    assert pattern_density.unsupported(torch.empty(1, 1024), 1.0) is None
    assert "1025 numbers" in pattern_density.unsupported(torch.empty(1, 1025), 1.0)
