"""The mean discrepancy of two samples, by its definition."""

import pytest
import torch

from stflow_lib.gridflow.training.discrepancy import mean_discrepancy


def draw(n, seed=0):
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed)).double()


def test_discrepancy_by_its_definition():
    """Double loop over pairs, five kernels around the mean squared distance of all pairs."""
    one, two = draw(4), draw(3, 1) + 1
    rows = [*one, *two]
    distance = [[float((a - b).square().sum()) for b in rows] for a in rows]
    scale = sum(map(sum, distance)) / (7 * 6)
    total = 0.0
    for i in range(7):
        for j in range(7):
            kernel = sum(
                2.718281828459045 ** (-distance[i][j] / (scale * w))
                for w in (0.25, 0.5, 1, 2, 4)
            )
            same = {(True, True): 1 / 16, (False, False): 1 / 9}
            total += kernel * same.get((i < 4, j < 4), -1 / 12)
    assert mean_discrepancy(one, two).item() == pytest.approx(total)


def test_discrepancy_is_zero_for_equal_sets_and_grows_apart():
    one = draw(6)
    assert mean_discrepancy(one, one[torch.randperm(6)]).item() == pytest.approx(0, abs=1e-12)
    values = [mean_discrepancy(one, draw(6, 1) + shift).item() for shift in (0, 1, 3)]
    assert 0 < values[0] < values[1] < values[2]


def test_collapsed_features_have_a_finite_gradient():
    """All alike, the mean distance is 0."""
    one = torch.zeros(3, 2, requires_grad=True)
    mean_discrepancy(one, torch.zeros(2, 2)).backward()
    assert one.grad.isfinite().all()
