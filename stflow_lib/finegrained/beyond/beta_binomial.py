"""One fine cell under a Dirichlet-multinomial: intervals, CRPS and calibration, exactly.

Of x vehicles in a block, fine cell i gets a beta-binomial number: x, alpha_i, A - alpha_i. All
sums run over the counts 0 ... x; nothing is sampled.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from stflow_lib.finegrained.networks.layers import upsample_nearest

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of the central intervals
CHUNK = 4096  # cells whose distributions are in memory at once


def cdf(
    count: Float[Tensor, " cell"], a: Float[Tensor, " cell"], b: Float[Tensor, " cell"]
) -> Float[Tensor, "cell value"]:
    """P(Y <= k) for k = 0 ... max(count), float64; beta-binomial(count, a, b), a and b > 0.

    From P(0) by the ratio of neighbours, (n - k)(a + k) / ((k + 1)(b + n - k - 1)).
    """
    n, a, b = (v.double()[:, None] for v in (count, a, b))
    k = torch.arange(int(count.max()), dtype=torch.float64, device=count.device)
    ratio = (n - k) * (a + k) / ((k + 1) * (b + (n - k - 1).clamp_min(0)))
    first = (
        torch.lgamma(b + n) - torch.lgamma(b) + torch.lgamma(a + b) - torch.lgamma(a + b + n)
    )
    steps = ratio.clamp_min(0).log()  # -inf from k = n on: nothing lies above n
    mass = torch.cat([first, first + steps.cumsum(1)], 1).exp()
    return torch.where(_values(mass) >= n, 1.0, mass.cumsum(1).clamp_max(1.0))


@dataclass(frozen=True)
class Marginals:
    """What the distributions of N cells say about what happened there."""

    crps: Float[Tensor, " cell"]  # continuous ranked probability score, vehicles
    low: Float[Tensor, "cell level"]  # central intervals, both ends included, vehicles
    high: Float[Tensor, "cell level"]
    below: Float[Tensor, " cell"]  # P(Y < y)
    upto: Float[Tensor, " cell"]  # P(Y <= y)
    truth: Float[Tensor, " cell"]  # y, vehicles
    levels: tuple[float, ...]

    def coverage(self) -> Float[Tensor, " level"]:
        """Share of cells inside their central interval; counts make it at least the level."""
        truth = self.truth[:, None]
        return ((self.low <= truth) & (truth <= self.high)).double().mean(0)

    def width(self) -> Float[Tensor, " level"]:
        """Mean length of the central intervals, vehicles."""
        return (self.high - self.low).mean(0)

    def calibration(self, grid: Float[Tensor, " point"]) -> Float[Tensor, " point"]:
        """Share of PIT values up to each point of `grid` in [0, 1]; the diagonal is perfect.

        The PIT of a count is spread evenly over [P(Y < y), P(Y <= y)] (Czado, Gneiting and
        Held, Biometrics 2009), so that a right forecast gives the diagonal in spite of ties.
        """
        mass = (self.upto - self.below).clamp_min(1e-12)
        return torch.stack(
            [((u - self.below) / mass).clamp(0, 1).mean() for u in grid.double()]
        )


def marginals(
    truth: Float[Tensor, " cell"],
    count: Float[Tensor, " cell"],
    a: Float[Tensor, " cell"],
    b: Float[Tensor, " cell"],
    levels: tuple[float, ...] = LEVELS,
) -> Marginals:
    """Scores of beta-binomial(count, a, b) forecasts of `truth`, in chunks of similar counts."""
    order = count.argsort()
    parts = [
        _scores(truth[rows], count[rows], a[rows], b[rows], levels)
        for rows in order.split(CHUNK)
    ]
    back = order.argsort()
    joined = (torch.cat(columns)[back] for columns in zip(*parts, strict=True))
    return Marginals(*joined, truth.double(), levels)


def cells_of(
    fine: Float[Tensor, "b 1 fr fc"],
    coarse: Float[Tensor, "b 1 r c"],
    alpha: Float[Tensor, "b 1 fr fc"],
    factor: int,
) -> Iterator[Float[Tensor, " cell"]]:
    """truth, count, a and b of all fine cells in non-empty blocks: what `marginals` takes."""
    total = F.avg_pool2d(alpha.double(), factor) * factor**2
    count = upsample_nearest(coarse.double(), factor)
    full = count > 0
    rest = upsample_nearest(total, factor) - alpha
    return (part[full].double() for part in (fine, count, alpha, rest))


def _scores(truth, count, a, b, levels) -> tuple[Tensor, ...]:
    table, y = cdf(count, a, b), truth.double()[:, None]
    crps = (table - (_values(table) >= y).double()).square().sum(1)
    tails = [(1 - level) / 2 for level in levels]
    low, high = (
        torch.searchsorted(table, table.new_tensor(ends).expand(len(table), -1).contiguous())
        for ends in (tails, [1 - t for t in tails])
    )
    padded = F.pad(table, (1, 0))
    below, upto = (padded.gather(1, y.long() + shift)[:, 0] for shift in (0, 1))
    return crps, low.double(), high.double(), below, upto


def _values(table: Tensor) -> Tensor:
    return torch.arange(table.shape[1], dtype=torch.float64, device=table.device)
