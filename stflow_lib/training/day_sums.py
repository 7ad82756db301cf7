"""Sums of test errors by calendar day: what an interval over days needs, and no more."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

DaySums = dict[str, dict[str, list[float | int]]]  # day -> layer -> [count, absolute, squared]
SampleSums = Num[Tensor, "b layer 3"]  # count, sum of |e| and sum of e^2 of each sample


def sum_by_day(
    samples: Int[Tensor, " s"],
    time: np.ndarray,
    layers: tuple[str, ...],
    errors: Callable[[Int[Tensor, " b"]], SampleSums],
    batch: int,
) -> DaySums:
    """Sums of `errors(samples)` over each calendar day of `time[samples]`, days in order.

    A layer is a part whose error is taken apart before a mean over layers; on days, or in
    layers, without a single measurement there is no entry. Errors in the task's unit.
    """
    found = torch.cat([errors(some) for some in samples.split(batch)]).double().cpu().numpy()
    days, place = np.unique(
        time[samples.cpu().numpy()].astype("datetime64[D]"), return_inverse=True
    )
    sums = np.zeros((len(days), *found.shape[1:]))
    np.add.at(sums, place, found)
    entries = {str(day): _entry(layers, own) for day, own in zip(days, sums, strict=True)}
    return {day: entry for day, entry in entries.items() if entry}


def _entry(layers: tuple[str, ...], sums: np.ndarray) -> dict[str, list[float | int]]:
    return {
        layer: [int(count), float(absolute), float(squared)]
        for layer, (count, absolute, squared) in zip(layers, sums, strict=True)
        if count
    }


def sample_sums(
    error: Float[Tensor, "b layer cell"], counts: Num[Tensor, "#b layer"]
) -> SampleSums:
    """Errors, 0 where nothing was measured, and how many were: their sums by sample."""
    sums = [counts.expand(len(error), -1), error.abs().sum(2), error.square().sum(2)]
    return torch.stack([part.double() for part in sums], 2)
