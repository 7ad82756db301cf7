"""A scalar whose gradient is given is that scalar, with that gradient."""

import torch
from torch import nn

from stflow_lib.training.surrogate import surrogate_value


def test_value_and_gradients_are_the_given_ones():
    """The old form added and subtracted a sum, and lost the last bits of the value."""
    p, q = (nn.Parameter(torch.randn(2, 3)) for _ in "pq")
    wanted = torch.arange(6.0).view(2, 3)
    value = surrogate_value(torch.tensor(0.1), [p, q], [wanted, None])
    (2 * value).backward()
    assert value.item() == torch.tensor(0.1).item()
    assert torch.equal(p.grad, 2 * wanted) and q.grad is None


def test_no_gradient_flows_through_the_value():
    """It would be added to the given one."""
    p = nn.Parameter(torch.ones(()))
    surrogate_value(3 * p, [p], [torch.tensor(5.0)]).backward()
    assert p.grad.item() == 5
