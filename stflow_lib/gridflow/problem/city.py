"""One city of a transfer task as resident tensors: flow, scale, valid cells, usable hours."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError

RANK = 0.999  # share of cell-hours below the upper end of a scale


@dataclass(frozen=True)
class CityFlow:
    """Demand of one grid city on one device: a flow series (Definition 2).

    flow [T, D, H, W] in trips per step, what predictions are judged against; scaled: the same
    as networks see it, (flow - low) / (high - low) with one pair for each direction;
    mask [D, H, W]: valid cells; poi [K, H, W]: counts or shares, where there are any;
    train, valid: label steps to learn from and to choose by, none before `lags`.
    """

    name: str
    flow: Float[Tensor, "time direction row col"]
    scaled: Float[Tensor, "time direction row col"]
    low: Float[Tensor, " direction"]
    high: Float[Tensor, " direction"]
    mask: Bool[Tensor, "direction row col"]
    poi: Float[Tensor, "category row col"] | None
    train: Int[Tensor, " train"]
    valid: Int[Tensor, " valid"]
    time: np.ndarray
    lags: int

    def windows(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b lag direction row col"]:
        """The `lags` scaled maps before each label step, oldest first."""
        return self.scaled[steps[:, None] + torch.arange(-self.lags, 0, device=steps.device)]

    def unscale(
        self, scaled: Float[Tensor, "b direction *any"]
    ) -> Float[Tensor, "b direction *any"]:
        """Scaled values [B, D, ...] in trips per step."""
        shape = (-1,) + (1,) * (scaled.ndim - 2)
        return scaled * (self.high - self.low).view(shape) + self.low.view(shape)

    def labels(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b region"]:
        """Scaled values of a one-direction city's valid cells."""
        return self.scaled[steps, 0].flatten(1)[:, self.cells()]

    def on_map(self, values: Float[Tensor, "b region"]) -> Float[Tensor, "b 1 row col"]:
        """Scaled values of a one-direction city's valid cells in trips; `low` in other cells."""
        maps = self.scaled.new_zeros(len(values), 1, *self.flow.shape[2:])
        maps.flatten(1)[:, self.cells()] = values.to(maps.dtype)
        return self.unscale(maps)

    def cells(self, direction: int = 0) -> Int[Tensor, " region"]:
        """Regions (Definition 1): flat indices, row * columns + column, of valid cells."""
        return self.mask[direction].flatten().nonzero()[:, 0]

    def only(self, direction: int) -> "CityFlow":
        """The same city with one direction; views, no copies."""
        one = slice(direction, direction + 1)
        return replace(
            self, flow=self.flow[:, one], scaled=self.scaled[:, one], low=self.low[one],
            high=self.high[one], mask=self.mask[one],
        )  # fmt: skip


Scale = tuple[Float[Tensor, " direction"], Float[Tensor, " direction"]]


def training_scale(flow: Float[Tensor, "time direction row col"], where: str) -> Scale:
    """Least and largest value of each direction over the hours given, [D] each.

    DataError naming `where` when a direction never changes: it cannot be scaled.
    """
    low, high = flow.amin((0, 2, 3)), flow.amax((0, 2, 3))
    _demand_change(low, high, where)
    return low, high


def robust_scale(flow: Float[Tensor, "time direction row col"], where: str) -> Scale:
    """Least value, and the 99.9 % entry of all above it, of each direction over the hours given.

    A maximum grows with the record: on the real targets that of three days is a third to nine
    tenths of that of two months. This one grows less, from a half to all of it, and cells without
    demand do not move it. DataError as `training_scale`.
    """
    low = flow.amin((0, 2, 3))
    high = torch.stack(
        [_upper(way, least) for way, least in zip(flow.unbind(1), low, strict=True)]
    )
    _demand_change(low, high, where)
    return low, high


def _upper(flow: Float[Tensor, "time row col"], low: Float[Tensor, ""]) -> Float[Tensor, ""]:
    values = flow[flow > low].sort().values
    return values[int(RANK * len(values))] if len(values) else low


def crosstres_scale(flow: Float[Tensor, "time direction row col"], where: str) -> Scale:
    """The released code's scale: from 0 or the minimum to the 99.9 % entry of all cell-hours.

    It reads the whole series, test hours included (CrossTReS, utils.py).
    """
    values = flow.transpose(0, 1).flatten(1).sort(1).values
    low = values[:, 0].clamp_min(0)
    high = values[:, int(RANK * values.shape[1])]
    _demand_change(low, high, where)
    return low, high


def _demand_change(
    low: Float[Tensor, " direction"], high: Float[Tensor, " direction"], where: str
) -> None:
    for direction, flat in enumerate((high <= low).tolist()):
        if flat:
            raise DataError(
                f"{where}: direction {direction} is {low[direction]:g} in every cell and step, "
                "so it cannot be scaled"
            )


def scale(
    flow: Float[Tensor, "time direction row col"],
    low: Float[Tensor, " direction"],
    high: Float[Tensor, " direction"],
) -> Float[Tensor, "time direction row col"]:
    """(flow - low) / (high - low), direction by direction."""
    low, high = (bound[:, None, None] for bound in (low, high))
    return (flow - low) / (high - low)
