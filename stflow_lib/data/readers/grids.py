"""Grid cities read from arrays: BikeNYC in UrbanFM's layout, New York's taxis of 2016, JONAS."""

from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.read import read_npy, read_npz, real_numbers
from stflow_lib.data.schema import check_blocks, grid_city

PARTS = ("train", "valid", "test")
JONAS_START = "2015-10-24 00:00"
JONAS_FILES = {"nyc": "JONAS-NYC-16x8", "dc": "JONAS-DC-9x12"}
JONAS_CLOCK = (
    "wall clock without gaps: the hour that daylight saving repeats (2015-11-01 01:00, row "
    "193) holds the trips of both its passes"
)
P6_CLOCK = (
    "inferred from the data: wall clock from 2018-01-01 00:00; the hour that daylight saving "
    "skips (2018-03-11 02:00, row 1658) is an empty row"
)
NYC_2016_STEPS = (3024, 1296)  # half-hours of the source's two files
NYC_2016_CLOCK = (
    "inferred from the data: wall clock from 2016-01-01 00:00; the hour that daylight saving "
    "skips (2016-03-13 02:00, rows 3460 and 3461) is all but empty"
)


def read_parts(base: Path, factor: int) -> dict[str, np.ndarray]:
    """UrbanFM's layout, `{train,valid,test}/{X,Y}.npy` in a folder or a zip of its name.

    -> fine [T, D, HM, WM] of the three parts on one time axis, split (3 counts). X of every
    part must be exactly the block sum of Y.
    """
    fine, split = [], []
    for part in PARTS:
        x, y = (read_npy(base / part / f"{name}.npy", axes=(3, 4)) for name in "XY")
        x, y = (a[:, None] if a.ndim == 3 else a for a in (x, y))
        check_blocks(x, y, factor, f"{base / part}")
        if y.shape[1:] != (fine or [y])[0].shape[1:]:
            raise DataError(f"{base / part}: Y {y.shape} is not of the shape of {PARTS[0]}")
        fine.append(exact(y, np.float32, f"{base / part}: Y"))
        split.append(len(y))
    return {"fine": np.concatenate(fine), "split": tuple(split)}


def read_bikenyc_p6(folder: Path):
    """Citi Bike New York, in and out flow, 2,189 hours in three parts, fine and coarse.

    The source states neither place nor year. Both show in the data, and are read so: row 0 of
    the files is the south (Jersey City lies west of lower Manhattan), so rows are turned; the
    three parts follow each other from Monday 2018-01-01 (quiet Mondays on New Year, Martin
    Luther King's and Presidents' Day, and an empty row at the hour skipped on 2018-03-11).
    """
    parts = read_parts(folder / "bikenyc-p6" / "P6", factor=2)
    time = pd.date_range("2018-01-01", periods=len(parts["fine"]), freq="h")
    return grid_city(
        parts["fine"][..., ::-1, :], time, ["inflow", "outflow"],
        split=parts["split"], factor=2, clock=P6_CLOCK,
    )  # fmt: skip


def read_nyc_2016(folder: Path):
    """Taxi trips of New York that end (inflow) and begin (outflow) in a cell, 4,320 half-hours.

    The compact file, else the source's two in sequence (STSAN). The source states neither place
    nor date; both show: the blizzard on Saturday 2016-01-23, an all but empty hour on 2016-03-13,
    and Manhattan from the south-west corner upwards, so that row 0 is the north.
    """
    base = folder / "nyc-2016"
    path = base / "taxi.npz"
    sources = [base / f"NYTaxi/flow_{part}.npz" for part in ("train", "test")]
    parts = [path] if path.exists() else sources
    steps = (sum(NYC_2016_STEPS),) if path.exists() else NYC_2016_STEPS
    flow = np.concatenate([_half_hours(*pair) for pair in zip(parts, steps, strict=True)])
    time = pd.date_range("2016-01-01", periods=len(flow), freq="30min")
    return grid_city(
        np.ascontiguousarray(flow.transpose(0, 3, 1, 2)), time, ["inflow", "outflow"],
        clock=NYC_2016_CLOCK,
    )  # fmt: skip


def _half_hours(path: Path, steps: int) -> np.ndarray:
    """`flow` [T, R, C, 2] of one file, whole numbers; DataError for another number of steps."""
    flow = real_numbers(read_npz(path, ["flow"])["flow"], (4,), f"{path}: flow")
    if len(flow) != steps or flow.shape[3] != 2:
        raise DataError(f"{path}: flow has shape {flow.shape}, not {steps} half-hours of (row, "
                        "col, 2 ways)")  # fmt: skip
    return exact(exact(flow, np.int64, f"{path}: flow"), np.float32, f"{path}: flow")


def read_jonas(folder: Path, city: str, mode: str):
    """Hourly pick-ups and drop-offs of New York or Washington, 100 days (EAST-Net, 2022).

    city "nyc" (half-hours summed in pairs) or "dc", mode "taxi" or "bike". `valid` marks the
    cells that ever see a trip of that direction; `left_out (row, col)` are the cells that the
    source leaves out of its evaluation (15 in New York, none in Washington).
    """
    path = folder / "jonas" / f"{JONAS_FILES[city]}-20151024-20160131.npz"
    data = read_npz(path, [mode, "mask"])
    counts, steps = real_numbers(data[mode], (4,), f"{path}: {mode}"), 2 if city == "nyc" else 1
    if len(counts) != 2400 * steps or counts.shape[3] != 2:
        raise DataError(f"{path}: {mode} has shape {counts.shape}: "
                        f"{len(counts) / steps:g} hours, not 2400, or no (time, row, col, "
                        "2 ways)")  # fmt: skip
    whole = exact(counts, np.int64, f"{path}: {mode}")
    counts = exact(whole, np.float32, f"{path}: {mode}")
    if city == "nyc":
        counts = counts.reshape(-1, 2, *counts.shape[1:]).sum(1)
    time = pd.date_range(JONAS_START, periods=len(counts), freq="h")
    flow = np.ascontiguousarray(counts.transpose(0, 3, 1, 2))
    if not flow.any():
        raise DataError(f"{path}: {mode} is zero everywhere")
    ds = grid_city(flow, time, ["pickup", "dropoff"], clock=JONAS_CLOCK)
    ds["valid"] = ("direction", "row", "col"), flow.sum(0) > 0
    ds["left_out"] = ("row", "col"), _cells(data["mask"], flow.shape[2:], path)
    return ds


def _cells(mask: np.ndarray, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """[K, 2] row and column pairs, or [0] -> bool [rows, cols].

    DataError for one that is outside the grid, or stands there twice.
    """
    if mask.shape != (0,) and mask.shape[1:] != (2,):
        raise DataError(f"{path}: mask has shape {mask.shape}, not pairs of row and column")
    pairs = exact(mask.reshape(-1, 2), np.int64, f"{path}: mask")
    if len(np.unique(pairs, axis=0)) < len(pairs):
        raise DataError(f"{path}: mask names one of its {len(pairs)} cells twice")
    outside = pairs[((pairs < 0) | (pairs >= shape)).any(1)]
    if len(outside):
        raise DataError(f"{path}: mask names cell {outside[0]} of a grid of {shape}")
    cells = np.zeros(shape, bool)
    cells[tuple(pairs.T)] = True
    return cells
