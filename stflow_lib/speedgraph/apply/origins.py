"""A fitted forecaster at many moments of a city, beside what came: how good are its intervals?"""

from collections.abc import Sequence
from dataclasses import replace

import torch
import xarray as xr
from jaxtyping import Int
from torch import Tensor

from stflow_lib.speedgraph.apply.forecast import Forecaster
from stflow_lib.speedgraph.apply.intervals import BATCH, Intervals
from stflow_lib.speedgraph.apply.series import Series, rescaled
from stflow_lib.training.interval_score import Outcome


def outcome(
    model: Forecaster,
    city: xr.Dataset,
    origins: Int[Tensor, " origin"],
    levels: Sequence[float],
) -> Outcome:
    """Forecasts from the steps `origins` of a city on, and the speeds that were measured then.

    DataError as `Forecaster` has it.
    """
    series = Series.of(model._known(city), 0, model.predictor.made.form["ahead"])
    task = series.asked([], series.end)
    target = rescaled(task.target, model.card["mean"], model.card["deviation"])
    task, bands = replace(task, target=target), Intervals.stored(model.card["intervals"])
    parts = []
    for steps in (origins + series.begin).split(BATCH):
        mean = model.predictor(task, steps).clamp_min(0)
        truth, seen = target.labels(steps)
        parts.append([x[seen] for x in (truth, mean, *bands.bounds(mean, levels))])
    return Outcome(*map(torch.cat, zip(*parts, strict=True)))
