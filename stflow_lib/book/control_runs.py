"""Runs of the positive control: which are planned, how one is measured, where they are kept.

    python -m stflow_lib.book.control_runs [SEEDS]

computes what is missing and writes it to book/results; it may be interrupted.
"""

import json
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.data.files.write import write_atomic
from stflow_lib.gridflow.baselines.mlp import CellMLP
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
from stflow_lib.gridflow.training.transfer import (
    FittedDirection,
    TransferSettings,
    finetune,
    stnet,
)
from stflow_lib.runs.execute import device_name
from stflow_lib.runs.publish import results_folder
from stflow_lib.training.provenance.source_hash import source_hash

SEEDS = 8
LAST, LINE = "Previous hour", "line"
CELLS = {"MLP, 8 units": 8, "MLP, 64 units": 64}  # of both hidden layers
MAPS = {"ST-net, 16 channels": 16, "ST-net, 64 channels": 64}
FEW, MANY = CELLS
SMALL, WIDE = MAPS
EXTREMES = ("none", "oracle")
MODELS = {LAST: ("none",), LINE: WEIGHTS, FEW: WEIGHTS, MANY: EXTREMES, SMALL: WEIGHTS,
          WIDE: EXTREMES}  # fmt: skip
PAIRS = (
    "jonas-nyc-taxi>jonas-dc-taxi", "jonas-dc-taxi>jonas-nyc-taxi",
    "jonas-nyc-bike>jonas-dc-bike", "jonas-dc-bike>jonas-nyc-bike",
    "bikes-chicago-2021>bikes-dc-2021", "bikes-dc-2021>bikes-chicago-2021",
    "didi-chengdu-2016>didi-xian-2016", "didi-xian-2016>didi-chengdu-2016",
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
            done.append(dict(zip(PLACE, place, strict=True)) | measured(*place) | made())
            write(done)
            yield done[-1]


def write(rows: list[dict]) -> None:
    """Publish these rows, a line each."""
    path().parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(map(json.dumps, rows))
    write_atomic(path(), f"[\n{lines}\n]\n".encode())


def read() -> list[dict]:
    """The published rows; none before the first."""
    return json.loads(path().read_text()) if path().exists() else []


def made() -> dict[str, str | int]:
    """Where a row comes from: as a record says it."""
    return {
        "profile": "bench",
        "device": device_name(),
        "source_hash": code(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@lru_cache
def code() -> str:
    """Source hash of all that `measured` reaches."""
    return source_hash([(measured.__module__, measured.__name__)])


def measured(model: str, weights: str, days: int, seed: int, profile: str = "bench") -> dict:
    """Test errors in trips per step: of all cells of the target, of both kinds, pooled as in
    the tables; whether all stages of a network settled."""
    task = control_task(seed, days) if model in MODELS else pair_task(model, days)
    if model == LAST:
        return errors(task, lambda some, steps: some.target.flow[steps - 1]) | {
            "converged": True
        }
    is_network = model in CELLS or model in MAPS
    fit = partial(_network, model, seed, profile) if is_network else partial(_line, seed=seed)
    fitted = [fit(task.only(d), weights) for d in range(len(task.directions))]
    found = errors(task, lambda _, steps: torch.cat([ask(steps) for ask, _ in fitted], 1))
    return found | {"converged": all(settled for _, settled in fitted)}


def errors(task: Task, ask) -> dict[str, float]:
    """RMSE and MAE of all cells, RMSE of each kind."""
    found = score(task, ask)
    kinds = {name: value for name, value in found["parts"].items()
             if name.startswith("kind") and name.endswith("rmse")}  # fmt: skip
    whole = {name: found["metrics"][name] for name in ("rmse", "mae")}
    return {name: round(value, 4) for name, value in (whole | kinds).items()}


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
    """The network after the source, and its settings.

    "RIAM": beside an ST-net STBaT learns it as it does, without the contrast; an MLP gets the
    line's, from POI alone.
    """
    task = control_task(seed)
    task = task.only(task.directions.index(directions[0]))
    settings = _settings(model, weights, profile)
    torch.manual_seed(seed)
    if model in MAPS and weights == "RIAM":
        return fit_balanced(task, settings, seed, None), settings
    build = stnet if model in MAPS else partial(CellMLP, task.target.lags)
    omega = source_weights(task, weights, seed)
    return weighted_network(build, task, omega, settings, seed), settings


def _settings(model: str, weights: str, profile: str) -> TransferSettings:
    """Those of the tables, of another width; no network is told the hour, as the line is not."""
    plan = Plan.of(profile)
    if model in CELLS:
        return replace(plan.settings("MLP"), clock=False, width=CELLS[model])
    wide = {"backbone": Backbone(64, 1, 128, "h", last_value=True, unit=0.05)}
    settings = plan.settings("STBaT" if weights == "RIAM" else "Finetuned")
    settings = replace(settings, **(wide if model == WIDE else {}))
    if weights == "RIAM":
        settings = replace(settings, balance=replace(settings.balance, use_contrast=False))
    return settings


@torch.inference_mode()
def _ask(network, task: Task, steps) -> Float[Tensor, "b 1 row col"]:
    return predict_trips(network, task.target, steps)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for row in compute(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS):
        print(row, flush=True)
