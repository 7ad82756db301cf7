"""The forecaster that comes with the package, for a city without a source and without a day.

It is "Boosted line" without trees and without a day of the target: a linear map from the last
hour of a sensor, its neighbours and the city, learned from cities whose licence lets what was
learned be passed on; with the errors that it had in their held-out windows, each scaled by the
two hours before it, as a city is that is met for the first time.
"""

from functools import cache
from pathlib import Path
from typing import Any

import torch

from stflow_lib.speedgraph.apply.intervals import Intervals
from stflow_lib.speedgraph.apply.series import Series
from stflow_lib.speedgraph.beyond import boosted_line
from stflow_lib.speedgraph.beyond.other_days import OtherDays
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training import shipped
from stflow_lib.training.conformal import Bands
from stflow_lib.training.method import Made, Predictor

FILE = Path(__file__).with_name("shipped_speed.json")
NOTE = "lent_by"  # among the notes of a predictor: who taught it
CALIBRATED = "held-out windows of the cities that taught it"
LEAF = {"base": 0.0, "sizes": [1], "value": [0.0], "feature_idx": [0], "num_threshold": [0.0],
        "missing_go_to_left": [0], "left": [0], "right": [0], "is_leaf": [1]}  # fmt: skip


@cache
def model() -> tuple[dict[str, Any], dict[str, Any]]:
    """(numbers, card): minutes of a step, lags, weights [F, Q], and bands in deviations."""
    return shipped.read(FILE)


def fits(series: Series) -> bool:
    """Whether the model can be asked: its steps, no further ahead, and less than a day to see."""
    numbers, protocol = model()[0], series.protocol
    same = all(getattr(protocol, name) == numbers[name] for name in ("minutes", "lags"))
    known = series.end - series.begin
    return same and protocol.ahead <= len(numbers["weights"][0]) and known < series.day


def predictor(task: Task) -> tuple[Predictor, Intervals]:
    """The predictor for the task's city, and the intervals of its forecasts."""
    numbers, card = model()
    city, settings = task.target, boosted_line.METHOD.settings()
    count, ahead = city.speed.shape[1], city.ahead
    line = torch.tensor(numbers["weights"], dtype=torch.double)[:, :ahead]
    days = OtherDays.of(city, city.known[:0], 1440 // task.minutes)
    learned = {"line": line, "level": city.scaled.new_full((count,), torch.nan), "days": vars(days),
               "boosters": [[no_tree(city.lags, ahead)]] * ahead}  # fmt: skip
    found = boosted_line.restored(task.form, settings, learned)
    found.notes = {NOTE: shipped.lenders(card)}
    found.made = Made(boosted_line.METHOD, settings, task.form)
    whole = (
        city.scaled.new_full((count,), city.mean),
        city.scaled.new_full((count,), city.deviation),
    )
    return found, Intervals(*whole, [band(one) for one in numbers["bands"][:ahead]])


def no_tree(lags: int, ahead: int) -> dict[str, Any]:
    """A sum of trees that adds nothing: one leaf, of what trees beside the line read."""
    arrays = {k: torch.tensor(v) if isinstance(v, list) else v for k, v in LEAF.items()}
    return {**arrays, "width": 3 * lags + 7 + 2 * ahead}


def band(ends: dict[str, list[float]]) -> Bands:
    """One bin of errors at all levels."""
    below, above = (
        torch.tensor([ends[name]], dtype=torch.double) for name in ("below", "above")
    )
    return Bands(torch.zeros(0, dtype=torch.double), below, above)
