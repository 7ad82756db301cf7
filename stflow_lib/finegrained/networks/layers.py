"""Layers that several networks share, and how maps are enlarged."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.kernels import conserve

EMBEDDED = {"weekday": (8, 2), "hour": (24, 3), "weather": (18, 3)}  # name: classes, width


def squareplus(
    raw: Float[Tensor, "*shape"], steepness: float = 10.0
) -> Float[Tensor, "*shape"]:
    """(b x + sqrt((b x)^2 + 4 ln(2)^2)) / (2 b), b the steepness (Barron, arXiv 2112.11687).

    Softplus of b x over b at 0, but below it falls as 0.48 / (b^2 |x|) instead of exponentially.
    Written without the difference that loses all digits there.
    """
    start = math.log(2) / steepness
    side = torch.where(raw > 0, 1.0, -1.0)
    wide = (raw.square() + 4 * start**2).sqrt() + side * raw
    return torch.where(raw > 0, wide / 2, 2 * start**2 / wide)


ACTIVATIONS = {
    "relu": F.relu,
    "shifted": lambda raw: F.relu(raw + 0.1),
    "softplus": F.softplus,
    "sharp": lambda raw: F.softplus(raw, beta=10),
    "squareplus": squareplus,
}


def init_normal(model: nn.Module) -> None:
    """Conv weights N(0, 0.02), BatchNorm weights N(1, 0.02); the rest as PyTorch has it."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


class Upsample(nn.Sequential):
    """[conv3x3 C -> 4C, (BatchNorm), PixelShuffle 2, ReLU] x log2(M).

    [B, C, H, W] -> [B, C, HM, WM]. `single` is the form of the paper's text: one conv
    C -> C M^2 and PixelShuffle(M).
    """

    def __init__(self, channels: int, factor: int, norm: bool = False, single: bool = False):
        if factor < 2 or factor & (factor - 1):
            raise ValueError(f"upscaling factor {factor} is not a power of two")
        step = factor if single else 2
        layers: list[nn.Module] = []
        for _ in range(round(math.log(factor, step))):
            layers.append(nn.Conv2d(channels, channels * step**2, 3, padding=1))
            layers += [nn.BatchNorm2d(channels * step**2)] if norm else []
            layers += [nn.PixelShuffle(step), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class ExternalFactors(nn.Module):
    """External factor fusion: weather and calendar to a value per cell (UrbanSTC section 4.3).

    [B, E] -> [B, 1, H, W]: weekday, hour and weather class are embedded, other columns used as
    they are; Linear -> 128, Dropout, ReLU, Linear -> H W, ReLU. Raises ValueError without columns.
    """

    def __init__(self, names: tuple[str, ...], rows: int, cols: int, dropout: float = 0.3):
        super().__init__()
        if not names:
            raise ValueError("external factors are switched on, but the city has none")
        self.names, self.size = names, (rows, cols)
        self.embeddings = nn.ModuleDict(
            {n: nn.Embedding(*EMBEDDED[n]) for n in EMBEDDED if n in names}
        )
        width = sum(EMBEDDED[n][1] if n in EMBEDDED else 1 for n in names)
        self.mlp = nn.Sequential(
            nn.Linear(width, 128),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(128, rows * cols),
            nn.ReLU(),
        )

    def forward(self, external: Float[Tensor, "batch factor"]) -> Float[Tensor, "batch 1 r c"]:
        """Weather and calendar X_e, to be added to the coarse map or laid beside it."""
        columns = dict(zip(self.names, external.unbind(1), strict=True))
        embedded = [table(columns[n].long()) for n, table in self.embeddings.items()]
        plain = [columns[n][:, None] for n in self.names if n not in EMBEDDED]
        return self.mlp(torch.cat(embedded + plain, 1)).unflatten(1, (1, *self.size))


CONSTRAINTS = ("m2", "m2_signed", "none")


class Split(nn.Module):
    """The network's last two lines: scores made non-negative, then M2-normalised (Eq. 15).

    activation "relu" is the paper's, and dies where every raw value of a block is negative, which
    its initialisation makes likely for whole networks; "shifted" is relu(raw + 0.1), alive at the
    start; "softplus" starts alive too, but cannot give zero, and answers slowly: at 0 its value
    is 0.69; "sharp" is log(1 + exp(10 raw)) / 10, near 0.07 there. Both fall exponentially, and
    with them the gradient: a block whose raw values are all below -2.2 ("sharp") or -24
    ("softplus") scores next to nothing beside eps, and is dead. "squareplus" is as sharp and falls
    as 1 / |raw|, so that neither its value nor its gradient vanishes: it does not die.
    `safe` adds eps to every score, so that an all-zero block falls back to the mean split instead
    of losing its vehicles.
    constraint "m2_signed" normalises raw scores of either sign (unbounded where they cancel);
    "none" is plain regression, raw values taken as vehicles: both leave the other two unused.
    """

    def __init__(
        self,
        factor: int,
        activation: str = "relu",
        safe: bool = False,
        constraint: str = "m2",
    ):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r}: want one of {[*ACTIVATIONS]}")
        if constraint not in CONSTRAINTS:
            raise ValueError(f"constraint {constraint!r}: want one of {[*CONSTRAINTS]}")
        self.factor, self.safe, self.activate = factor, safe, ACTIVATIONS[activation]
        self.constraint = constraint

    def forward(
        self,
        raw: Float[Tensor, "batch 1 fine_row fine_col"],
        coarse: Float[Tensor, "batch 1 r c"],
    ) -> Float[Tensor, "batch 1 fine_row fine_col"]:
        """Eq. 15, then the product with the coarse map: distributional upsampling.

        Always in float32: a bfloat16 count would lose vehicles.
        """
        if self.constraint == "none":
            return raw.float()
        if self.constraint == "m2_signed":
            return conserve(raw.float(), coarse, self.factor)
        score = self.activate(raw.float())
        if self.safe:
            return conserve(score + 1e-5, coarse, self.factor, eps=0.0)
        return conserve(score, coarse, self.factor)


def upsample_nearest(
    coarse: Float[Tensor, "b 1 r c"], factor: int
) -> Float[Tensor, "b 1 fr fc"]:
    """Every fine cell gets its coarse cell's value: [B, 1, H, W] -> [B, 1, HM, WM]."""
    return F.interpolate(coarse, scale_factor=factor, mode="nearest")


def doublings(factor: int) -> int:
    """log2(M); ValueError where M is not 2, 4, 8, ..."""
    if factor < 2 or factor & (factor - 1):
        raise ValueError(f"upscaling factor {factor} is not a power of two")
    return factor.bit_length() - 1


def conv(inputs: int, outputs: int, size: int = 3, bias: bool = True) -> nn.Conv2d:
    """A convolution of odd size that keeps rows and columns."""
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias)


def leaky() -> nn.LeakyReLU:
    """LeakyReLU 0.2, in place: SRResNet's and LapSRN's."""
    return nn.LeakyReLU(0.2, inplace=True)


class Residual(nn.Module):
    """x + body(x), the body made of layers that keep the shape."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "b c r w"]) -> Float[Tensor, "b c r w"]:
        """[B, C, H, W] -> the same."""
        return x + self.body(x)


def normed_residual(channels: int) -> Residual:
    """[conv3x3, BatchNorm, ReLU, conv3x3, BatchNorm] + input: UrbanFM's and UrbanPy's."""
    return Residual(
        conv(channels, channels), nn.BatchNorm2d(channels), nn.ReLU(True),
        conv(channels, channels), nn.BatchNorm2d(channels),
    )  # fmt: skip
