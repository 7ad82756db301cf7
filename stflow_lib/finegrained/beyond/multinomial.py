"""MultinomialNet: a block's vehicles as draws from learned shares, fitted by maximum likelihood.

Given its count x, a block's fine counts are x draws from shares p. Squared error of flows counts
a share's error by x squared, the likelihood by x, which is as sure as x draws make it: with few
maps the fuller blocks no longer drown the others. A little squared error stays beside it, since
vehicles that come in groups are less sure than draws. What noise is left is averaged away. The
network is told which way the vehicles go, and the time where a week of maps teaches what it means.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from stflow_lib.finegrained.beyond.sharenet import (
    ShareNet,
    ShareNetSettings,
    historical_shares,
)
from stflow_lib.finegrained.networks.layers import Residual, conv
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import fit_network, restored
from stflow_lib.training.method import Method, Predictor

HARMONICS = 3  # of the day: sines and cosines that tell the time
WEEK = np.timedelta64(7, "D")  # of training maps: with less, an hour is a few maps of few days


@dataclass(frozen=True)
class MultinomialSettings(ShareNetSettings):
    """ShareNet's, and what keeps few maps from being learned by heart."""

    noise: float = 1.0  # of coarse counts in training, in Poisson deviations
    dropout: float = 0.1  # of feature maps in the residual blocks in training
    squared: float = 0.1  # weight of squared error over the mean flow beside the likelihood
    average: float = 0.99  # of the old mean of the weights that a step keeps, at most


def informed(task: Task) -> Task:
    """The task with what its samples are told in place of external factors.

    Direction (0, 1, ...), then sine and cosine of `HARMONICS` of the day and whether it is a
    weekend, [S, 2 + 2 HARMONICS].
    """
    time = pd.DatetimeIndex(task.time)
    turn = np.outer(math.tau * (time.hour + time.minute / 60) / 24, range(1, HARMONICS + 1))
    way = np.arange(len(time)) % len(task.directions)
    told = np.column_stack([way, np.sin(turn), np.cos(turn), time.dayofweek >= 5])
    return replace(task, external=torch.from_numpy(told).to(task.coarse), external_names=())


