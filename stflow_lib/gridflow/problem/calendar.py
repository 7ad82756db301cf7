"""Hours of the day and week of a task's steps, and means by them."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor


def hour_of_day(time: np.ndarray) -> np.ndarray:
    """Minutes since midnight of local time stamps [T]."""
    clock = pd.DatetimeIndex(time)
    return np.asarray(clock.hour * 60 + clock.minute)


def hour_of_week(time: np.ndarray) -> np.ndarray:
    """Minutes since Monday's midnight of local time stamps [T]."""
    return np.asarray(pd.DatetimeIndex(time).dayofweek) * 1440 + hour_of_day(time)


def mean_by_slot(
    flow: Float[Tensor, "row direction r c"], slots: Int[Tensor, " row"], count: int
) -> Float[Tensor, "slot direction r c"]:
    """[N, D, H, W] and a slot for each row -> mean of each of `count` slots, empty: of all."""
    sums = flow.new_zeros(count, *flow.shape[1:]).index_add_(0, slots, flow)
    seen = torch.bincount(slots, minlength=count)[:, None, None, None]
    return torch.where(seen > 0, sums / seen.clamp_min(1), flow.mean(0))
