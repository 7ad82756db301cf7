"""Regional contrast (Reg): cells of equal flow alike, others apart (UrbanSTC section 4.1.1)."""

from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.urbanstc.pretext import Encoder, Pretext, mean_over
from stflow_lib.training.loop import Training


@dataclass(frozen=True)
class RegionalSettings:
    """Regional contrast (Reg): cells of equal flow alike, others apart (UrbanSTC section 4.1.1)."""

    criterion: str = "embedding"  # who is positive: "embedding" (released code), "flow" (Eq. 3)
    loss: str = "logsumexp"  # "logsumexp" (released code), "sigmoid" (same), "ratio" (Eq. 4)
    threshold: float = 1e-4  # lambda: largest distance of a positive pair
    training: Training = field(
        default_factory=partial(Training, epochs=100, learning_rate=1e-4, halve_every=20)
    )


class RegionalHead(nn.Module):
    """Encoder -> BatchNorm -> Linear, ReLU per cell: [B, 1, H, W] -> Z [B, H W, C]."""

    def __init__(self, encoder: Encoder, channels: int):
        super().__init__()
        self.encoder, self.norm = encoder, nn.BatchNorm2d(channels)
        self.project = nn.Linear(channels, channels)
        init_normal(self.norm)

    def forward(self, coarse: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b cell channel"]:
        """An embedding, not negative, for each cell."""
        cells = self.norm(self.encoder(coarse)).flatten(2).transpose(1, 2)
        return F.relu(self.project(cells))


def positives(
    settings: RegionalSettings,
    z: Float[Tensor, "b cell channel"],
    flow: Float[Tensor, "b cell"],
    anchor: Int[Tensor, " b"],
) -> Bool[Tensor, "b cell"]:
    """Which cells count as like the anchor (Eqs. 2 and 3); the anchor itself always does.

    "flow": |x_q - x_j| <= lambda as printed, flows as given (scaled to [0, 1] by the pretext);
    "embedding", the released code: mean squared difference of embeddings < lambda, without
    gradient.
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
    settings: RegionalSettings,
    z: Float[Tensor, "b cell channel"],
    flow: Float[Tensor, "b cell"],
    anchor: Int[Tensor, " b"],
) -> Float[Tensor, ""]:
    """One anchor per map against all its cells, mean over the batch: Eq. 4 and the code's form.

    With s_j = <z_q, z_j>, P the positives and N the rest: "logsumexp" log(1 + sum_N e^s) +
    log(1 + sum_P e^-s); "sigmoid" multi-label soft margin; "ratio" -log(P / (P + N)),
    Eq. 4, with P and N the sums of e^s.
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


def regional_pretext(
    settings: RegionalSettings, encoder: Encoder, channels: int, task: Task
) -> Pretext:
    """Regional contrast: the encoder trained by Eq. 4 or its form; validation anchors are fixed."""
    head = RegionalHead(encoder, channels).to(task.device)
    largest = task.coarse[task.train].max()
    cells = task.coarse.shape[2] * task.coarse.shape[3]
    fixed = torch.Generator().manual_seed(0)
    anchors = torch.randint(cells, (len(task.coarse),), generator=fixed).to(task.device)

    def loss(batch: Tensor, anchor: Tensor | None = None) -> Tensor:
        maps = task.coarse[batch]
        if anchor is None:
            anchor = torch.randint(cells, (len(batch),)).to(task.device)
        return regional_loss(settings, head(maps), maps.flatten(1) / largest, anchor)

    def score() -> dict[str, float]:
        return {"valid": mean_over(task.valid, lambda batch: loss(batch, anchors[batch]))}

    return Pretext("reg", head, loss, score, settings.training)
