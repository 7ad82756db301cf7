"""Positions against the printed formula."""

import torch

from stflow_lib.speedgraph.networks.positions import positions


def test_positions_are_the_transformers():
    got = positions(3, 4)
    want = torch.tensor([[t, t / 100.0] for t in range(3)])
    torch.testing.assert_close(got[:, 0::2], want.sin())
    torch.testing.assert_close(got[:, 1::2], want.cos())
