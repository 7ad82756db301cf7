"""A scalar whose gradient is given: how a combined step enters an ordinary optimiser."""

import torch
from jaxtyping import Float
from torch import Tensor


class SurrogateGradient(torch.autograd.Function):
    """A scalar whose gradient with respect to the parameters is the one given, not derived.

    With it any update rule runs inside `fit.train`: value, gradients (None: none), parameters.
    """

    @staticmethod
    def forward(ctx, value, gradients, *parameters):
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx, upstream):
        return None, None, *(g if g is None else g * upstream for g in ctx.gradients)


def surrogate_value(value: Tensor, parameters, gradients) -> Float[Tensor, ""]:
    """A scalar equal to `value` whose gradient with respect to the parameters is the one given."""
    line = sum((p * g.detach()).sum() for p, g in zip(parameters, gradients, strict=True))
    return value + line - line.detach()
