"""The positive control of balancing: its runs, how they are published, and what they say.

    python -m stflow_lib.book.plots.gridflow.control [SEEDS]

computes what is missing and writes it to book/results; it may be interrupted.
"""

import json
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from stflow_lib.book.plots.style import bare
from stflow_lib.data.files.write import write_atomic
from stflow_lib.gridflow.beyond.control import (
    WEIGHTS,
    control_task,
    source_weights,
    weighted_line,
    weighted_network,
)
from stflow_lib.gridflow.networks.stnet import Backbone
from stflow_lib.gridflow.plan import Plan
from stflow_lib.gridflow.problem.from_run import open_task
from stflow_lib.gridflow.problem.scoring import score
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.stbat.method import fit_balanced
from stflow_lib.gridflow.training.schedule import predict_trips
from stflow_lib.gridflow.training.transfer import FittedDirection, TransferSettings, finetune
from stflow_lib.runs.publish import results_folder
from stflow_lib.verdicts.statistics import interval

SEEDS = 8
LINE, SMALL, WIDE = "line", "ST-net, 16 channels", "ST-net, 64 channels"
MODELS = {LINE: WEIGHTS, SMALL: WEIGHTS, WIDE: ("none", "oracle")}
PAIRS = (
    "jonas-nyc-taxi>jonas-dc-taxi", "jonas-dc-taxi>jonas-nyc-taxi",
    "jonas-nyc-bike>jonas-dc-bike", "jonas-dc-bike>jonas-nyc-bike",
)  # fmt: skip
REAL = ("none", "RIAM", "shares")  # weights of the line on a real pair, whose kinds are POI
DAYS = (0, 3)
PLACE = ("model", "weights", "days", "seed")  # what tells one run from another


def path() -> Path:
    """Where the errors are published."""
    return results_folder("gridflow") / "control" / "errors.json"


def planned(seeds: int = SEEDS) -> list[tuple[str, str, int, int]]:
    """(model, weights, days, seed), the first seeds of all before further ones.

    On a real pair, whose name then stands for the model, it is the line, once.
    """
    real = [(pair, weights, days, 0) for pair in PAIRS for weights in REAL for days in DAYS]
    return real + [
        (model, weights, days, seed)
        for seed in range(seeds)
        for model, some in MODELS.items()
        for weights in some
        for days in DAYS
    ]


def compute(seeds: int = SEEDS) -> Iterator[dict]:
    """Rows of the runs that are not published yet, each written before it is told."""
    done = read()
    have = {tuple(row[name] for name in PLACE) for row in done}
    for place in planned(seeds):
        if place not in have:
            done.append(dict(zip(PLACE, place, strict=True)) | measured(*place))
            path().parent.mkdir(parents=True, exist_ok=True)
            lines = ",\n".join(map(json.dumps, done))
            write_atomic(path(), f"[\n{lines}\n]\n".encode())
            yield done[-1]


def read() -> list[dict]:
    """The published rows; none before the first."""
    return json.loads(path().read_text()) if path().exists() else []


def measured(model: str, weights: str, days: int, seed: int, profile: str = "bench") -> dict:
    """Test errors in trips per step: of all cells of the target, of both kinds, pooled as in
    the tables; whether all stages of a network settled, and how many threads it had."""
    task = control_task(seed, days) if model in MODELS else pair_task(model, days)
    is_line = model not in (SMALL, WIDE)
    fit = partial(_line, seed=seed) if is_line else partial(_network, model, seed, profile)
    fitted = [fit(task.only(d), weights) for d in range(len(task.directions))]
    found = score(task, lambda _, steps: torch.cat([ask(steps) for ask, _ in fitted], 1))
    return {
        "rmse": round(found["metrics"]["rmse"], 4),
        "mae": round(found["metrics"]["mae"], 4),
        **{
            name: round(rmse, 4)
            for name, rmse in found["parts"].items()
            if name.startswith("kind") and name.endswith("rmse")
        },
        "converged": all(settled for _, settled in fitted),
        "threads": torch.get_num_threads(),
    }


def pair_task(pair: str, days: int) -> Task:
    """The task of a real pair, as the tables have it."""
    return open_task(Plan.of("bench").runs(["Linear"], [pair], [days])[0])


def _line(task: Task, weights: str, seed: int):
    rule = weighted_line(task, source_weights(task, weights, seed))
    return (lambda steps: task.target.on_map(rule(task.target, steps))), True


