"""Prediction intervals from errors on held-out data (split conformal prediction).

Errors of counts grow with the count. So the held-out errors are sorted into bins by the size of
the prediction, and a new prediction takes the quantiles of its bin, with the ranks that hold for
finite samples (Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World; bins
as in Mondrian conformal prediction). Within a bin the interval between the levels a and b then
holds the truth with a probability of at least b - a, if held-out and new errors can be exchanged.

The last bin is wide where few cells are busy, and new predictions may be larger than any held-out
one. Errors of counts `grow` there: above the middle of that bin they are taken in proportion to
the prediction.

"At least" is more than a little for rare counts: where a cell is empty in most hours, the lower
bound is 0 at any level below the share of those hours, and no truth lies under it. So a 90 %
interval of counts below one holds 95 to 100 % of them, as that of a known Poisson law does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor, inf
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.data.errors import DataError

BINS = 12  # of equal shares, at most; the last one is halved again as long as it can be
LEAST = 200  # errors in a bin, where there are as many
GRID = 200  # levels are known to 1 / GRID: 0.005, 0.01, ..., 0.995


@dataclass(frozen=True)
class Bands:
    """Held-out errors by size of the prediction.

    edges [B - 1] between bins, ascending; below, above [B, GRID - 1]: truth minus prediction at
    the levels k / GRID, ranks rounded outwards. middle: mean prediction of the last bin, above
    which errors grow with the prediction; infinite: they do not.
    """

    edges: Float[Tensor, " edge"]
    below: Float[Tensor, "bin level"]
    above: Float[Tensor, "bin level"]
    middle: Float[Tensor, ""] = field(default_factory=lambda: torch.tensor(inf))

    @classmethod
    def of(
        cls, guess: Float[Tensor, "*any"], truth: Float[Tensor, "*any"], grow: bool = False
    ) -> "Bands":
        """The bands of N >= 1 held-out predictions; DataError for none."""
        guess, truth = guess.flatten().double(), truth.flatten().double()
        if not len(guess):
            raise DataError("no held-out prediction to calibrate an interval by")
        edges = _edges(guess)
        bins, errors = torch.bucketize(guess, edges, right=True), truth - guess
        parts = [_quantiles(errors[bins == b]) for b in range(len(edges) + 1)]
        below, above = (torch.stack(ends) for ends in zip(*parts, strict=True))
        last = guess[bins == len(edges)].mean()
        return cls(edges, below, above, last if grow and last > 0 else torch.tensor(inf))

    def bounds(
        self, guess: Float[Tensor, "*any"], levels: Sequence[float]
    ) -> tuple[Float[Tensor, "*any"], Float[Tensor, "*any"]]:
        """Lower and upper bounds of predictions at two levels, in the unit of the predictions."""
        low, high = demand_levels(levels)
        bins = torch.bucketize(guess.double(), self.edges, right=True)
        first, last = floor(low * GRID + 1e-9) - 1, ceil(high * GRID - 1e-9) - 1
        ends = self.below[:, max(first, 0)], self.above[:, min(last, GRID - 2)]
        size = (guess.double() / self.middle).clamp_min(1)
        lower, upper = ((guess.double() + end[bins] * size).to(guess.dtype) for end in ends)
        return lower, upper

    def wider(self, factor: float | int) -> "Bands":
        """The same with all errors times `factor`."""
        return replace(self, below=self.below * factor, above=self.above * factor)

    def arrays(self) -> dict[str, Any]:
        """What a file keeps: `Bands(**arrays)` is the same again."""
        return dict(vars(self))


def bounds_in_units(
    held: Sequence[Float[Tensor, " n"]],
    guess: Float[Tensor, "*any"],
    unit: Float[Tensor, "*any"],
    levels: Sequence[float],
) -> tuple[Float[Tensor, "*any"], Float[Tensor, "*any"]]:
    """Bounds of predictions whose errors are alike in a unit of their own.

    held: predictions, truths and units of N >= 1 held-out ones.
    """
    usual, truth, own = held
    ends = Bands.of(usual, usual + (truth - usual) / own).bounds(guess, levels)
    lower, upper = (guess + (end - guess) * unit for end in ends)
    return lower, upper


def demand_levels(levels: Sequence[float]) -> tuple[float, float]:
    """The lower and the upper level; DataError unless 0 < lower < upper < 1."""
    ends = tuple(levels)
    if len(ends) != 2 or not 0 < ends[0] < ends[1] < 1:
        raise DataError(f"levels {ends}: want a lower and an upper one between 0 and 1")
    return ends


def _edges(guess: Float[Tensor, " n"]) -> Float[Tensor, " edge"]:
    """Bounds that part the predictions into equal shares, and halve the last share until it has
    fewer than 2 `LEAST`; without empty bins.

    Most cells of a city are quiet, and its few busy ones have most of the trips: all in one bin,
    their errors would be those of its quietest.
    """
    bins = max(1, min(BINS, len(guess) // LEAST))
    places, tail = [k * len(guess) // bins for k in range(1, bins)], len(guess) // bins
    while (tail := tail // 2) >= LEAST:
        places.append(len(guess) - tail)
    edges = guess.sort().values[places].unique()
    return edges[edges > guess.min()]


def _quantiles(errors: Float[Tensor, " n"]) -> tuple[Float[Tensor, " q"], Float[Tensor, " q"]]:
    """Errors at each level, ranks floor((n + 1) level) and ceil((n + 1) level) of 1 ... n."""
    levels = torch.arange(1, GRID, dtype=torch.float64) / GRID
    ordered, ranks = errors.sort().values, (len(errors) + 1) * levels
    low, high = ((r.long() - 1).clamp(0, len(errors) - 1)
                 for r in ((ranks + 1e-9).floor(), (ranks - 1e-9).ceil()))  # fmt: skip
    return ordered[low], ordered[high]
