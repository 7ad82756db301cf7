"""ST-net: a small CNN over each past map, an LSTM over each cell, a head (STBaT section 4.2).

The backbone of every learned method of this wing, so that only the transfer idea differs.
Layers follow CrossTReS's network without batch normalisation.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.gridflow.problem.hour_inputs import HOUR_CHANNELS

FEATURES = {"dup": 2, "h": 1}  # name: how often the hidden state stands in the feature


@dataclass(frozen=True)
class Backbone:
    """The network's size and the points that the paper and its code leave open."""

    channels: int = 64  # feature maps of the CNN
    blocks: int = 3  # residual blocks of two convolutions
    hidden: int = 128  # of the LSTM
    feature: str = "dup"  # z: hidden state twice, as the released code has it; "h": once
    sigmoid: bool = False  # last layer of the released code: cannot exceed the training maximum
    last_value: bool = False  # predict the change against the last hour, at first none
    unit: float = 1.0  # of the network's own numbers; demand is far below its maximum, and
    # training is faster where it sees values near 1. Neither is in the paper.

    def __post_init__(self):
        if self.feature not in FEATURES:
            raise ValueError(f"feature {self.feature!r}: want one of {[*FEATURES]}")
        if self.sigmoid and (self.last_value or self.unit != 1):
            raise ValueError("a sigmoid can give no change and has no unit: last_value, unit")
        if not self.unit > 0:
            raise ValueError(f"unit {self.unit} is not positive")

    @property
    def width(self) -> int:
        """J, numbers in a feature z."""
        return FEATURES[self.feature] * self.hidden


class Residual(nn.Module):
    """x + conv(relu(conv(relu(x)))): [N, C, H, W] -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "n c r w"]) -> Float[Tensor, "n c r w"]:
        """The maps plus what the two convolutions make of them."""
        return x + self.second(F.relu(self.first(F.relu(x))))


class PlainLSTM(nn.Module):
    """One LSTM layer in plain tensor operations; only its last hidden state comes out.

    The fused one has no second derivative, which MAML needs. Parameters, their names and their
    start are those of `nn.LSTM`: 4 H (inputs + H + 2) numbers.
    """

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        like = nn.LSTM(inputs, hidden)
        for name, parameter in like.named_parameters():
            self.register_parameter(name, parameter)

    def forward(self, x: Float[Tensor, "n lag inputs"]) -> Float[Tensor, "n hidden"]:
        """The hidden state after the last step, from zeros."""
        h = c = x.new_zeros(len(x), self.hidden)
        for step in x.unbind(1):
            gates = F.linear(step, self.weight_ih_l0, self.bias_ih_l0)
            gates = gates + F.linear(h, self.weight_hh_l0, self.bias_hh_l0)
            i, f, g, o = gates.chunk(4, 1)  # input, forget, candidate, output
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return h


class STNet(nn.Module):
    """Past maps of one direction -> next value of chosen cells, and their features (Eqs. 8 and 9).

    x [B, L, H, W] scaled, cells [R] flat indices -> prediction [B, R] scaled, z [B, R, J].
    Nothing in it belongs to a cell or a city: any H, W and R will do. With `clock` the windows
    are those of `CityFlowWithHour`, and the LSTM reads the hour beside its cell.
    """

    def __init__(self, size: Backbone = Backbone(), clock: bool = False):
        super().__init__()
        self.size, self.told = size, HOUR_CHANNELS * clock
        blocks = [Residual(size.channels) for _ in range(size.blocks)]
        self.cnn = nn.Sequential(nn.Conv2d(1, size.channels, 3, padding=1), *blocks)
        self.lstm = PlainLSTM(size.channels + self.told, size.hidden)
        self.head = nn.Sequential(
            nn.Linear(size.width, size.width), nn.ReLU(), nn.Linear(size.width, 1)
        )
        if size.last_value:
            zero_last_layer(self.head)

    def forward(
        self, x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
    ) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region width"]]:
        """Predictions and features z of the chosen cells."""
        z = self.features(x, cells)
        return self.output(z, x, cells), z

    def output(
        self,
        z: Float[Tensor, "b region inputs"],
        x: Float[Tensor, "b lag row col"],
        cells: Int[Tensor, " region"],
    ) -> Float[Tensor, "b region"]:
        """The predictor (Eq. 9): the head's number for each cell, as `size` wants it."""
        out = self.head(z)[..., 0] * self.size.unit
        if self.size.sigmoid:
            out = out.sigmoid()
        if self.size.last_value:
            out = out + x[:, -1 - self.told].flatten(1)[:, cells]
        return out

    def features(
        self, x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
    ) -> Float[Tensor, "b region width"]:
        """The feature extractor (Eq. 8): z of the chosen cells, from which statistics are taken."""
        past, clock = x.split([x.shape[1] - self.told, self.told], 1)
        maps = self.cnn(rearrange(past / self.size.unit, "b l h w -> (b l) 1 h w"))
        series = rearrange(maps.flatten(2)[..., cells], "(b l) c r -> (b r) l c", b=len(x))
        if self.told:
            hour = clock.flatten(2)[..., cells]
            hour = repeat(hour, "b k r -> (b r) l k", l=past.shape[1])
            series = torch.cat([series, hour], 2)
        h = rearrange(self.lstm(series), "(b r) j -> b r j", b=len(x))
        return h.repeat(1, 1, FEATURES[self.size.feature])


def zero_last_layer(head: nn.Sequential) -> None:
    """Zeros in the last layer: what it is added to comes through unchanged at first."""
    nn.init.zeros_(head[-1].weight)
    nn.init.zeros_(head[-1].bias)
