"""FODE: a differential equation in place of the residual blocks (Zhou et al., IJCAI 2020)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import ExternalFactors, Split, Upsample, init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method
from stflow_lib.kernels import conserve

HIDDEN = {"4m": 128, "cufar": 64}  # variant: hidden units of the external factors


@dataclass(frozen=True)
class FODESettings(NetworkSettings):
    """FODE, whose configuration no source states: two readings of it.

    With external factors the ReLU before the split comes after the fine external map is added,
    so that every score is non-negative. `constraint` "none" drops augmented normalisation too:
    raw value plus fine external map, taken as vehicles.
    """

    variant: str = (
        "4m"  # "4m": the printed size, inferred layers; "cufar": a third party's code
    )
    external: bool = False  # weather and calendar: two more equations, augmented normalisation


def runge_kutta(
    slope: Callable[[Tensor], Tensor], state: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """One step of the 3/8 rule from t = 0 to 1 through dx/dt = slope(x): four evaluations.

    What a fixed-step Adams solver does between two times: without history it starts like this.
    """
    k1 = slope(state)
    k2 = slope(state + k1 / 3)
    k3 = slope(state - k1 / 3 + k2)
    k4 = slope(state + k1 - k2 + k3)
    return state + (k1 + 3 * (k2 + k3) + k4) / 8


class Equation(nn.Sequential):
    """x(0) [B, ...] -> x(1) [B, ...], the layers being dx/dt."""

    def forward(self, state: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The state at t = 1."""
        return runge_kutta(super().forward, state)


def feature_equation(channels: int) -> Equation:
    """[conv3x3, GroupNorm, ReLU, conv3x3, GroupNorm]; 32 groups, or one a channel below 32."""
    groups = min(32, channels)
    if channels % groups:
        raise ValueError(f"FODE: {channels} channels do not divide into {groups} groups")
    return Equation(
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.GroupNorm(groups, channels),
        nn.ReLU(True),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.GroupNorm(groups, channels),
    )


def row_equation(cols: int) -> Equation:
    """The same three layers for every row of a map: d -> 2d -> 2d -> d, d = columns."""
    return Equation(
        nn.Linear(cols, 2 * cols),
        nn.ELU(),
        nn.Linear(2 * cols, 2 * cols),
        nn.ELU(),
        nn.Linear(2 * cols, cols),
    )


class External(nn.Module):
    """Factors [B, E] -> a coarse map [B, 1, H, W], a fine one and the fine equation's end."""

    def __init__(self, task: Task, hidden: int):
        super().__init__()
        rows, cols = task.coarse.shape[2:]
        self.factors = ExternalFactors(task.external_names, rows, cols, dropout=0.5)
        mlp = self.factors.mlp  # its two Linear layers at the variant's width
        mlp[0] = nn.Linear(mlp[0].in_features, hidden)
        mlp[3] = nn.Linear(hidden, rows * cols)
        self.coarse = row_equation(cols)
        self.up = Upsample(1, task.factor, norm=True)
        self.fine = row_equation(cols * task.factor)

    def forward(
        self, external: Float[Tensor, "b e"]
    ) -> tuple[
        Float[Tensor, "b 1 r c"], Float[Tensor, "b 1 fr fc"], Float[Tensor, "b 1 fr fc"]
    ]:
        """The coarse map, the fine map and the fine equation's end, in this order."""
        weather = self.factors(external)
        weather = weather + self.coarse(weather)
        enlarged = self.up(weather)
        end = self.fine(enlarged)
        return weather, enlarged + end, end


class Combined(nn.Module):
    """Variant "4m": start and end of the equation, concatenated, conv9x9 2C -> C, ReLU."""

    def __init__(self, channels: int):
        super().__init__()
        self.equation = feature_equation(channels)
        self.combine = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 9, padding=4), nn.ReLU(True)
        )

    def forward(self, features: Float[Tensor, "b c r w"]) -> Float[Tensor, "b c r w"]:
        """Features [B, C, H, W] -> the same."""
        return self.combine(torch.cat([features, self.equation(features)], 1))


class Gated(nn.Module):
    """Variant "cufar": start plus end, a normalised residual, a gate for every channel."""

    def __init__(self, channels: int, rows: int, cols: int):
        super().__init__()
        self.equation = feature_equation(channels)
        self.residual = nn.Sequential(
            nn.LayerNorm([channels, rows, cols]),
            nn.ReLU(True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(True),
        )
        narrow = 8  # C / 16 at C = 128; a single unit often starts dead
        self.mean_gate, self.peak_gate = (
            nn.Sequential(
                nn.Linear(channels, narrow), nn.ReLU(True), nn.Linear(narrow, channels)
            )
            for _ in range(2)
        )

    def forward(self, features: Float[Tensor, "b c r w"]) -> Float[Tensor, "b c r w"]:
        """Features [B, C, H, W] -> the same."""
        features = features + self.equation(features)
        features = features + self.residual(features)
        gate = self.mean_gate(features.mean((2, 3))) + self.peak_gate(features.amax((2, 3)))
        return features * gate.sigmoid()[:, :, None, None]


class FODE(nn.Module):
    """coarse [B, 1, H, W], external [B, E] -> fine [B, 1, HM, WM], vehicles.

    Raises ValueError for an unknown variant and for channels that do not divide into groups.
    """

    def __init__(self, task: Task, settings: FODESettings):
        super().__init__()
        if settings.variant not in HIDDEN:
            raise ValueError(f"FODE: variant {settings.variant!r}: want one of {[*HIDDEN]}")
        width, (rows, cols) = settings.channels, task.coarse.shape[2:]
        self.external = External(task, HIDDEN[settings.variant]) if settings.external else None
        self.first = nn.Conv2d(1 + settings.external, width, 9, padding=4)
        self.trunk = Combined(width) if settings.variant == "4m" else Gated(width, rows, cols)
        self.up = Upsample(width, task.factor, norm=True)
        self.last = nn.Conv2d(width, 1, 9, padding=4)
        self.split = settings.split(task.factor)
        init_normal(self)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The fine map; with external factors by augmented normalisation."""
        if self.external is None:
            return self.split(self.last(self.up(self.trunk(self.first(coarse)))), coarse)
        weather, fine_weather, end = self.external(external)
        features = self.trunk(self.first(torch.cat([coarse, weather], 1)))
        raw = self.last(self.up(features)) + fine_weather
        return augmented(self.split, raw, end, coarse)


def augmented(
    split: Split,
    raw: Float[Tensor, "b 1 fr fc"],
    weather: Float[Tensor, "b 1 fr fc"],
    coarse: Float[Tensor, "b 1 r c"],
) -> Float[Tensor, "b 1 fr fc"]:
    """Augmented normalisation: M2(p (1 + sigmoid(q))) X, p = M2(raw), q = M2(weather)."""
    if split.constraint == "none":
        return split(raw, coarse)
    whole = torch.ones_like(coarse)
    share, pull = split(raw, whole), split(weather, whole)
    return conserve(share * (1 + pull.sigmoid()), coarse, split.factor)


METHOD = network_method("FODE", FODESettings, FODE)
