"""What a method costs: parameters at the paper's size, and seconds measured in turns."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral

import numpy as np
import pandas as pd
import torch
from pandas.api.typing import NAType
from torch import Tensor, nn

from stflow_lib.finegrained.beyond import dirichlet, multinomial
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training import losses, supervised
from stflow_lib.finegrained.training.supervised import Objective
from stflow_lib.finegrained.urbanstc.method import METHOD as URBANSTC
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, pretext_tasks
from stflow_lib.training.cost import interleaved, median_and_iqr, planned_steps
from stflow_lib.training.loop import Training, autocast, retain_heap, train
from stflow_lib.training.method import Method, count_parameters

TAXIBJ = ("temperature", "wind", "holiday", "weekend", "weekday", "hour", "weather")
UNIT = 2**20  # what the paper's Table 10 calls a million
LAST_STAGE = "fine_tuning"  # of a pre-trained method; the only one that predicts


@dataclass(frozen=True)
class Part:
    """One network that a method trains: itself, or one of UrbanSTC's four stages."""

    method: str
    stage: str  # "fit", or of UrbanSTC "reg", "inf", "tcs", "fine_tuning" (names of Table 10)
    network: nn.Module
    loss: Callable[[Tensor], Tensor]  # sample indices [B] -> scalar
    training: Training
    task: Task  # with the external factors that the network is told

    @property
    def name(self) -> str:
        """As a row of the table: "UrbanFM", "UrbanSTC: reg"."""
        return self.method if self.stage == "fit" else f"{self.method}: {self.stage}"

    @property
    def predicts(self) -> bool:
        """Whether it makes fine maps; pretexts do not."""
        return self.stage in ("fit", LAST_STAGE)


def recipe(method: Method) -> tuple[type[nn.Module], Objective | None] | None:
    """The network class and objective of a method (objective None: its settings name it).

    None for what has no network: MEAN and HA, trees.
    """
    if method.train is URBANSTC.train:
        return UrbanSTC, None
    if method.train is dirichlet.fit:
        return dirichlet.DirichletUrbanSTC, dirichlet.negative_log_likelihood
    if method.train is multinomial.fit:
        return multinomial.MultinomialNet, multinomial.split_loss
    if isinstance(method.train, partial) and method.train.func is supervised._fit:
        return method.train.args
    return None


def parts(method: Method, task: Task, settings) -> list[Part]:
    """The untrained networks of a method on the task's device, in Table 10's order.

    `settings` are the method's, overrides applied. Raises ValueError for a method without one.
    """
    found = recipe(method)
    if found is None:
        raise ValueError(f"{method.name}: no network to measure")
    kind, objective = found
    task = multinomial.informed(task) if kind is multinomial.MultinomialNet else task
    with task.device:
        network = kind(task, settings)
    network = network.to(memory_format=torch.channels_last)
    loss = _loss(network, task, settings, objective or losses.named(settings.loss))
    if not issubclass(kind, UrbanSTC):
        return [Part(method.name, "fit", network, loss, settings.training, task)]
    heads = pretext_tasks(network, task, settings) if settings.pretrain else {}
    before = [heads[stage] for stage in ("reg", "inf", "tcs") if stage in heads]
    return [
        *(Part(method.name, p.stage, p.network, p.loss, p.training, task) for p in before),
        Part(method.name, LAST_STAGE, network, loss, settings.training, task),
    ]


def _loss(network: nn.Module, task: Task, settings, objective: Objective):
    def loss(batch: Tensor) -> Tensor:
        with autocast(settings.training.precision, task.device):
            return objective(network, task, batch)

    return loss


def blank_task(factor: int = 4, rows: int = 32, cols: int = 32) -> Task:
    """TaxiBJ's shapes without numbers or memory: networks built on it can only be counted."""
    coarse = torch.empty(8, 1, rows, cols, device="meta")
    samples = torch.arange(8, device="meta")
    return Task(
        city="blank",
        factor=factor,
        coarse=coarse,
        fine=torch.empty(8, 1, rows * factor, cols * factor, device="meta"),
        external=torch.empty(8, len(TAXIBJ), device="meta"),
        external_names=TAXIBJ,
        train=samples,
        train_all=samples,
        valid=samples,
        test=samples,
        time=np.arange(8).astype("datetime64[h]"),
        directions=("flow",),
        unit="vehicles",
        data_hash="",
    )


