"""Operators of a sensor graph: rows, loops, sensors without neighbours."""

import pytest
import torch

from stflow_lib.speedgraph.networks.graph_operators import (
    chebyshev,
    polynomials,
    scaled_laplacian,
    symmetric,
    transitions,
    without_loops,
)

ROADS = torch.tensor([[1.0, 0.5, 0, 0], [0.25, 1, 0.25, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_a_loop_is_counted_once():
    """With or without the unit diagonal of the data files."""
    assert torch.equal(symmetric(ROADS), symmetric(without_loops(ROADS)))
    assert not without_loops(ROADS).diagonal().any()


def test_symmetric_by_hand():
    """D of W + I: 1.5, 1.5, 1, 1."""
    got = symmetric(ROADS)
    torch.testing.assert_close(got[0, 0], torch.tensor(1 / 1.5))
    torch.testing.assert_close(got[0, 1], torch.tensor(0.5 / 1.5))
    torch.testing.assert_close(got[1, 2], torch.tensor(0.25 / 1.5**0.5))


def test_rows_sum_to_one_or_nothing():
    """An isolated sensor gives zeros and no NaN; against the ways is the transpose's walk."""
    along, against = transitions(ROADS)
    assert along.sum(1).tolist() == [1, 1, 0, 0] and against.sum(1).tolist() == [1, 1, 1, 0]
    torch.testing.assert_close(along[1], torch.tensor([0.5, 0, 0.5, 0]))
    torch.testing.assert_close(against[2], torch.tensor([0.0, 1, 0, 0]))


def test_polynomials_are_chebyshevs():
    """cos(k a) of a symmetric matrix with eigenvalues cos(a)."""
    torch.manual_seed(0)
    s = scaled_laplacian(torch.rand(5, 5)).double()
    x = torch.randn(2, 5, 3, 4, dtype=torch.double)
    values, vectors = torch.linalg.eigh(s)
    for k, got in enumerate(polynomials(s, x, 4)):
        power = vectors @ torch.diag(torch.cos(k * torch.acos(values.clamp(-1, 1)))) @ vectors.T
        torch.testing.assert_close(
            got, torch.einsum("nm,bmtc->bntc", power, x), atol=1e-5, rtol=0
        )
    assert len(polynomials(s, x, 1)) == 1


def test_laplacian_by_hand():
    """Two sensors joined and one alone; a loop does not count."""
    weights = torch.tensor([[1.0, 0.5, 0], [0, 1, 0], [0, 0, 0]])
    got = scaled_laplacian(weights)  # eigenvalues of L: 0, 2 and 1
    torch.testing.assert_close(got, torch.tensor([[0.0, -1, 0], [-1, 0, 0], [0, 0, 0]]))
    values = torch.linalg.eigvalsh(scaled_laplacian(torch.rand(6, 6)))
    assert values.min() >= -1 - 1e-5 and values.max() == pytest.approx(1, abs=1e-5)


def test_polynomials_are_cosines():
    """T_k has the eigenvalues cos(k arccos x); entry by entry it would not."""
    links = (torch.rand(6, 6) > 0.5).float().fill_diagonal_(0)
    _, first, second = chebyshev(links, 3)
    values = torch.linalg.eigvalsh(first.double()).clamp(-1, 1)
    want = (2 * values.arccos()).cos().sort().values
    torch.testing.assert_close(torch.linalg.eigvalsh(second.double()), want, atol=1e-5, rtol=0)
