"""Temporal contrast (TCS): maps of alike traffic near, unlike ones far (UrbanSTC section 4.2)."""

from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.urbanstc.pretext import Encoder, Pretext, mean_over
from stflow_lib.kernels import nearest_and_farthest
from stflow_lib.training.loop import Training


@dataclass(frozen=True)
class TemporalSettings:
    """Temporal contrast by triplets (TCS, UrbanSTC section 4.2)."""

    sampling: str = "weight"  # "weight" (Algorithm 1) or "hard": the nearest and the farthest
    neighbours: int = 5  # K of weight sampling
    margin: float = 15.0  # of the triplet loss
    normalise: bool = True  # embedding L2-normalised times 2 (released code), or plain (text)
    global_pool: bool = False  # neighbours from the whole training part, as the code has it
    training: Training = field(
        default_factory=partial(Training, epochs=200, learning_rate=1e-4, halve_every=0)
    )


class TemporalHead(nn.Module):
    """Encoder -> BatchNorm -> mean over the map -> Linear, ReLU (-> norm 2).

    [B, 1, H, W] -> [B, C].
    """

    def __init__(self, encoder: Encoder, channels: int, normalise: bool):
        super().__init__()
        self.encoder, self.norm = encoder, nn.BatchNorm2d(channels)
        self.project, self.normalise = nn.Linear(channels, channels), normalise
        init_normal(self.norm)

    def forward(self, coarse: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b channel"]:
        """An embedding, not negative, for each map."""
        d = F.relu(self.project(self.norm(self.encoder(coarse)).mean((2, 3))))
        return 2 * d / (d.pow(2).sum(1, keepdim=True) + 1e-10).sqrt() if self.normalise else d


def triplets(
    settings: TemporalSettings, maps: Float[Tensor, "n 1 r c"], pool: Float[Tensor, "m 1 r c"]
) -> tuple[Float[Tensor, "n 1 r c"], Float[Tensor, "n 1 r c"]]:
    """A positive and a negative map for each map; the pool begins with the maps themselves.

    Hard sampling: the nearest other map and the farthest, by distance (Eq. 6). Weight sampling
    (Algorithm 1): K of each, the near ones weighted by 1 / distance (Eq. 7) and the far ones by
    distance (Eq. 8). Equal maps are guarded.
    """
    if settings.sampling not in ("weight", "hard"):
        raise ValueError(f"TCS: sampling {settings.sampling!r} is neither weight nor hard")
    k = min(settings.neighbours, len(pool) - 1) if settings.sampling == "weight" else 1
    near, near_i, far, far_i = (
        x[: len(maps)] for x in nearest_and_farthest(pool.flatten(1), k)
    )
    return weighted_mean(pool, near_i, 1 / near.clamp_min(1e-6)), weighted_mean(
        pool, far_i, far.clamp_min(1e-6)
    )


def weighted_mean(
    pool: Float[Tensor, "m 1 r c"], indices: Int[Tensor, "n k"], weight: Float[Tensor, "n k"]
) -> Float[Tensor, "n 1 r c"]:
    """Sum over k of w_k / (sum of w) times map number k of each row: Eqs. 7 and 8."""
    weight = weight / weight.sum(1, keepdim=True)
    return sum(
        w[:, None, None, None] * pool[i] for w, i in zip(weight.T, indices.T, strict=True)
    )


def triplet_loss(
    anchor: Float[Tensor, "b d"],
    near: Float[Tensor, "b d"],
    far: Float[Tensor, "b d"],
    margin: float,
) -> Float[Tensor, ""]:
    """Mean of max(0, d), d = |a - p|^2 - |a - n|^2 + margin (Eqs. 9 and 10).

    With norm-2 embeddings squared distances stay below 8, so at margin 15 the hinge never
    closes: the loss is linear, 15 at indifference.
    """
    gap = (anchor - near).pow(2).sum(1) - (anchor - far).pow(2).sum(1)
    return F.relu(margin + gap).mean()


def temporal_pretext(
    settings: TemporalSettings, encoder: Encoder, channels: int, task: Task
) -> Pretext:
    """Temporal contrast: the encoder in triplets mined once, in each part of the split by itself.

    The loss is Eq. 10, on triplets of Algorithm 1.
    """
    head = TemporalHead(encoder, channels, settings.normalise).to(task.device)
    near, far = torch.empty_like(task.coarse), torch.empty_like(task.coarse)
    pool = task.train_all if settings.global_pool else task.train
    for part, others in [(task.train, pool), (task.valid, task.valid)]:
        near[part], far[part] = triplets(settings, task.coarse[part], task.coarse[others])

    def loss(batch: Tensor) -> Tensor:
        embedded = (head(maps[batch]) for maps in (task.coarse, near, far))
        return triplet_loss(*embedded, settings.margin)

    def score() -> dict[str, float]:
        return {"valid": mean_over(task.valid, loss)}

    return Pretext("tcs", head, loss, score, settings.training)
