"""Errors where something was measured: sums and counts of every step ahead in one pass.

Sums are added up over a whole test set and divided once; a batch without a reading adds
nothing, and is no error of 0.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from stflow_lib.kernels.backend import dispatch

Sums = Float[Tensor, "3 ahead"]  # sum of |e|, sum of e^2, readings


def masked_error(
    prediction: Float[Tensor, "*any ahead"],
    truth: Float[Tensor, "*any ahead"],
    mask: Bool[Tensor, "*any ahead"],
) -> Sums:
    """Sums over everything but the last axis, where `mask` is true; float64.

    A prediction that is not finite at a masked place does not count; `truth` may be anything
    there, NaN too. ValueError for different shapes.
    """
    _check(prediction, truth, mask)
    return dispatch("masked_error", masked_error_naive, _all_steps, (prediction, truth, mask))


def masked_error_naive(prediction: Tensor, truth: Tensor, mask: Tensor) -> Sums:
    """The same, one step ahead after the other, picking the measured entries."""
    _check(prediction, truth, mask)
    rows = []
    for step in range(prediction.shape[-1]):
        chosen = mask[..., step]
        error = (prediction[..., step][chosen] - truth[..., step][chosen]).double()
        count = torch.tensor(float(len(error)), dtype=torch.float64)
        rows.append(torch.stack([error.abs().sum(), error.square().sum(), count.to(error)]))
    return torch.stack(rows, 1) if rows else prediction.new_zeros(3, 0, dtype=torch.float64)


def _all_steps(prediction: Tensor, truth: Tensor, mask: Tensor) -> Sums:
    """All steps at once, zeros in the place of what was not measured."""
    error = torch.where(mask, prediction - truth, 0.0).double().flatten(0, -2)
    counts = mask.flatten(0, -2).sum(0)
    return torch.stack([error.abs().sum(0), error.square().sum(0), counts.double()])


def _check(prediction: Tensor, truth: Tensor, mask: Tensor) -> None:
    shapes = [tuple(t.shape) for t in (prediction, truth, mask)]
    if len(set(shapes)) > 1:
        raise ValueError("prediction {}, truth {}, mask {}".format(*shapes))