def _network(model: str, seed: int, profile: str, task: Task, weights: str):
    learned, settings = _on_source(model, seed, profile, task.directions, weights)
    fitted = finetune(deepcopy(learned), task, settings, seed, None)
    settled = all(history.end["stopped"] == "settled" for history in fitted.stages.values())
    return partial(_ask, fitted.network.eval(), task), settled


@lru_cache(maxsize=2)  # both directions, for all amounts of the target's days
def _on_source(
    model: str, seed: int, profile: str, directions: tuple[str, ...], weights: str
) -> tuple[FittedDirection, TransferSettings]:
    """The network after the source, and its settings; "RIAM" as STBaT learns it beside the
    network, without the contrast."""
    plan, task = Plan.of(profile), control_task(seed)
    task = task.only(task.directions.index(directions[0]))
    wide = {"backbone": Backbone(64, 1, 128, "h", last_value=True, unit=0.05)}
    settings = plan.settings("STBaT" if weights == "RIAM" else "Finetuned")
    settings = replace(settings, **(wide if model == WIDE else {}))
    torch.manual_seed(seed)
    if weights == "RIAM":
        settings = replace(settings, balance=replace(settings.balance, use_contrast=False))
        return fit_balanced(task, settings, seed, None), settings
    omega = source_weights(task, weights, seed)
    return weighted_network(task, omega, settings, seed), settings


@torch.inference_mode()
def _ask(network, task: Task, steps) -> Float[Tensor, "b 1 row col"]:
    return predict_trips(network, task.target, steps)


def gains(rows: list[dict], metric: str = "rmse") -> pd.DataFrame:
    """By how many percent weights lower the error of the same model and seed without any.

    A row for each model, number of days and weights: mean, low and high (95 %), seeds, capped.
    """
    frame = pd.DataFrame(rows, columns=[*PLACE, metric, "converged"])
    plain = frame[frame["weights"] == "none"].set_index(["model", "days", "seed"])
    lines = []
    for place, own in frame[frame["weights"] != "none"].groupby(
        ["model", "days", "weights"], sort=False
    ):
        own = own.set_index(["model", "days", "seed"])
        both = own.index.intersection(plain.index)
        percent = 100 * (1 - own.loc[both, metric] / plain.loc[both, metric]).to_numpy()
        capped = int((~(own.loc[both, "converged"] & plain.loc[both, "converged"])).sum())
        lines.append((*place, percent.mean(), *interval(percent), len(percent), capped))
    columns = ["model", "days", "weights", "gain", "low", "high", "seeds", "capped"]
    return pd.DataFrame(lines, columns=columns)


def figure(found: pd.DataFrame) -> Figure:
    """A panel per number of days, a row for each model and weights; hollow: of one split."""
    fig, axes = plt.subplots(1, len(DAYS), figsize=(9, 4.2), sharey=True, layout="constrained")
    labels = list(dict.fromkeys(f"{r.model}: {r.weights}" for r in found.itertuples()))
    for axis, days in zip(axes, DAYS, strict=True):
        own = found[found["days"] == days]
        for some, fill in ((own[own["low"].notna()], "C0"), (own[own["low"].isna()], "none")):
            places = [labels.index(f"{r.model}: {r.weights}") for r in some.itertuples()]
            spread = np.array([some["gain"] - some["low"], some["high"] - some["gain"]])
            axis.errorbar(some["gain"], places, xerr=spread, fmt="o", color="C0",
                          markerfacecolor=fill, capsize=3)  # fmt: skip
        axis.axvline(0, color="0.5", linewidth=1)
        axis.set(
            title=f"{days} days of the target", xlabel="lower RMSE than without weights (%)"
        )
        bare(axis)
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].invert_yaxis()
    fig.suptitle("What weights of rare kinds are worth where they must help")
    return fig


def reading(found: pd.DataFrame) -> list[str]:
    """What the control says, a sentence for each model, without a day of the target."""
    says = []
    for model in found["model"].unique():
        own = found[(found["model"] == model) & (found["days"] == 0)]
        parts = ", ".join(f"{row.weights} {_gain(row)}" for row in own.itertuples())
        says.append(f"RMSE below that without weights, no day of the target, {model}: {parts}.")
    return says


def _gain(row) -> str:
    if row.seeds < 2:
        return f"{row.gain:+.1f} % (one split, no interval)"
    return f"{row.gain:+.1f} % ({row.low:.1f} to {row.high:.1f}; {row.seeds} splits)"


if __name__ == "__main__":
    torch.set_num_threads(1)
    for row in compute(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS):
        print(row, flush=True)
