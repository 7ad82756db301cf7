"""What a region is for: shares of its POI, and two stand-ins where no POI can be joined.

STBaT reads the POI of its sources (K = 14 groups). The JONAS grids have none: their functional
profile takes its place, drawn from the other mode, so that no predictor sees its own labels.
"""

import numpy as np
import pandas as pd
import torch
import xarray as xr
from jaxtyping import Bool, Float
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import DIMS

WEEKDAY = ((0, 6), (6, 10), (10, 16), (16, 20), (20, 24))  # local hours, ends exclusive
WEEKEND = ((0, 10), (10, 24))


def poi_shares(
    poi: Float[Tensor, "category row col"], mask: Bool[Tensor, "row col"]
) -> Float[Tensor, "region category"]:
    """Rows of Eq. 5: each valid cell's POI as shares that sum to 1; all zero where it has none.

    poi [K, H, W] counts or shares, mask [H, W] -> [R, K] in the order of flat cell indices.
    """
    counts = poi[:, mask].T
    total = counts.sum(1, keepdim=True)
    return torch.where(total > 0, counts / total.clamp_min(1e-12), 0.0)


def main_purpose(poi: xr.DataArray) -> xr.DataArray:
    """The kind of each cell, poi (category, row, col) -> (row, col): its largest group.

    -1 where a cell has none; the attribute `names` says what the numbers stand for.
    """
    largest = poi.argmax("category").where(poi.sum("category") > 0, -1).astype(np.int64)
    names = tuple(str(name) for name in poi["category"].values)
    return largest.drop_vars("category", errors="ignore").assign_attrs(names=names)


def functional_profile(other: xr.Dataset, steps: slice) -> xr.DataArray:
    """When a cell's trips of the other mode begin and end: shares over 7 times of the week.

    other: the same city's other mode; `steps` of it may be read (the training part). ->
    poi (category, row, col) float32, 7 x directions categories that sum to 1 in each cell, or
    to 0 where no trip was. DataError when no step is left to read.
    """
    time = pd.DatetimeIndex(other.time.values[steps])
    if not len(time):
        raise DataError(f"{other.attrs['name']}: no steps in {steps} to draw a profile from")
    flow = other.flow.values[steps].astype(np.float64)
    bins, names = _bins(time)
    counts = np.stack([flow[inside].sum(0) for inside in bins])  # [7, D, H, W]
    total = counts.sum((0, 1))
    shares = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    labels = [f"{way} {name}" for name in names for way in other.direction.values]
    return _poi(shares.reshape(-1, *total.shape), labels)


def dirichlet_profile(
    rows: int, cols: int, seed: int = 0, categories: int = 14
) -> xr.DataArray:
    """The control: shares drawn at random, which say nothing about a cell."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(categories), (rows, cols)).transpose(2, 0, 1)
    return _poi(shares, [f"random {k}" for k in range(categories)])


def _bins(time: pd.DatetimeIndex) -> tuple[list[np.ndarray], list[str]]:
    """Which steps lie in which time of the week, and its name."""
    weekend = np.asarray(time.dayofweek > 4)
    parts = [("weekday", ~weekend, b) for b in WEEKDAY] + [
        ("weekend", weekend, b) for b in WEEKEND
    ]
    inside = [days & (time.hour >= b[0]) & (time.hour < b[1]) for _, days, b in parts]
    return inside, [f"{name} {b[0]}-{b[1]}" for name, _, b in parts]


def _poi(shares: np.ndarray, names: list[str]) -> xr.DataArray:
    return xr.DataArray(shares.astype(np.float32), {"category": names}, DIMS["poi"], "poi")
