"""The RMSE that remains when rates of vehicles are known exactly, if counts are Poisson numbers."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def poisson_floor(rates: Float[Tensor, "*cell"]) -> float:
    """RMSE of known rates against counts drawn from them: sqrt(mean of the expected rate).

    Assumes that counts are independent Poisson numbers, whose variance is their rate. Rates in
    vehicles per step. It is the floor of a forecast; who knows the sums of blocks gets below it,
    see `split_floor`. ValueError for negative rates.
    """
    if (rates < 0).any():
        raise ValueError(f"noise floor: a rate of {rates.min().item():g} is negative")
    return rates.double().mean().sqrt().item()


def split_floor(expected: Float[Tensor, "b 1 fr fc"], factor: int) -> float:
    """The same for fine flows when each block's sum is known: sqrt(mean of x p (1 - p)).

    Independent Poisson counts, given their block's sum x, are multinomial with shares p of the
    block's rate (Steel, Biometrika 1953). expected [B, 1, HM, WM]: x p, vehicles; a block sums
    to its count. Shares of a model in place of the true ones give the model's own idea of the
    floor. Vehicles that come in groups have a higher one, vehicles that are regular a lower.
    """
    whole = F.avg_pool2d(expected.double(), factor) * factor**2
    taken = F.avg_pool2d(expected.double().square(), factor) * factor**2
    lost = torch.where(whole > 0, taken / whole, 0.0)
    return poisson_floor((whole - lost).clamp_min(0) / factor**2)
