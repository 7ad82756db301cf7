"""Plateaus: gains that count, halvings, the end, and the same after a kill."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from stflow_lib.training import loop
from stflow_lib.training.loop import Training
from stflow_lib.training.plateau import Plateau

PLAN = Training(
    epochs=100, epoch_steps=2, batch=4, learning_rate=0.08, plateau=2, precision="float32"
)


def watched(scores, patience):
    plateau = Plateau()
    halvings = []
    for score in scores:
        plateau.watch(float(score), patience)
        halvings.append(plateau.halvings)
    return plateau, halvings


def test_only_a_fifth_of_a_per_cent_is_a_gain():
    """Creeping by less each time must not keep a training alive for ever."""
    assert watched([1.0, 0.9981, 0.9979], 2)[0] == Plateau(0.9979, 0, 0, 0)
    creeping, _ = watched([1.0 * 0.9999**k for k in range(7)], 2)
    assert creeping.settled and creeping.halvings == 3


def test_small_gains_add_up():
    """Each is measured from the last gain that counted, not from the score before."""
    plateau, halvings = watched([1.0, 0.9985, 0.997, 0.9955, 0.994], 3)
    assert halvings == [0] * 5 and plateau.reference == 0.994


@pytest.mark.parametrize(
    "scores, halvings, settled",
    [
        ([5, 6, 6, 6, 6, 6, 6], [0, 0, 1, 1, 2, 2, 3], True),
        ([5, 6, 6, 4, 6, 6, 6, 6], [0, 0, 1, 1, 1, 2, 2, 3], False),  # a gain between
        ([5, 6, 6, 4, 6, 6, 6, 6, 6, 6], [0, 0, 1, 1, 1, 2, 2, 3, 3, 4], True),
    ],
)
def test_the_third_halving_without_a_gain_is_the_end(scores, halvings, settled):
    plateau, found = watched(scores, 2)
    assert found == halvings and plateau.settled == settled


class Scripted:
    """One weight that is trained; its validation scores are written down beforehand."""

    def __init__(self, scores, die_in=None):
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.ones_(self.model.weight)
        self.scores, self.done, self.die_in = scores, 0, die_in

    def loss(self, batch):
        if self.done == self.die_in:
            raise KeyboardInterrupt
        return self.model(batch.float().unsqueeze(1)).square().mean()

    def score(self):
        self.done += 1
        return {"valid": float(self.scores[self.done - 1])}

    def train(self, plan=PLAN, **more):
        return loop.train(
            self.model, self.loss, torch.arange(8), self.score, plan, seed=0, **more
        )


@pytest.fixture
def rates(monkeypatch):
    """The rate of every Adam made."""
    made = []

    class Adam(torch.optim.Adam):
        def __init__(self, parameters, lr, **more):
            made.append(lr)
            super().__init__(parameters, lr=lr, **more)

    monkeypatch.setattr(torch.optim, "Adam", Adam)
    return made


def test_a_training_that_settles(rates):
    history = Scripted([5, 3, 4, 4, 4, 4, 4, 4, 4]).train()
    assert rates == [0.08, 0.04, 0.02]
    assert history.end == {
        "steps": 16,
        "best_step": 4,
        "stopped": "settled",
        "precision": "float32",
    }


def test_a_gain_below_the_bar_is_still_the_best():
    assert Scripted([5, 4.999, 6, 6, 6, 6, 6, 6, 6]).train().best_step == 4


@pytest.mark.parametrize(
    "change, stopped, steps",
    [
        ({"epochs": 3}, "epochs", 6),
        ({"plateau": 0, "patience": 2}, "patience", 8),
        ({"minutes": 1e-9}, "minutes", 2),
        ({}, "settled", 16),
    ],
)
def test_what_ended_it(change, stopped, steps):
    plan = replace(PLAN, **change)
    end = Scripted([5, 3, 4, 4, 4, 4, 4, 4, 4]).train(plan).end
    assert (end["stopped"], end["steps"]) == (stopped, steps)


def test_the_cap_counts_processor_time_of_training_alone(monkeypatch):
    ticks = {"perf_counter": 1_000.0, "process_time": 10.0}  # a busy machine: little is its own
    now = dict.fromkeys(ticks, 0.0)

    def clock(name):
        now[name] += ticks[name]
        return now[name]

    for name in ticks:
        monkeypatch.setattr(loop.time, name, partial(clock, name))
    plan = replace(PLAN, minutes=0.5)  # three steps of the second clock
    end = Scripted([9, 8, 7, 6, 5, 4, 3, 2]).train(plan).end
    assert (end["stopped"], end["steps"]) == ("minutes", 6)


@pytest.mark.parametrize("die_in", [1, 3, 4, 6])
def test_a_killed_training_halves_where_it_would_have(tmp_path, monkeypatch, rates, die_in):
    monkeypatch.setattr(loop.time, "time", iter(range(1_000, 100_000, 10)).__next__)
    scores = [5, 3, 4, 4, 4, 2, 4, 4, 4, 4, 4, 4]
    whole = Scripted(scores)
    want = whole.train()
    broken = Scripted(scores, die_in)
    with pytest.raises(KeyboardInterrupt):
        broken.train(folder=tmp_path)
    again = Scripted(scores[die_in:])
    history = again.train(folder=tmp_path)
    assert history.curves == want.curves and history.end == want.end
    assert torch.equal(again.model.weight, whole.model.weight)
