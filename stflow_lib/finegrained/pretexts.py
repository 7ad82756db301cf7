"""UrbanSTC's three pretext tasks: what an encoder can learn from coarse maps alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.blocks import Split, Upsample, initialise
from stflow_lib.finegrained.task import Task, coarser
from stflow_lib.fit import History, Training, autocast, train
from stflow_lib.kernels import nearest_and_farthest


@dataclass(frozen=True)
class Regional:
    """Regional contrast (Reg): cells of equal flow alike, others apart (UrbanSTC section 3.2)."""

    criterion: str = "embedding"  # who is positive: "embedding" (released code), "flow" (Eq. 2)
    loss: str = "logsumexp"  # "logsumexp" (released code), "sigmoid" (same), "ratio" (Eq. 4)
    threshold: float = 1e-4  # lambda: largest distance of a positive pair
    training: Training = Training(epochs=100, learning_rate=1e-4, halve_every=20)


@dataclass(frozen=True)
class SuperResolution:
    """Super-resolution of the coarse map itself (Inf, UrbanSTC section 3.3)."""

    training: Training = Training(epochs=200, learning_rate=1e-4, halve_every=0)


@dataclass(frozen=True)
class Temporal:
    """Temporal contrast by triplets (TCS, UrbanSTC section 3.4)."""

    sampling: str = "weight"  # "weight" (Algorithm 1) or "hard": the nearest and the farthest
    neighbours: int = 5  # K of weight sampling
    margin: float = 15.0  # of the triplet loss
    normalise: bool = True  # embedding L2-normalised times 2 (released code), or plain (text)
    global_pool: bool = False  # neighbours from the whole training part, as the code has it
    training: Training = Training(epochs=200, learning_rate=1e-4, halve_every=0)


class Encoder(nn.Sequential):
    """conv 1 -> C, ReLU, conv C -> C, ReLU: [B, 1, H, W] -> [B, C, H, W]; kernel 1 is pointwise."""

    def __init__(self, channels: int, kernel: int):
        pad = kernel // 2
        super().__init__(
            nn.Conv2d(1, channels, kernel, padding=pad),
            nn.ReLU(True),
            nn.Conv2d(channels, channels, kernel, padding=pad),
            nn.ReLU(True),
        )
        initialise(self)


class RegionalHead(nn.Module):
    """Encoder -> BatchNorm -> Linear, ReLU per cell: [B, 1, H, W] -> Z [B, H W, C]."""

    def __init__(self, encoder: Encoder, channels: int):
        super().__init__()
        self.encoder, self.norm = encoder, nn.BatchNorm2d(channels)
        self.project = nn.Linear(channels, channels)
        initialise(self.norm)

    def forward(self, coarse: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b cell channel"]:
        cells = self.norm(self.encoder(coarse)).flatten(2).transpose(1, 2)
        return F.relu(self.project(cells))


def positives(
    settings: Regional,
    z: Float[Tensor, "b cell channel"],
    flow: Float[Tensor, "b cell"],
    anchor: Int[Tensor, " b"],
) -> Bool[Tensor, "b cell"]:
    """Which cells count as like the anchor; the anchor itself always does.

    "embedding": mean squared difference of embeddings < lambda, without gradient;
    "flow": |x_q - x_j| <= lambda with flows as given (scaled to [0, 1] by the trainer).
    """
    rows = torch.arange(len(z), device=z.device)
    if settings.criterion == "embedding":
        return (z.detach() - z.detach()[rows, anchor][:, None]).pow(2).mean(
            2
        ) < settings.threshold
    if settings.criterion == "flow":
        return (flow - flow[rows, anchor][:, None]).abs() <= settings.threshold
    raise ValueError(f"Reg: criterion {settings.criterion!r} is neither embedding nor flow")


def regional_loss(
    settings: Regional,
    z: Float[Tensor, "b cell channel"],
    flow: Float[Tensor, "b cell"],
    anchor: Int[Tensor, " b"],
) -> Float[Tensor, ""]:
    """One anchor per map against all its cells, mean over the batch.

    With s_j = <z_q, z_j>, P the positives and N the rest: "logsumexp" log(1 + sum_N e^s) +
    log(1 + sum_P e^-s); "sigmoid" multi-label soft margin; "ratio" -log(P / (P + N)), Eq. 4.
    """
    likeness = torch.einsum("bc,bjc->bj", z[torch.arange(len(z), device=z.device), anchor], z)
    same = positives(settings, z, flow, anchor)
    if settings.loss == "sigmoid":
        return F.multilabel_soft_margin_loss(likeness, same.float())
    if settings.loss == "ratio":
        return (likeness.logsumexp(1) - _masked(likeness, same).logsumexp(1)).mean()
    if settings.loss != "logsumexp":
        raise ValueError(f"Reg: loss {settings.loss!r}: want logsumexp, sigmoid or ratio")
    zero = likeness.new_zeros(len(z), 1)
    apart = torch.cat([zero, _masked(likeness, ~same)], 1).logsumexp(1)
    alike = torch.cat([zero, _masked(-likeness, same)], 1).logsumexp(1)
    return (apart + alike).mean()


def _masked(values: Tensor, keep: Tensor) -> Tensor:
    return values.masked_fill(~keep, -torch.inf)


class InferenceNet(nn.Module):
    """Coarser map [B, 1, H/M, W/M] -> coarse map [B, 1, H, W], vehicles (section 3.3)."""

    def __init__(self, encoder: Encoder, channels: int, factor: int, split: Split):
        super().__init__()
        self.encoder = encoder
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(True),
            nn.Dropout(0.5),
            Upsample(channels, factor, norm=True),
            nn.Conv2d(channels, 1, 3, padding=1),
        )
        self.split = split
        initialise(self.decoder)

    def forward(self, coarser_map: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b 1 fr fc"]:
        return self.split(self.decoder(self.encoder(coarser_map)), coarser_map)


class TemporalHead(nn.Module):
    """Encoder -> BatchNorm -> mean over the map -> Linear, ReLU (-> norm 2): [B, 1, H, W] -> [B, C]."""

    def __init__(self, encoder: Encoder, channels: int, normalise: bool):
        super().__init__()
        self.encoder, self.norm = encoder, nn.BatchNorm2d(channels)
        self.project, self.normalise = nn.Linear(channels, channels), normalise
        initialise(self.norm)

    def forward(self, coarse: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b channel"]:
        d = F.relu(self.project(self.norm(self.encoder(coarse)).mean((2, 3))))
        return 2 * d / (d.pow(2).sum(1, keepdim=True) + 1e-10).sqrt() if self.normalise else d


def triplets(
    settings: Temporal, maps: Float[Tensor, "n 1 r c"], pool: Float[Tensor, "m 1 r c"]
) -> tuple[Float[Tensor, "n 1 r c"], Float[Tensor, "n 1 r c"]]:
    """A positive and a negative map for each map; the pool begins with the maps themselves.

    "hard": the nearest other map and the farthest; "weight": K of each, the near ones weighted
    by 1 / distance and the far ones by distance (UrbanSTC Algorithm 1). Equal maps are guarded.
    """
    if settings.sampling not in ("weight", "hard"):
        raise ValueError(f"TCS: sampling {settings.sampling!r} is neither weight nor hard")
    k = min(settings.neighbours, len(pool) - 1) if settings.sampling == "weight" else 1
    near, near_i, far, far_i = (
        x[: len(maps)] for x in nearest_and_farthest(pool.flatten(1), k)
    )
    return _mix(pool, near_i, 1 / near.clamp_min(1e-6)), _mix(pool, far_i, far.clamp_min(1e-6))


def _mix(pool: Tensor, indices: Tensor, weight: Tensor) -> Tensor:
    weight = weight / weight.sum(1, keepdim=True)
    return sum(w[:, None, None, None] * pool[i] for w, i in zip(weight.T, indices.T))


def triplet_loss(
    anchor: Float[Tensor, "b d"],
    near: Float[Tensor, "b d"],
    far: Float[Tensor, "b d"],
    margin: float,
) -> Float[Tensor, ""]:
    """mean max(0, margin + |a - p|^2 - |a - n|^2). With norm-2 embeddings squared distances stay
    below 8, so at margin 15 the hinge never closes: the loss is linear, 15 at indifference."""
    gap = (anchor - near).pow(2).sum(1) - (anchor - far).pow(2).sum(1)
    return F.relu(margin + gap).mean()


Fit = Callable[[Encoder, Task, int, Path | None], History]


def pretrain_regional(
    settings: Regional,
    encoder: Encoder,
    channels: int,
    task: Task,
    seed: int,
    folder: Path | None,
) -> History:
    """Train the encoder by regional contrast on coarse maps; validation anchors are fixed."""
    head = RegionalHead(encoder, channels).to(task.device)
    largest = task.coarse[task.train].max()
    cells = task.coarse.shape[2] * task.coarse.shape[3]
    fixed = torch.Generator().manual_seed(0)
    anchors = torch.randint(cells, (len(task.coarse),), generator=fixed).to(task.device)

    def loss(batch: Tensor, anchor: Tensor | None = None) -> Tensor:
        maps = task.coarse[batch]
        anchor = (
            torch.randint(cells, (len(batch),)).to(task.device) if anchor is None else anchor
        )
        return regional_loss(settings, head(maps), maps.flatten(1) / largest, anchor)

    def score() -> dict[str, float]:
        return {"valid": _mean_over(task.valid, lambda batch: loss(batch, anchors[batch]))}

    return train(
        head, loss, task.train, score, settings.training, seed=seed, stage="reg", folder=folder
    )


def pretrain_inference(
    settings: SuperResolution,
    encoder: Encoder,
    channels: int,
    task: Task,
    split: Split,
    seed: int,
    folder: Path | None,
) -> History:
    """Train the encoder to refine coarser maps; the criterion is the validation error."""
    network = InferenceNet(encoder, channels, task.factor, split)
    network = network.to(task.device, memory_format=torch.channels_last)
    small = coarser(task)

    def loss(batch: Tensor) -> Tensor:
        with autocast(settings.training.precision, task.device):
            return F.mse_loss(network(small[batch]), task.coarse[batch])

    def score() -> dict[str, float]:
        return {"valid_rmse": _mean_over(task.valid, loss) ** 0.5}

    return train(
        network,
        loss,
        task.train,
        score,
        settings.training,
        seed=seed,
        stage="inf",
        folder=folder,
    )


def pretrain_temporal(
    settings: Temporal,
    encoder: Encoder,
    channels: int,
    task: Task,
    seed: int,
    folder: Path | None,
) -> History:
    """Train the encoder by triplets mined once from coarse maps, per part of the split."""
    head = TemporalHead(encoder, channels, settings.normalise).to(task.device)
    near, far = torch.empty_like(task.coarse), torch.empty_like(task.coarse)
    pool = task.train_all if settings.global_pool else task.train
    for part, others in [(task.train, pool), (task.valid, task.valid)]:
        near[part], far[part] = triplets(settings, task.coarse[part], task.coarse[others])

    def loss(batch: Tensor) -> Tensor:
        embedded = (head(maps[batch]) for maps in (task.coarse, near, far))
        return triplet_loss(*embedded, settings.margin)

    def score() -> dict[str, float]:
        return {"valid": _mean_over(task.valid, loss)}

    return train(
        head, loss, task.train, score, settings.training, seed=seed, stage="tcs", folder=folder
    )


def _mean_over(samples: Tensor, loss: Callable[[Tensor], Tensor], batch: int = 256) -> float:
    return sum(loss(b).item() * len(b) for b in samples.split(batch)) / len(samples)
