"""What the page of maps infers and asks of its maps: places, runs that are drawn, honesty."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from stflow_lib import runs
from stflow_lib.book.plots.finegrained.maps import Window
from stflow_lib.finegrained import TABLES, Task
from stflow_lib.runs import Run
from stflow_lib.training.metrics import flow_errors

DRAWN = ("MEAN", "HA", "UrbanFM", "UrbanPy", "FODE", "UrbanSTC")
PRETEXTS = ("random encoders", "reg", "inf", "tcs", "reg+inf+tcs")  # of Figure 5, and none
PLACES = {  # latitude, longitude
    "A Alemany interchange": (37.7355, -122.4068),
    "B Fisherman's Wharf": (37.8080, -122.4177),
    "C Caltrain station": (37.7765, -122.3945),
    "D Transbay Terminal": (37.7896, -122.3966),
}


def drawn(table: Iterable[Run]) -> dict[str, Run]:
    """Method -> run of the table's first city, all data, first seed, for methods in `DRAWN`."""
    found = [run for run in table if run.scarcity == "100"]
    first = [run for run in found if (run.city, run.seed) == (found[0].city, found[0].seed)]
    return {run.method: run for run in first if run.method in DRAWN}


def pretexts(profile: str, chosen: Mapping[str, Run]) -> dict[str, Run]:
    """Label -> run of Table 7 that Figure 5 draws, where and with the seed of UrbanSTC's."""
    own, rows = chosen.get("UrbanSTC"), TABLES["table7"].rows(profile)
    place = own and (own.city, own.scarcity, own.seed)
    found = {
        label: [
            run for run in rows.get(label, ()) if (run.city, run.scarcity, run.seed) == place
        ]
        for label in PRETEXTS
    }
    return {label: runs[0] for label, runs in found.items() if runs}


def refined_by_two(profile: str) -> dict[str, Run]:
    """The drawn runs of the profile's Table 3, its city refined by 2 in place of 4."""
    four = drawn(TABLES["table3"](profile))
    return {method: replace(run, protocol="x2") for method, run in four.items()}


def infer(run: Run, task: Task, indices: Tensor) -> np.ndarray:
    """Inferred fine maps [S, MI, MJ] of a run's network, vehicles per step."""
    predict = runs.predictor(run)
    found = [predict(task, part)[:, 0].cpu() for part in indices.split(256)]
    return torch.cat(found).double().numpy()


def numbers_table(
    inferred: Mapping[str, np.ndarray], truth: np.ndarray, records: Iterable[Mapping]
) -> pd.DataFrame:
    """Errors of the maps beside what the records say: a row per method, in the same order."""
    errors = {m: flow_errors(torch.from_numpy(maps), torch.from_numpy(truth))
              for m, maps in inferred.items()}  # fmt: skip
    numbers, records = pd.DataFrame(errors).T, list(records)
    numbers["rmse in the record"] = [record["metric_rmse"] for record in records]
    numbers["dead blocks"] = [f"{record['metric_dead_blocks']:.2%}" for record in records]
    numbers["parameters"] = [f"{record['parameters']:,}" for record in records]
    return numbers


def around(
    places: Mapping[str, tuple[float, float]],
    box: Mapping[str, float],
    shape: tuple[int, int],
    factor: int,
    side: int,
) -> dict[str, Window]:
    """Squares of whole coarse cells, each with its place as near the middle as can be.

    `places`: name -> latitude, longitude; `box`: lat_min, lat_max, lon_min, lon_max of the map.
    """
    windows = {}
    for name, (lat, lon) in places.items():
        down = (box["lat_max"] - lat) / (box["lat_max"] - box["lat_min"]) * shape[0]
        right = (lon - box["lon_min"]) / (box["lon_max"] - box["lon_min"]) * shape[1]
        starts = [round((at - side / 2) / factor) * factor for at in (down, right)]
        row, col = (min(max(s, 0), n - side) for s, n in zip(starts, shape, strict=True))
        windows[name] = (row, col, side)
    return windows


def busiest_windows(
    flow: np.ndarray, factor: int, side: int, count: int = 4
) -> dict[str, Window]:
    """The `count` fullest squares of whole coarse cells without overlap, in order."""
    free, windows = flow.copy(), {}
    starts = [(r, c) for r in range(0, flow.shape[0] - side + 1, factor)
              for c in range(0, flow.shape[1] - side + 1, factor)]  # fmt: skip
    for name in "ABCDEFGH"[:count]:
        row, col = max(starts, key=lambda s: cut(free, (*s, side)).sum())
        windows[name] = (row, col, side)
        cut(free, windows[name])[:] = -flow.sum()
    return windows


def cut(maps: np.ndarray, window: Window) -> np.ndarray:
    """The window's cells of one map, or of each of many."""
    row, col, side = window
    return maps[..., row : row + side, col : col + side]


def place_table(error: Mapping[str, np.ndarray], windows: Mapping[str, Window]) -> pd.DataFrame:
    """Mean |error| of each method (rows) in each window and on the whole map."""
    means = {
        name: {m: cut(e, w).mean() for m, e in error.items()} for name, w in windows.items()
    }
    means["whole map"] = {m: e.mean() for m, e in error.items()}
    return pd.DataFrame(means)


def held(error: np.ndarray, windows: Iterable[Window]) -> tuple[float, float]:
    """Share of the map that the windows cover, and of the squared error that they hold."""
    inside = np.zeros(error.shape, bool)
    for window in windows:
        cut(inside, window)[:] = True
    return inside.mean(), (error[inside] ** 2).sum() / (error**2).sum()


def scores_table(
    errors: Mapping[str, np.ndarray], pick: int, windows: Mapping[str, Window]
) -> pd.DataFrame:
    """RMSE and MAE of |error| maps [T, rows, cols]: test part, one map, windows; a row each."""
    rows = {}
    for label, e in errors.items():
        rows[label] = {"RMSE, test part": np.sqrt((e**2).mean()), "MAE, test part": e.mean(),
                       "MAE, this map": e[pick].mean()}  # fmt: skip
        rows[label] |= {f"MAE, {n}, test part": cut(e, w).mean() for n, w in windows.items()}
    return pd.DataFrame(rows).T


def honesty(fine: np.ndarray, truth: np.ndarray, edges: np.ndarray) -> pd.Series:
    """Mean true over mean inferred flow, in ranges of the inferred flow, by its mean.

    1 is honest, above 1 the method was timid; ranges of fewer than 30 cells are left out.
    """
    place = np.digitize(fine, edges)
    ranges = [k for k in range(1, len(edges)) if (place == k).sum() >= 30]
    at = [fine[place == k].mean() for k in ranges]
    return pd.Series([truth[place == k].mean() for k in ranges], at) / at
