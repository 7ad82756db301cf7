"""The patch encoder: counts of two releases, and hidden patches that reach no guess."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.speedgraph.networks.patch_encoder import (
    PatchEncoder,
    PatchEncoderSize,
    mask_indices,
)
from stflow_lib.speedgraph.problem.long_windows import (
    WEEK,
)
from stflow_lib.training.method import count_parameters

SMALL = PatchEncoderSize(width=8, heads=2, layers=1, hidden=8, places=WEEK, dropout=0.0)


@pytest.mark.parametrize(
    "size, count",
    [
        (PatchEncoderSize(), 1_139_212),
        (PatchEncoderSize(width=96, hidden=384, norms=True), 667_404),
    ],
)
def test_counts_of_the_releases(size, count):
    """TPB's encoder and TransGTR's teacher, patches of twelve steps."""
    assert count_parameters(PatchEncoder(12, size)) == count


def test_hidden_patches_reach_no_guess():
    """What is hidden may be anything; what is shown counts."""
    torch.manual_seed(0)
    net = PatchEncoder(6, SMALL).eval()
    x, marks = torch.randn(3, 24, 6), net.places(torch.arange(24))[None]

    def guess(x):
        torch.manual_seed(1)
        return net.reconstruct(x, marks)

    first, hidden = guess(x)
    assert first.shape == (3, 18, 6) and len(hidden) == 18
    other = x.clone()
    other[:, hidden] += 5
    assert torch.equal(guess(other)[0], first)
    shown = [k for k in range(24) if k not in hidden.tolist()]
    other[:, shown[0]] += 5
    assert not torch.allclose(guess(other)[0], first)


@pytest.mark.parametrize("norms", [False, True])
def test_last_token_alone(norms):
    """What all tokens are worked out for, with two layers and behind a norm."""
    torch.manual_seed(0)
    net = PatchEncoder(6, replace(SMALL, layers=2, norms=norms))
    x, marks = torch.randn(3, 24, 6), net.places(torch.arange(24))[None]
    torch.testing.assert_close(net.last(x, marks), net(x, marks)[:, -1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("count, share, hidden", [(24, 0.75, 18), (2, 0.9, 1), (5, 0.01, 1)])
def test_split_leaves_neither_side_empty(count, share, hidden):
    got = mask_indices(count, share)
    assert len(got[0]) == hidden and sorted(torch.cat(got).tolist()) == list(range(count))
