"""UrbanSTC+DM: how sure the split is, as a Dirichlet-multinomial over each block (of this book).

A block's coarse count x is known; its M^2 fine counts are x draws, one per vehicle, from shares
that are themselves uncertain: Dirichlet(alpha). Their mean is the network's split, their sum A,
the concentration, says how far a single map may stray from it; A -> infinity is the multinomial.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import restored
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings, fit_pretrained
from stflow_lib.kernels import conserve
from stflow_lib.training.loop import autocast
from stflow_lib.training.method import Method, Predictor

FLOOR = 1e-4  # added to every share: a fine cell that the split calls impossible may be wrong
CENTRE, SPAN = 5.0, 9.0  # log A lies between CENTRE - SPAN and CENTRE + SPAN, never beyond


def log_likelihood(
    fine: Float[Tensor, "b 1 fr fc"],
    coarse: Float[Tensor, "b 1 r c"],
    alpha: Float[Tensor, "b 1 fr fc"],
    factor: int,
) -> Float[Tensor, "b 1 r c"]:
    """Log probability of each block's fine counts given its coarse count, in nats, float64.

    fine [B, 1, HM, WM], vehicles, summing to coarse [B, 1, H, W] in each block; alpha > 0:
    lgamma(x + 1) + lgamma(A) - lgamma(x + A) + sum [lgamma(y + a) - lgamma(a) - lgamma(y + 1)].
    An empty block has probability one. float64, since the terms are large and cancel.
    """
    fine, coarse, alpha = fine.double(), coarse.double(), alpha.double()
    total = _block_sums(alpha, factor)
    cells = torch.lgamma(fine + alpha) - torch.lgamma(alpha) - torch.lgamma(fine + 1)
    whole = torch.lgamma(coarse + 1) + torch.lgamma(total) - torch.lgamma(coarse + total)
    return whole + _block_sums(cells, factor)


def check_counts(task: Task) -> None:
    """ValueError, naming the city and the first sample, unless all fine flows are integers."""
    broken = (task.fine != task.fine.round()).flatten(1).any(1)
    if broken.any():
        sample = int(broken.nonzero()[0])
        raise ValueError(
            f"{task.city}: fine flows of sample {sample} ({task.time[sample]}) are not whole "
            "vehicles; a Dirichlet-multinomial counts vehicles"
        )


class DirichletUrbanSTC(UrbanSTC):
    """UrbanSTC, whose split is the mean, and a second head for the concentration of a block.

    log A = CENTRE + SPAN tanh(s / SPAN), s = a value per block, learned, + two convolutions of
    log(1 + coarse map).
    """

    def __init__(self, task: Task, settings: UrbanSTCSettings):
        super().__init__(task, settings)
        width, size = settings.channels, task.coarse.shape[2:]
        self.factor = task.factor
        self.place = nn.Parameter(torch.zeros(1, 1, *size))
        self.spread = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1)
        )

    def shares(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The mean split, positive, summing to one in every block; even in an empty one."""
        split = super().forward(coarse, external) / upsample_nearest(
            coarse.clamp_min(1), self.factor
        )
        return conserve(split + FLOOR, torch.ones_like(coarse), self.factor, eps=0.0)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The distribution's mean, in vehicles."""
        return self.shares(coarse, external) * upsample_nearest(coarse, self.factor)

    def alpha(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The Dirichlet's parameters: mean split times concentration, [B, 1, HM, WM]."""
        raw = self.place + self.spread(torch.log1p(coarse)).float()
        concentration = (CENTRE + SPAN * torch.tanh(raw / SPAN)).exp()
        return self.shares(coarse, external) * upsample_nearest(concentration, self.factor)


def negative_log_likelihood(
    network: DirichletUrbanSTC, task: Task, batch: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of non-empty blocks, nats: what fine-tuning minimises."""
    coarse = task.coarse[batch]
    alpha = network.alpha(coarse, task.external[batch])
    total = log_likelihood(task.fine[batch], coarse, alpha, task.factor).sum()
    return -total / (coarse > 0).sum().clamp_min(1)


@dataclass
class DirichletPredictor(Predictor):
    """Called, it gives the mean in vehicles like any other predictor; it also knows the spread."""

    concentration: Callable[[Task, Tensor], Tensor] = field(kw_only=True)
    # (task, indices [B]) -> alpha [B, 1, HM, WM]: shares times the concentration of the block


def fit(
    task: Task, settings: UrbanSTCSettings, seed: int, folder: Path | None
) -> DirichletPredictor:
    """UrbanSTC, pre-trained as ever, fine-tuned on the likelihood of the fine counts.

    Raises ValueError for flows that are not whole vehicles, and for settings that contradict
    a likelihood: a split that may be negative, or a loss of another name.
    """
    if settings.constraint != "m2" or settings.loss != "squared":
        raise ValueError(
            f"UrbanSTC+DM: constraint {settings.constraint!r} and loss {settings.loss!r}: it has "
            "a split of its own kind ('m2') and a likelihood in place of the loss ('squared')"
        )
    check_counts(task)
    torch.manual_seed(seed)
    network = DirichletUrbanSTC(task, settings)
    fitted = fit_pretrained(network, negative_log_likelihood, task, settings, seed, folder)
    spread = partial(concentration, network, settings.training.precision)
    return DirichletPredictor(**vars(fitted), concentration=spread)


def concentration(
    network: DirichletUrbanSTC, precision: str, task: Task, indices: Int[Tensor, " b"]
) -> Float[Tensor, "b 1 fine_row fine_col"]:
    """The Dirichlet's parameters for the samples."""
    with torch.inference_mode(), autocast(precision, task.device):
        return network.alpha(task.coarse[indices], task.external[indices])


def again(form: dict, settings: UrbanSTCSettings, learned: dict) -> DirichletPredictor:
    """The predictor with the weights that it had learned."""
    fitted = restored(DirichletUrbanSTC, form, settings, learned)
    spread = partial(concentration, *fitted.predict.args)
    return DirichletPredictor(**vars(fitted), concentration=spread)


def _block_sums(cells: Tensor, factor: int) -> Tensor:
    return F.avg_pool2d(cells, factor) * factor**2


METHOD = Method("UrbanSTC+DM", UrbanSTCSettings, fit, again)