class SplitNetwork(ShareNet):
    """ShareNet's scores, with historical shares and inputs that know direction and time.

    Of an `informed` task. Noise and dropout disturb it while it is trained.
    """

    clock: Float[Tensor, ""]

    def __init__(self, task: Task, settings: MultinomialSettings):
        super().__init__(task, settings)
        width, self.noise = settings.channels, settings.noise
        dropped = [
            Residual(
                nn.GELU(), conv(width, width), nn.GELU(), nn.Dropout2d(settings.dropout),
                conv(width, width),
            )
            for _ in range(settings.blocks)
        ]  # fmt: skip
        inputs = 1 + task.factor**2 + task.external.shape[1]
        first = nn.Conv2d(inputs, width, 3, padding=1)
        self.body = nn.Sequential(first, *dropped, nn.GELU())
        ways, train = len(task.directions), task.train
        each = [replace(task, train=train[way::ways]) for way in range(ways)]
        shares = torch.cat([historical_shares(one, settings.smoothing) for one in each])
        self.log_shares = nn.Parameter(shares.log())  # [direction, 1, HM, WM]
        span = task.time[len(train) - 1] - task.time[0]  # training maps come first
        self.register_buffer("clock", torch.tensor(float(span >= WEEK)))

    def log_split(
        self, coarse: Float[Tensor, "b 1 r c"], told: Float[Tensor, "b told"]
    ) -> Float[Tensor, "b cell r c"]:
        """Log of each fine cell's share of its block, [B, M^2, H, W]; exp sums to one over M^2."""
        seen = self.disturbed(coarse) if self.training else coarse
        cells = self.factor**2
        shares = F.pixel_unshuffle(self.log_shares[told[:, 0].long()], self.factor)
        told = torch.cat([told[:, :1], told[:, 1:] * self.clock], 1)
        moment = told[:, :, None, None].expand(-1, -1, *coarse.shape[2:])
        place = shares + math.log(cells)  # even split: zero
        out = self.last(self.body(torch.cat([torch.log1p(seen), place, moment], 1))).float()
        modes = F.pixel_unshuffle(self.modes, self.factor)[None]
        mixed = (out[:, cells:, None] * modes).sum(1)
        return (shares + out[:, :cells] + mixed).log_softmax(1)

    def disturbed(self, coarse: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b 1 r c"]:
        """Counts x about as another draw from the same rates has them.

        (1 + x) exp(noise z / sqrt(1 + x)) - 1, z normal: Poisson counts are their own variance.
        Above -1, so that log1p exists.
        """
        spread = self.noise * torch.rsqrt(1 + coarse)
        return torch.expm1(torch.log1p(coarse) + spread * torch.randn_like(coarse))

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b told"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """Shares times the block's count."""
        return F.pixel_shuffle(self.log_split(coarse, external).exp() * coarse, self.factor)


class MultinomialNet(nn.Module):
    """A `SplitNetwork` that learns, and an exponential moving average of its weights that predicts.

    external [B, told] as of an `informed` task.
    The n-th step keeps (1 + n) / (10 + n) of the average, at most `settings.average`: the first
    weights are soon forgotten. The average is no parameter: it is not counted and has no gradient.
    """

    steps: Int[Tensor, ""]
    scale: Float[Tensor, ""]

    def __init__(self, task: Task, settings: MultinomialSettings):
        super().__init__()
        self.network, self.most = SplitNetwork(task, settings), settings.average
        self.squared = settings.squared
        self.register_buffer("scale", task.fine[task.train].mean().clamp_min(1e-6))
        self.register_buffer("steps", torch.tensor(0))
        for i, weight in enumerate(self.network.parameters()):
            self.register_buffer(f"mean_{i}", weight.detach().clone())

    def means(self) -> dict[str, Float[Tensor, "..."]]:
        """The averages by the names of the network's parameters."""
        names = (name for name, _ in self.network.named_parameters())
        return {name: getattr(self, f"mean_{i}") for i, name in enumerate(names)}

    def follow(self) -> None:
        """Move the averages towards the weights as they are now."""
        self.steps += 1
        kept = min(self.most, (1 + self.steps.item()) / (10 + self.steps.item()))
        weights = [weight.detach() for weight in self.network.parameters()]
        torch._foreach_lerp_([*self.means().values()], weights, 1 - kept)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b told"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The average's shares times the block's count, vehicles."""
        return functional_call(self.network, self.means(), (coarse, external))


def cross_entropy(
    fine: Float[Tensor, "b cell r c"], log_split: Float[Tensor, "b cell r c"]
) -> Float[Tensor, ""]:
    """-sum y log p, the multinomial log-likelihood's part that learns: nats per fine cell.

    Empty blocks have no say.
    """
    return -(fine * log_split).mean()


def split_loss(
    model: MultinomialNet, task: Task, batch: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """`cross_entropy` + `squared` times the mean squared error over the mean flow in training.

    Of the network that learns; its weights enter the average first. Known rates of Poisson counts
    have a squared error of 1 in this unit.
    """
    model.follow()
    coarse, fine = task.coarse[batch], F.pixel_unshuffle(task.fine[batch], task.factor)
    log_split = model.network.log_split(coarse, task.external[batch])
    error = F.mse_loss(log_split.exp() * coarse, fine) / model.scale
    return cross_entropy(fine, log_split) + model.squared * error


def fit(task: Task, settings: MultinomialSettings, seed: int, folder: Path | None) -> Predictor:
    """Train from random weights on the informed task; the predictor informs by itself."""
    torch.manual_seed(seed)
    told = informed(task)
    network = MultinomialNet(told, settings)
    return _telling(fit_network(network, told, settings.training, seed, folder, split_loss))


def _telling(fitted: Predictor) -> Predictor:
    """A predictor for tasks that are not `informed` yet."""
    return replace(fitted, predict=partial(_predict, fitted.predict))


def _predict(predict, task: Task, indices: Int[Tensor, " b"]):
    return predict(informed(task), indices)


def _restore(form: dict, settings: MultinomialSettings, learned: dict) -> Predictor:
    return _telling(restored(_build, form, settings, learned))


def _build(task: Task, settings: MultinomialSettings) -> MultinomialNet:
    return MultinomialNet(informed(task), settings)


METHOD = Method("MultinomialNet", MultinomialSettings, fit, _restore)
