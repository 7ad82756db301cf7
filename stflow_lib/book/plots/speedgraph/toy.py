"""Two gradients without a network: quadratic losses in the plane, angles, random directions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.speedgraph.tsjt.tsb import GradientRule


@dataclass(frozen=True)
class Quadratic:
    """The loss (θ - minimum)ᵀ curvature (θ - minimum) / 2."""

    curvature: Float[Tensor, "2 2"]
    minimum: Float[Tensor, " 2"]

    def loss(self, points: Float[Tensor, "*way 2"]) -> Float[Tensor, "*way"]:
        """Loss at some points."""
        off = points - self.minimum
        return 0.5 * ((off @ self.curvature) * off).sum(-1)

    def gradient(self, at: Float[Tensor, " 2"]) -> Float[Tensor, " 2"]:
        """Where the loss rises fastest."""
        return self.curvature @ (at - self.minimum)

    def plane(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Loss on a grid of coordinates, for contours."""
        return self.loss(torch.tensor(np.stack([x, y], -1))).numpy()


def descend(
    rule: GradientRule, losses: Mapping[str, Quadratic], start: Float[Tensor, " 2"],
    steps: int = 150, rate: float = 0.03,
) -> Float[Tensor, "steps 2"]:  # fmt: skip
    """Points on the way of a rule down the losses of "target" and "source"."""
    way = [start]
    for _ in range(steps):
        pair = ([losses[name].gradient(way[-1])] for name in ("target", "source"))
        way.append(way[-1] - rate * rule(*pair)[0])
    return torch.stack(way)


def first_conflict(
    way: Float[Tensor, "steps 2"], losses: Mapping[str, Quadratic], below: float = -1.0
) -> Float[Tensor, " 2"]:
    """The first point of a way at which the gradients' inner product is below a number."""
    slopes = ([losses[name].gradient(point) for point in way] for name in ("target", "source"))
    return next(p for p, t, s in zip(way, *slopes, strict=True) if t @ s < below)


def downhill_parts(
    at: Float[Tensor, " 2"], losses: Mapping[str, Quadratic]
) -> dict[str, np.ndarray]:
    """Both gradients at a point, turned downhill, and the parts of the source's."""
    g_t, g_s = (-losses[name].gradient(at) for name in ("target", "source"))
    along = (g_s @ g_t) / (g_t @ g_t) * g_t
    parts = {"$g_T$": g_t, "$g_S$": g_s, "$g_{ST}$": along, "$g_{SV}$": g_s - along}
    return {name: part.numpy() for name, part in parts.items()}


def added_by_angle(rule: str, angles: np.ndarray) -> np.ndarray:
    """What a rule adds [A, 2] to a target of length 1 from a source of length 1, by angle."""
    step, target = GradientRule(rule, 1.0, 1.0, "global"), torch.tensor([1.0, 0.0])
    sources = torch.tensor(np.stack([np.cos(angles), np.sin(angles)], 1)).float()
    return np.stack([(step([target], [source])[0] - target).numpy() for source in sources])


def uphill_shares(rule: GradientRule, draws: int, size: int = 20) -> dict[str, float]:
    """In how many of 100 random pairs, the source five times as long, a step leads uphill.

    Adam's first step has the signs of the gradient.
    """
    up = {"plain step": 0, "Adam's first step": 0}
    for _ in range(draws):
        target, source = torch.randn(size), 5 * torch.randn(size)
        way = rule([target], [source])[0]
        up["plain step"] += float(way @ target) < -1e-5
        up["Adam's first step"] += float(way.sign() @ target) < -1e-5
    return {name: 100 * count / draws for name, count in up.items()}
