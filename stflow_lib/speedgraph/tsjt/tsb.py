"""TSB, TSJT's target-skewed backward step, and other rules that make one step of two gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.kernels import skewed_direction

Gradient = Float[Tensor, "..."]  # of one parameter, as the parameter is
Gradients = Sequence[Gradient]
POOLED = "pooled"


@dataclass(frozen=True)
class GradientRule:
    """How the target's and the sources' gradients become one."""

    rule: str = "tsb"  # a name of RULES, or "pooled": "sum", weights being shares of a batch
    target_weight: float = 0.2  # times Adam's rate 1e-3 the paper's gamma1 = 2e-4
    source_weight: float = 0.001  # likewise gamma2 = 1e-6
    granularity: str = "tensor"  # components of "tsb": "tensor", or "global" for one

    def __post_init__(self):
        if self.rule not in (*RULES, POOLED):
            raise ValueError(f"rule {self.rule!r}: want one of {[*RULES, POOLED]}")

    def of_batch(self, target: int, source: int) -> "GradientRule":
        """Itself; "pooled" as the sum whose weights are the windows' shares of a batch, so that
        the step is the gradient of the mean over all of them."""
        if self.rule != POOLED:
            return self
        both = target + source
        return GradientRule("sum", target / both, source / both)

    def __call__(self, target: Gradients, source: Gradients) -> list[Gradient]:
        """The combined gradient of every parameter; nothing is read back from the device."""
        return RULES[self.rule](target, source, self)


def tsb(target: Gradients, source: Gradients, step: GradientRule) -> list[Gradient]:
    """TSB (Eqs. 9 and 10): of the source's gradient only what does not oppose the target's."""
    return skewed_direction(
        target, source, step.target_weight, step.source_weight, step.granularity
    )


def weighted_sum(target: Gradients, source: Gradients, step: GradientRule) -> list[Gradient]:
    """Joint training: the weighted sum of both, conflicts and all."""
    return _sum(target, source, step.target_weight, step.source_weight)


def target_only(target: Gradients, source: Gradients, step: GradientRule) -> list[Gradient]:
    """The target's gradient; the sources are there and are not used."""
    return _sum(target, source, step.target_weight, 0.0)


def agem(target: Gradients, source: Gradients, step: GradientRule) -> list[Gradient]:
    """A-GEM (Chaudhry et al., ICLR 2019) with the target as its reference, plus the target.

    One component and equal weights: the source's gradient without what opposes the target's.
    """
    weight = step.target_weight
    return skewed_direction(target, source, weight, weight, "global")


def pcgrad(target: Gradients, source: Gradients, step: GradientRule) -> list[Gradient]:
    """PCGrad (Yu et al., NeurIPS 2020) of two tasks: each without what opposes the other."""
    mine = skewed_direction(source, target, 0.0, 1.0, "global")
    theirs = skewed_direction(target, source, 0.0, 1.0, "global")
    return _sum(mine, theirs, step.target_weight, step.source_weight)


def cosine_gate(target: Gradients, source: Gradients, step: GradientRule) -> list[Gradient]:
    """The source's gradient whole if its cosine with the target's is positive, else none."""
    agree = sum((s * t).sum() for s, t in zip(source, target, strict=True)) > 0
    kept = [torch.where(agree, s, 0.0) for s in source]
    return _sum(target, kept, step.target_weight, step.source_weight)


def _sum(
    one: Gradients, other: Gradients, weight: float, other_weight: float
) -> list[Gradient]:
    return [weight * a + other_weight * b for a, b in zip(one, other, strict=True)]


RULES: dict[str, Callable[[Gradients, Gradients, GradientRule], list[Gradient]]] = {
    "tsb": tsb,
    "sum": weighted_sum,
    "target": target_only,
    "agem": agem,
    "pcgrad": pcgrad,
    "gate": cosine_gate,
}
