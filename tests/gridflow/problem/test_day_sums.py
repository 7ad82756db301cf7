"""Sums by day: pooled for each direction, then the mean of the two, they are the score."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.gridflow import METHODS, day_sums, make_task, score


def pooled(days: dict) -> dict[str, float]:
    """RMSE and MAE from sums by day, as the book's metrics are defined."""
    layers = {layer for day in days.values() for layer in day}
    sums = [np.sum([day[layer] for day in days.values()], 0) for layer in sorted(layers)]
    return {"rmse": np.mean([(squared / count) ** 0.5 for count, _, squared in sums]),
            "mae": np.mean([absolute / count for count, absolute, _ in sums])}  # fmt: skip


@pytest.mark.parametrize("name", ["Yesterday", "Few-shot mean"])
def test_pooled_days_are_the_score(receiver, twelve, name):
    task = make_task(receiver, (), twelve)
    rule = METHODS[name].fit(task, METHODS[name].settings(), 0, None)
    days = day_sums(task, rule, batch=7)
    assert list(days) == ["2015-11-12", "2015-11-13"]
    assert pooled(days) == pytest.approx(score(task, rule)["metrics"], rel=1e-13)
    cells = task.target.mask.sum((1, 2)).tolist()
    assert [[n for n, *_ in day.values()] for day in days.values()] == [
        [24 * c for c in cells]
    ] * 2
    json.dumps(days)


def test_only_valid_cells_and_directions_count(receiver, twelve):
    """Not even with a NaN; a direction without a cell is left out, as the score leaves it."""
    task = make_task(receiver, (), twelve)
    mask = task.target.mask.clone()
    mask[0] = False
    half = replace(task, target=replace(task.target, mask=mask))

    def predict(t, steps):
        return torch.where(t.target.mask, t.target.flow[steps] + 2, torch.nan)

    for one in (task, half):
        days = day_sums(one, predict)
        assert pooled(days) == pytest.approx(score(one, predict)["metrics"]) == {
            "rmse": 2.0, "mae": 2.0,
        }  # fmt: skip
    assert all(list(day) == ["dropoff"] for day in days.values())
