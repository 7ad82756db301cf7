"""Target-skewed step: the target's gradient, plus what of the source's does not oppose it.

For every component with gradients t (target) and s (source), TSJT Eqs. 8, 9 and 10 are

    u = s - min(<s, t>, 0) / <t, t> t,    step = target_weight t + source_weight u,

so <u, t> = max(0, <s, t>) and, to first order, the source never raises the target's loss.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from stflow_lib.kernels.backend import dispatch

LEAST = 1e-30  # a target gradient of a smaller square has no direction: s stays whole


def skewed_direction(
    target_grads: Sequence[Tensor],
    source_grads: Sequence[Tensor],
    target_weight: float,
    source_weight: float,
    granularity: str | Sequence[int] = "tensor",
) -> list[Tensor]:
    """Step of every parameter (TSJT Eqs. 9 and 10), shapes as given; nothing is read back.

    granularity "tensor": one component for each tensor (the paper); "global": one for all
    (the authors' code); else the component number of each tensor, such as its module's.
    ValueError for lists that do not match. Sums are float32 or better. The step has a gradient
    with respect to both lists in every form, for whoever learns through it; TSJT does not.
    """
    arguments = (target_grads, source_grads, target_weight, source_weight, granularity)
    return dispatch("skewed_direction", skewed_direction_naive, _torch, arguments)


def _torch(target_grads, source_grads, target_weight, source_weight, granularity) -> list:
    """Sums of all tensors stacked, one multiplication and one addition for the list."""
    groups = _groups(target_grads, source_grads, granularity)
    if not len(groups):
        return []
    dots = [_sum(s * t) for s, t in zip(source_grads, target_grads, strict=True)]
    norms = [_sum(t * t) for t in target_grads]
    ratio = _ratio(_gathered(dots, groups), _gathered(norms, groups))[groups.to(dots[0].device)]
    weights = target_weight - source_weight * ratio
    own = [*weights.to(target_grads[0].dtype).unbind()]
    step = torch._foreach_mul(list(target_grads), own)
    torch._foreach_add_(step, list(source_grads), alpha=source_weight)
    return list(step)


def skewed_direction_naive(
    target_grads: Sequence[Tensor],
    source_grads: Sequence[Tensor],
    target_weight: float,
    source_weight: float,
    granularity: str | Sequence[int] = "tensor",
) -> list[Tensor]:
    """The same as Eqs. 9 and 10 are printed: along and across, along only if it agrees."""
    groups = _groups(target_grads, source_grads, granularity).tolist()
    steps = [torch.empty(0)] * len(groups)
    for group in sorted(set(groups)):
        members = [k for k, own in enumerate(groups) if own == group]
        t = torch.cat([target_grads[k].flatten() for k in members])
        s = torch.cat([source_grads[k].flatten() for k in members])
        square = t @ t
        along = (s @ t) / square * t if square >= LEAST else torch.zeros_like(t)
        across = s - along
        same_direction = 1.0 if along @ t >= 0 else 0.0
        step = target_weight * t + source_weight * (across + same_direction * along)
        parts = step.split([target_grads[k].numel() for k in members])
        for k, part in zip(members, parts, strict=True):
            steps[k] = part.view_as(target_grads[k])
    return steps


def _groups(target_grads, source_grads, granularity) -> Tensor:
    """Component of each tensor, numbered from 0."""
    shapes = [[tuple(g.shape) for g in grads] for grads in (target_grads, source_grads)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"target gradients {shapes[0]}, source gradients {shapes[1]}")
    count = len(shapes[0])
    if granularity == "tensor":
        return torch.arange(count)
    if granularity == "global":
        return torch.zeros(count, dtype=torch.int64)
    if isinstance(granularity, str) or len(granularity) != count:
        raise ValueError(
            f"granularity {granularity!r}: want tensor, global or {count} component numbers"
        )
    return torch.tensor(granularity, dtype=torch.int64).unique(return_inverse=True)[1]


def _sum(x: Tensor) -> Tensor:
    return x.sum(dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)


def _gathered(sums: list[Tensor], groups: Tensor) -> Tensor:
    """Sums of tensors -> sums of components."""
    rows = torch.stack(sums)
    made = rows.new_zeros(int(groups.max()) + 1)
    return made.index_add(0, groups.to(rows.device), rows)


def _ratio(dots: Tensor, norms: Tensor) -> Tensor:
    """min(<s, t>, 0) / <t, t>, and 0 where t has no direction."""
    there = norms >= LEAST
    return torch.where(there, dots.clamp_max(0) / torch.where(there, norms, 1.0), 0.0)
