"""The training loop: samples, rates, frozen layers, patience, seeds, and NaN named at once."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from stflow_lib.training import loop as fit
from stflow_lib.training.loop import Training

PLAN = Training(epochs=6, batch=4, learning_rate=0.01, halve_every=0)


class Job:
    """A small regression with dropout; everything that happens is written down."""

    def __init__(self, criteria=None, die_in=None, init=7):
        torch.manual_seed(init)
        self.model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        random = torch.Generator().manual_seed(0)
        self.x = torch.randn(10, 3, generator=random)
        self.criteria, self.die_in = criteria, die_in
        self.batches, self.states = [], []

    def loss(self, batch):
        if self.die_in == len(self.states):
            raise KeyboardInterrupt
        self.batches.append(batch.tolist())
        return (self.model(self.x[batch]) - self.x[batch].sum(1, keepdim=True)).pow(2).mean()

    def score(self):
        assert not self.model.training and not torch.is_grad_enabled()
        self.states.append([p.detach().clone() for p in self.model.parameters()])
        valid = (self.model(self.x) - self.x.sum(1, keepdim=True)).pow(2).mean()
        scripted = self.criteria and self.criteria[len(self.states) - 1]
        return {"valid": scripted or valid.item(), "other": -valid.item()}

    def train(self, plan=PLAN, seed=0, **more):
        return fit.train(
            self.model, self.loss, torch.arange(10), self.score, plan, seed=seed, **more
        )

    @property
    def bits(self):
        return [p.detach().clone() for p in self.model.parameters()]


def equal(one, two):
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.fixture
def adams(monkeypatch):
    """The learning rate and number of parameters of every Adam made."""
    made = []

    class Adam(torch.optim.Adam):
        def __init__(self, parameters, lr, **more):
            parameters = [*parameters]
            made.append((lr, len(parameters)))
            super().__init__(parameters, lr=lr, **more)

    monkeypatch.setattr(torch.optim, "Adam", Adam)
    return made


def late(job):
    """The first layer is frozen for three epochs."""
    last = [*job.model[2].parameters()]
    return lambda epoch: [*job.model.parameters()] if epoch >= 3 else last


def test_every_epoch_visits_every_sample_once_in_a_new_order():
    job = Job()
    job.train()
    per_epoch = [
        [sample for batch in job.batches[i : i + 3] for sample in batch]
        for i in range(0, 18, 3)
    ]
    assert [len(b) for b in job.batches[:3]] == [4, 4, 2]
    assert all(sorted(order) == [*range(10)] for order in per_epoch)
    assert len({tuple(order) for order in per_epoch}) == 6


def test_the_loss_curve_is_the_mean_over_samples():
    """A mean of batch means would count the last short batch double."""
    weight = nn.Parameter(torch.zeros(()))
    holder = nn.ParameterList([weight])
    history = fit.train(
        holder,
        lambda batch: batch.float().mean() + weight * 0,
        torch.arange(10),
        lambda: {"valid": 1.0},
        replace(PLAN, epochs=1),
        seed=0,
    )
    assert history.curves == {"loss": [4.5], "valid": [1.0]} and history.epochs == 1


def test_the_rate_is_halved_and_adam_is_new_at_the_right_epochs(adams):
    Job().train(replace(PLAN, epochs=10, halve_every=3))
    assert [lr for lr, _ in adams] == [0.01, 0.005, 0.0025, 0.00125]


def test_one_adam_where_nothing_changes(adams):
    """An optimiser made anew each epoch forgets its moments: no error, worse training."""
    Job().train()
    assert adams == [(0.01, 4)]


def test_frozen_parameters_stay_to_the_bit_and_then_move(adams):
    job = Job()
    before = job.bits
    job.train(trainable=late(job))
    first = [state[:2] for state in job.states]
    assert all(equal(state, before[:2]) for state in first[:3])
    assert not equal(first[3], before[:2]) and not equal(job.states[0][2:], before[2:])
    assert adams == [(0.01, 2), (0.01, 4)]


def test_a_training_that_ends_frozen_thaws():
    """A pre-trained network handed on frozen would never move again."""
    job = Job()
    job.train(replace(PLAN, epochs=2), trainable=late(job))
    assert all(p.requires_grad for p in job.model.parameters())


def test_a_frozen_epoch_computes_no_gradient_for_frozen_parameters():
    job, seen = Job(), []
    job.model.register_forward_hook(
        lambda *_: seen.append(job.model[0].weight.requires_grad) if job.model.training else 0
    )
    job.train(trainable=late(job))
    assert seen == [False] * 9 + [True] * 9


@pytest.mark.parametrize(
    "criteria, patience, epochs, best",
    [
        ([5, 4, 3, 3.5, 3.2, 3.1, 1, 1], 3, 6, 3),  # three epochs without a gain
        ([5, 4, 3, 3.5, 3.2, 2.9, 4, 4], 3, 8, 6),  # a gain in the last moment
        ([5, 5, 5, 5, 5, 5, 5, 5], 2, 3, 1),  # equal is no gain
        ([5, 4, 6, 6, 6, 6, 6, 6], 0, 8, 2),  # 0: never stop
    ],
)
def test_patience_and_the_best_epoch(criteria, patience, epochs, best):
    """The last parameters, or the first criterion's maximum, would be another model."""
    job = Job(criteria)
    history = job.train(replace(PLAN, epochs=8, patience=patience))
    assert history.epochs == epochs == len(job.states)
    assert equal(job.bits, job.states[best - 1]) and not equal(job.bits, job.states[best - 2])
    assert not job.model.training


