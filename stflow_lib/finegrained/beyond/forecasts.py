"""Forecasts of one city's fine flows side by side: what a learned concentration is worth.

Four beta-binomial forecasts of the same fine cells, those of blocks that counted anybody:
UrbanSTC+DM, its mean with one concentration for the whole city, its mean with none (the
multinomial), and UrbanSTC's split as a multinomial.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.finegrained.beyond.beta_binomial import LEVELS, Marginals, cells_of, marginals
from stflow_lib.finegrained.beyond.dirichlet import FLOOR, DirichletPredictor, log_likelihood
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.kernels import conserve
from stflow_lib.training.method import Predictor

NAMES = ("UrbanSTC+DM", "one A for the city", "multinomial", "multinomial, UrbanSTC's split")
MULTINOMIAL = 1e7  # a concentration at which shares no longer vary
GRID = torch.logspace(
    -0.5, 4.5, 41, dtype=torch.float64
)  # candidates for the one concentration


@dataclass(frozen=True)
class Cells:
    """Beta-binomial(count, a, b) forecasts of N fine cells, and the flows that came."""

    truth: Float[Tensor, " cell"]
    count: Float[Tensor, " cell"]
    a: Float[Tensor, " cell"]
    b: Float[Tensor, " cell"]

    def mean(self) -> Float[Tensor, " cell"]:
        """Expected vehicles: count a / (a + b)."""
        return self.count * self.a / (self.a + self.b)

    def deviation(self) -> Float[Tensor, " cell"]:
        """Standard deviation, vehicles: the binomial's, times sqrt((A + n) / (A + 1))."""
        total = self.a + self.b
        dice = self.count * self.a * self.b / total**2
        return (dice * (total + self.count) / (total + 1)).sqrt()

    def only(self, chosen: Bool[Tensor, " cell"]) -> "Cells":
        """The forecasts of some of the cells."""
        return Cells(*(part[chosen] for part in vars(self).values()))

    def scores(self, levels: tuple[float, ...] = LEVELS) -> Marginals:
        """Intervals, CRPS and calibration of all cells."""
        return marginals(self.truth, self.count, self.a, self.b, levels)


@dataclass(frozen=True)
class Comparison:
    """The forecasts of `NAMES` on some maps of a task, cells in the order of `full`."""

    forecasts: dict[str, Cells]
    full: Bool[Tensor, "map 1 fine_row fine_col"]  # cells of blocks that counted anybody
    coarse: Float[Tensor, "map 1 row col"]
    concentration: Float[Tensor, "map 1 row col"]  # A of UrbanSTC+DM
    one: float  # the likeliest single concentration

    def on_map(
        self, cell: Float[Tensor, " cell"], k: int
    ) -> Float[Tensor, "fine_row fine_col"]:
        """A value per cell in its place on map k, zero in empty blocks."""
        whole = torch.zeros(self.full.shape, dtype=cell.dtype)
        whole[self.full] = cell
        return whole[k, 0]

    def by_map(self, cell: Float[Tensor, " cell"]) -> Float[Tensor, " some"]:
        """Mean over the cells of each map that has any."""
        where = self.full.nonzero()[:, 0]
        number = torch.bincount(where, minlength=len(self.full))
        total = torch.bincount(where, cell, minlength=len(self.full))
        return (total / number)[number > 0]


def evenly_spaced(part: Int[Tensor, " sample"], count: int) -> Int[Tensor, " some"]:
    """`count` of a part's samples at even distances from first to last, or all."""
    places = torch.linspace(0, len(part) - 1, min(count, len(part)))
    return part[places.round().long().to(part.device)]


def concentrated(
    weights: Float[Tensor, "b 1 fr fc"],
    coarse: Float[Tensor, "b 1 r c"],
    total: float,
    factor: int,
) -> Float[Tensor, "b 1 fr fc"]:
    """alpha with the split of `weights` and the concentration `total` in every block."""
    return conserve(weights, torch.full_like(coarse, total), factor, eps=0.0)


def likeliest(
    fine: Float[Tensor, "b 1 fr fc"],
    coarse: Float[Tensor, "b 1 r c"],
    weights: Float[Tensor, "b 1 fr fc"],
    factor: int,
) -> float:
    """The one of `GRID` that makes these maps likeliest, as concentration of all blocks."""
    scores = [
        log_likelihood(fine, coarse, concentrated(weights, coarse, a, factor), factor).sum()
        for a in GRID.tolist()
    ]
    return GRID[torch.stack(scores).argmax()].item()


def compare_forecasts(
    task: Task, dirichlet: DirichletPredictor, paper: Predictor, maps: int
) -> Comparison:
    """The four forecasts on `maps` evenly spaced test maps, on the CPU.

    `paper` is a fitted UrbanSTC. The one concentration is chosen on half as many validation maps.
    """
    test, valid = evenly_spaced(task.test, maps), evenly_spaced(task.valid, maps // 2)
    fine, coarse = task.fine[test].cpu().double(), task.coarse[test].cpu().double()
    alpha = _batched(dirichlet.concentration, task, test)
    before = (part[valid].cpu().double() for part in (task.fine, task.coarse))
    one = likeliest(*before, _batched(dirichlet.concentration, task, valid), task.factor)
    split = (
        _batched(paper, task, test) / upsample_nearest(coarse.clamp_min(1), task.factor) + FLOOR
    )
    alphas = [alpha] + [
        concentrated(weights, coarse, total, task.factor)
        for weights, total in ((alpha, one), (alpha, MULTINOMIAL), (split, MULTINOMIAL))
    ]
    forecasts = {
        name: Cells(*cells_of(fine, coarse, found, task.factor))
        for name, found in zip(NAMES, alphas, strict=True)
    }
    total = F.avg_pool2d(alpha, task.factor) * task.factor**2
    return Comparison(forecasts, upsample_nearest(coarse, task.factor) > 0, coarse, total, one)


def _batched(function, task: Task, samples: Tensor) -> Tensor:
    """What `function(task, samples)` gives for a few at a time, on the CPU, float64."""
    parts = [function(task, part).cpu().double() for part in samples.split(16)]
    return torch.cat(parts)
