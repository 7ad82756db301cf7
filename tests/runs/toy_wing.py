"""A wing small enough to train in no time: `register()` makes it `stflow_lib.toy`.

NOISE "trains" by drawing numbers from (seed, epoch), with a checkpoint after each epoch, and
writes a line to STFLOW_TOY_LOG for every epoch that it really computes. BROKEN fails, NAN
scores NaN, COLLAPSES reports a collapse for seed 1, SHARED begins with a stage of all its runs.
The runs are imported by name: an import statement would make the toy's source hash cover the
runs themselves.
"""

import importlib
import json
import os
import random
import sys
import time
import types
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    epochs: int = 3
    rate: float = 0.1


@dataclass(frozen=True)
class Settings:
    offset: float = 0.0
    pause: float = 0.0
    names: tuple[str, ...] = ("a",)
    plan: Plan = Plan()


@dataclass(frozen=True)
class Method:
    name: str
    settings: type
    train: object


@dataclass
class Predictor:
    value: float
    parameters: int = 7
    epochs: int = 3
    seconds_per_epoch: float = 0.0
    curves: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    stages: dict = field(default_factory=dict)
    converged: bool = False


def fit_noise(task, settings, seed, folder):
    file = folder / "state.json"
    losses = json.loads(file.read_text()) if file.exists() else []
    for epoch in range(len(losses), settings.plan.epochs):
        _log(f"epoch {epoch} of {task.city} seed {seed}")
        time.sleep(settings.pause)
        losses.append(random.Random(f"{seed}/{epoch}").random())
        aside = file.with_suffix(".part")
        aside.write_text(json.dumps(losses))
        os.replace(aside, file)
    value = settings.offset + sum(losses) / len(losses)
    return Predictor(value, curves={"loss": losses}, notes={"collapsed": False})


def fit_broken(task, settings, seed, folder):
    raise ZeroDivisionError("no taxis")


def fit_nan(task, settings, seed, folder):
    return Predictor(float("nan"))


def fit_collapses(task, settings, seed, folder):
    return Predictor(2.0 + seed / 100, notes={"collapsed": seed == 1})


def fit_shared(task, settings, seed, folder):
    stages = importlib.import_module("stflow_lib.gridflow.training.shared_stages")
    with stages.shared_stage(folder, "source") as place:
        if not (place / "source.json").exists():
            _log("the shared stage")
            time.sleep(settings.pause)
            (place / "source.json").write_text("1.0")
    return Predictor(seed + json.loads((place / "source.json").read_text()))


def open_task(run):
    return types.SimpleNamespace(city=run.city, data_hash="d0")


def score(task, predictor):
    metrics = {"rmse": predictor.value, "mae": predictor.value / 2}
    return {"metrics": metrics, "parts": {"north": {"rmse": 1.5}}}


def _log(line):
    if "STFLOW_TOY_LOG" in os.environ:
        with open(os.environ["STFLOW_TOY_LOG"], "a") as file:
            file.write(line + "\n")


def run(method="NOISE", city="toytown", scarcity="100", profile="lab", seed=0, **settings):
    return importlib.import_module("stflow_lib.runs").Run(
        "toy", method, city, "x4", scarcity, profile, seed, settings
    )


def table1(profile):
    """NOISE and COLLAPSES, two seeds."""
    return [run(m, profile=profile, seed=s) for m in ("NOISE", "COLLAPSES") for s in (0, 1)]


def slow(profile):
    """Four runs of 0.9 seconds."""
    return [run(profile=profile, seed=s, pause=0.3) for s in range(4)]


def register():
    """Put the package `stflow_lib.toy` and its module `stflow_lib.toy_parts` in place."""
    parts = types.ModuleType("stflow_lib.toy_parts")
    parts.__dict__.update(globals(), __name__="stflow_lib.toy_parts")
    toy = types.ModuleType("stflow_lib.toy")
    sys.modules |= {"stflow_lib.toy": toy, "stflow_lib.toy_parts": parts}
    for name in ("fit_noise", "fit_broken", "fit_nan", "fit_collapses", "fit_shared",
                 "open_task", "score"):  # fmt: skip
        globals()[name].__module__ = "stflow_lib.toy_parts"
    Settings.__module__ = Plan.__module__ = "stflow_lib.toy_parts"
    toy.METHODS = {
        "NOISE": Method("NOISE", Settings, fit_noise),
        "BROKEN": Method("BROKEN", Settings, fit_broken),
        "NAN": Method("NAN", Settings, fit_nan),
        "COLLAPSES": Method("COLLAPSES", Settings, fit_collapses),
        "SHARED": Method("SHARED", Settings, fit_shared),
    }
    toy.open_task, toy.score, toy.TABLES = open_task, score, {"table1": table1, "slow": slow}
    return toy