def test_seeds():
    """Same seed, same bits, whatever was drawn before; another seed, another order and dropout."""
    jobs = [Job(), Job(), Job()]
    curves = []
    for job, seed in zip(jobs, (3, 3, 4), strict=True):
        curves.append(job.train(seed=seed).curves)
        torch.rand(1)
    assert curves[0] == curves[1] != curves[2] and equal(jobs[0].bits, jobs[1].bits)
    assert jobs[0].batches != jobs[2].batches


def test_a_loss_that_is_nan_is_an_error_that_says_where():
    job = Job()
    real, job.loss = job.loss, lambda b: real(b) * (math.nan if len(job.states) == 2 else 1)
    with pytest.raises(FloatingPointError, match="reg: the loss is NaN in epoch 2"):
        job.train(stage="reg")


@given(
    n=st.integers(1, 40), batch=st.integers(1, 16), steps=st.integers(1, 30),
    epochs=st.integers(1, 6),
)  # fmt: skip
def test_epochs_of_any_length_visit_all_samples_equally_often(n, batch, steps, epochs):
    """However many steps an epoch has: the visits of two samples never differ by more than one."""
    plan = Training(batch=batch, epoch_steps=steps)
    samples = torch.arange(n) + 100
    seen = torch.cat([plan.order(samples, epoch, 3) for epoch in range(epochs)])
    assert len(seen) == epochs * steps * batch
    visits = torch.bincount(seen - 100, minlength=n)
    assert visits.max() - visits.min() <= 1


def test_epoch_steps_hold_in_training(adams):
    """10 samples in batches of 4, five steps an epoch: full batches, the loss over 20 visits."""
    job = Job()
    plan = replace(PLAN, epochs=3, epoch_steps=5, halve_every=1)
    history = job.train(plan)
    assert history.epochs == 3 and [len(b) for b in job.batches] == [4] * 15
    assert [lr for lr, _ in adams] == [0.01, 0.005, 0.0025]


def test_a_nan_validation_score_is_an_error():
    """NaN compares false with everything: no epoch would be kept, and nobody told."""
    with pytest.raises(FloatingPointError, match="fit: the validation score is NaN in epoch 1"):
        Job(criteria=[1.0, float("nan"), 1.0]).train(replace(PLAN, epochs=3))


def test_precision_by_name():
    cpu = torch.device("cpu")
    assert fit.resolve_precision("float32", cpu) == torch.float32
    assert fit.resolve_precision("bfloat16", cpu) == torch.bfloat16
    assert fit.resolve_precision("auto", torch.device("cuda")) == torch.bfloat16
    with pytest.raises(ValueError, match="precision 'half': want auto, float32 or bfloat16"):
        fit.resolve_precision("half", cpu)


@pytest.mark.parametrize("name, dtype", [("float32", torch.float32),
                                         ("bfloat16", torch.bfloat16)])  # fmt: skip
def test_autocast_of_a_matrix_product(name, dtype):
    with fit.autocast(name, torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
