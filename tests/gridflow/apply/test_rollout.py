"""Rolling out: the naive loop on a growing series, and nothing of the future is seen."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.gridflow import METHODS
from stflow_lib.gridflow.apply.rollout import rolled, sample_of
from stflow_lib.gridflow.apply.split import split_of
from stflow_lib.gridflow.problem.city import scale
from stflow_lib.gridflow.problem.task import Choices, make_task


@pytest.fixture(scope="module")
def cut(make_grid):
    """A task on ten days and its fitted linear rule."""
    city = make_grid(steps=240)
    split = split_of(city, (), 6)
    task = make_task(city, (), split.protocol, days=split.days, choices=Choices(mask="whole"))
    return task, METHODS["Linear"].fit(task, METHODS["Linear"].settings(), 0)


def test_as_one_step_after_the_other_on_a_series_that_grows(cut):
    task, predictor = cut
    city, origin = task.target, 200
    flow, found = city.flow[:origin].clone(), []
    for step in range(3):
        room = torch.cat([flow, flow[:1]])
        grown = replace(city, flow=room, scaled=scale(room, city.low, city.high))
        guess = predictor(replace(task, target=grown), torch.tensor([origin + step]))
        guess = guess.clamp_min(0) * city.mask
        flow = torch.cat([flow, guess.float()])
        found.append(guess[0].float())
    assert torch.equal(
        rolled(predictor, task, torch.tensor([origin]), 3)[0], torch.stack(found)
    )


def test_the_future_is_not_seen_and_the_past_is_put_back(cut):
    """Two origins, the first inside of the second's past: what was rolled must not stay."""
    task, predictor = cut
    origins, before = torch.tensor([190, 192]), task.target.flow.clone()
    both = rolled(predictor, task, origins, 4)
    assert torch.equal(task.target.flow, before)
    changed = task.target.flow.clone()
    changed[192:] = 0
    blind = replace(task.target, flow=changed,
                    scaled=scale(changed, task.target.low, task.target.high))  # fmt: skip
    assert torch.equal(rolled(predictor, replace(task, target=blind), origins, 4), both)


def test_yesterday_is_repeated_for_a_day_and_then_for_another(cut):
    task, _ = cut
    rule = METHODS["Yesterday"].fit(task, METHODS["Yesterday"].settings(), 0)
    found = rolled(rule, task, torch.tensor([240]), 48)[0]
    want = task.target.flow[216:240] * task.target.mask
    assert torch.equal(found, torch.cat([want, want]))


def test_a_sample_is_the_same_each_time_and_within():
    found = sample_of(range(100, 400), 50)
    assert torch.equal(found, sample_of(range(100, 400), 50)) and len(found.unique()) == 50
    assert found.min() >= 100 and found.max() < 400 and (found.diff() > 0).all()
    assert sample_of(range(5, 8), 50).tolist() == [5, 6, 7]
