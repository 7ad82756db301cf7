"""A scalar whose gradient is given: how a combined step enters an ordinary optimiser."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


class _Surrogate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, gradients, *parameters):
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx, upstream):
        return None, None, *(g if g is None else g * upstream for g in ctx.gradients)


def surrogate_value(
    value: Float[Tensor, ""], parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]
) -> Float[Tensor, ""]:
    """A scalar equal to `value` whose gradient by each parameter is the one given (None: none).

    With it any update rule runs inside `training.loop.train`.
    """
    return _Surrogate.apply(value.detach(), gradients, *parameters)