def paper_counts(methods: Iterable[Method], factor: int = 4) -> pd.DataFrame:
    """Parameters at C = 128 and 32 x 32 coarse cells, one row per network that is trained.

    Columns method, stage, name, bare (no external factors), external (missing where the method
    takes none). Only settings' defaults count: these are the paper's sizes.
    """
    rows = []
    for method in methods:
        if recipe(method) is None:
            continue
        bare, external = (_counts(method, factor, switch) for switch in (False, True))
        rows += [
            (
                method.name,
                part.stage,
                part.name,
                count,
                external.get(part.name, (None, pd.NA))[1],
            )
            for part, count in bare.values()
        ]
    columns = ["method", "stage", "name", "bare", "external"]
    return pd.DataFrame(rows, columns=columns).astype({"bare": "Int64", "external": "Int64"})


def _counts(method: Method, factor: int, external: bool) -> dict[str, tuple[Part, int]]:
    settings = method.settings()
    if hasattr(settings, "external"):
        settings = replace(settings, external=external)
    elif external:
        return {}
    built = parts(method, blank_task(factor), settings)
    return {part.name: (part, count_parameters(part.network)) for part in built}


def matches(
    bare: Integral, external: Integral | NAType, printed: float, unit: int = UNIT
) -> str:
    """Which count, in `unit`, rounds to the printed two decimals: with or without factors."""
    hits = [pd.notna(n) and round(n / unit, 2) == printed for n in (bare, external)]
    return {(1, 1): "both", (1, 0): "without", (0, 1): "with", (0, 0): "neither"}[tuple(hits)]


def step_seconds(part: Part, steps: int) -> float:
    """Seconds per training step, mean over `steps` steps of the book's own training loop.

    The clock starts with the first loss and stops when the last step's result is here.
    """
    started: list[float] = []

    def loss(batch: Tensor) -> Tensor:
        if not started:
            started.append(time.perf_counter())
        return part.loss(batch)

    def clock() -> dict[str, float]:
        return {"seconds": (time.perf_counter() - started[0]) / steps}

    plan = replace(part.training, epochs=1, epoch_steps=steps)
    history = train(part.network, loss, part.task.train, clock, plan, seed=0)
    return history.curves["seconds"][0]


def sample_seconds(part: Part, batches: int, batch: int = 16) -> float:
    """Seconds per predicted map, mean over the first test batches, copied to the processor."""
    task = part.task
    some = task.test.split(batch)[:batches]
    part.network.eval()
    start = time.perf_counter()
    with torch.inference_mode(), autocast(part.training.precision, task.device):
        for indices in some:
            part.network(task.coarse[indices], task.external[indices]).cpu()
    return (time.perf_counter() - start) / sum(len(indices) for indices in some)


def measure(measured: list[Part], turns: int, steps: int) -> pd.DataFrame:
    """Table 10's timings, one row per part, all parts side by side in turns.

    Columns method, stage, name, parameters; train_s (one pass over the training samples) and
    total_min (the plan's steps), both extrapolated from the median step; train_spread
    (interquartile range over median, between turns); infer_s (all test samples) and
    infer_spread likewise, NaN for a stage that predicts nothing.
    """
    retain_heap()
    learn = {p.name: partial(step_seconds, p, steps) for p in measured}
    infer = {p.name: partial(sample_seconds, p, steps) for p in measured if p.predicts}
    learned, inferred = interleaved(learn, turns), interleaved(infer, turns)
    rows = []
    for part in measured:
        step, spread = median_and_iqr(learned[part.name])
        sample, sample_spread = median_and_iqr(inferred.get(part.name, [np.nan]))
        epoch, whole = planned_steps(part.training, len(part.task.train))
        rows.append((part.method, part.stage, part.name, count_parameters(part.network),
                     step * epoch, spread, sample * len(part.task.test), sample_spread,
                     step * whole / 60))  # fmt: skip
    columns = ["method", "stage", "name", "parameters", "train_s", "train_spread", "infer_s",
               "infer_spread", "total_min"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def with_sums(table: pd.DataFrame, added: list[str]) -> pd.DataFrame:
    """A row "<method>: all" under the stages of a pre-trained method, `added` columns summed.

    As the paper's UrbanSTC row: parameters of an encoder count in its pretext and again in
    fine-tuning.
    """
    groups = []
    for method, rows in table.groupby("method", sort=False):
        groups.append(rows)
        if len(rows) > 1:
            total = {"method": method, "stage": "all", "name": f"{method}: all"}
            groups.append(pd.DataFrame([total | rows[added].sum(min_count=1).to_dict()]))
    whole = pd.concat(groups, ignore_index=True)
    return whole.astype({name: table[name].dtype for name in added})
