"""The second loss of fine-tuning, and how losses are named."""

from math import log1p

import pytest
import torch
from torch import nn

from stflow_lib.finegrained.training import losses
from stflow_lib.finegrained.training.supervised import squared_error


class Shifted(nn.Module):
    """Predicts a task's fine maps, `shift` vehicles too high."""

    def __init__(self, fine, shift):
        super().__init__()
        self.fine, self.shift = fine, shift

    def forward(self, coarse, external):
        return self.fine[: len(coarse)] + self.shift


@pytest.mark.parametrize("shift", [0.0, 2.5, -0.5])
def test_log_error_cell_by_cell(task, shift):
    """L1 plus the difference of logarithms, negative predictions taken as zero."""
    batch, total = torch.arange(3), 0.0
    for truth in task.fine[:3].flatten().tolist():
        fine = max(truth + shift, 0.0)
        total += abs(truth - fine) + abs(log1p(truth) - log1p(fine))
    got = losses.log_error(Shifted(task.fine, shift), task, batch)
    assert got.item() == pytest.approx(total / task.fine[:3].numel(), rel=1e-4, abs=1e-7)


def test_small_flows_count_as_much_as_large_ones():
    """One vehicle too many weighs more where there was none than where there were a hundred."""
    few, many = (torch.tensor([v]).log1p() for v in (0.0, 100.0))
    more = [torch.tensor([v]).log1p() for v in (1.0, 101.0)]
    assert more[0] - few > 50 * (more[1] - many)


def test_losses_have_names():
    """A misspelt loss must not fall back to the paper's."""
    assert losses.named("squared") is squared_error
    assert losses.named("log") is losses.log_error
    with pytest.raises(ValueError, match="loss 'L1': want one of"):
        losses.named("L1")
