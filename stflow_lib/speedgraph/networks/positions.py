"""Positions in a sequence as sines and cosines."""

import torch
from jaxtyping import Float
from torch import Tensor


def positions(steps: int, width: int) -> Float[Tensor, "step width"]:
    """The Transformer's sines and cosines of the step's number (Vaswani et al. 2017)."""
    step = torch.arange(steps)[:, None]
    rate = torch.exp(torch.arange(0, width, 2) * (-torch.log(torch.tensor(1e4)) / width))
    waves = torch.stack([torch.sin(step * rate), torch.cos(step * rate)], 2)
    return waves.flatten(1)[:, :width]
