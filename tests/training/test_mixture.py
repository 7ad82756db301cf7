"""Shares of a mean of methods: the best there are, and the small ones left out."""

import numpy as np
import pytest
import torch

from stflow_lib.training.mixture import LEAST, shares_of


def errors(*sizes, n=4000):
    """Independent errors of methods with these standard deviations."""
    random = torch.Generator().manual_seed(0)
    return torch.tensor(sizes)[:, None] * torch.randn(len(sizes), n, generator=random)


def test_independent_errors_weigh_by_their_inverse_variance():
    want = torch.tensor([1.0, 1 / 4, 1 / 2.25]).double()
    found = shares_of(errors(1.0, 2.0, 1.5))
    assert found == pytest.approx((want / want.sum()).tolist(), abs=0.03)
    assert sum(found) == pytest.approx(1)


def test_no_share_nearby_has_a_smaller_error():
    """Three methods whose errors go together, and every convex mean on a fine net of shares."""
    *apart, shared = errors(1.0, 1.2, 0.9, 0.5)
    own = torch.stack(apart) + shared
    found = torch.tensor(shares_of(own)).double()
    steps = torch.arange(0, 1.001, 0.02)
    net = [(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1]
    least = min((torch.tensor(w) @ own).square().mean().item() for w in net)
    assert (found @ own.double()).square().mean().item() <= least + 1e-6


def test_a_method_that_adds_nothing_is_left_out_and_equals_share():
    one = errors(1.0)[0]
    found = shares_of(torch.stack([one, one, one + 3 * errors(1.0, 1.0)[1]]))
    assert found == pytest.approx([0.5, 0.5, 0.0], abs=1e-3)
    assert shares_of(torch.zeros(4, 0)) == [0.25] * 4
    every = shares_of(errors(*np.linspace(1, 9, 8).tolist()))
    assert 0 in every and min(share for share in every if share) >= LEAST
