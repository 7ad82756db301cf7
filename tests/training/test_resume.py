"""Killed runs end with the same numbers; a finished one is loaded, and never goes on."""

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from stflow_lib.training import loop as fit
from tests.training.test_loop import PLAN, Job, equal, late


@pytest.fixture
def save_always(monkeypatch):
    """Ten seconds pass between any two looks at the clock: every epoch is saved."""
    clock = SimpleNamespace(now=1e9)

    def now():
        clock.now += 10
        return clock.now

    monkeypatch.setattr(fit.time, "time", now)


def test_training_leaves_the_random_stream_where_it_was(tmp_path):
    """Else a resumed run would start its next stage from other weights."""
    job = Job()
    want = torch.get_rng_state()
    job.train(folder=tmp_path)
    assert torch.equal(torch.get_rng_state(), want)


@pytest.mark.parametrize("die_in", range(6))
def test_a_run_stopped_in_any_epoch_ends_with_the_same_bits(tmp_path, save_always, die_in):
    """Halving at 2 and 4, thawing at 3: Adam's moments, rate and parameters all come back."""
    plan, whole = replace(PLAN, halve_every=2), Job()
    curves = whole.train(plan, trainable=late(whole)).curves
    broken = Job(die_in=die_in)
    with pytest.raises(KeyboardInterrupt):
        broken.train(plan, folder=tmp_path, trainable=late(broken))
    again = Job(init=99 if die_in else 7)  # before the first save, only the seed can help
    history = again.train(plan, folder=tmp_path, trainable=late(again))
    assert len(again.states) == 6 - die_in  # only what was missing
    assert history.curves == curves and equal(again.bits, whole.bits)


def test_resumed_patience_counts_the_epochs_before(tmp_path, save_always):
    criteria = [5, 1, 3, 3, 3, 3, 3, 3]
    plan = replace(PLAN, epochs=8, patience=3)
    broken = Job(criteria, die_in=3)
    with pytest.raises(KeyboardInterrupt):
        broken.train(plan, folder=tmp_path)
    again = Job(criteria[3:])
    assert again.train(plan, folder=tmp_path).epochs == 5
    assert equal(again.bits, broken.states[1])  # the best epoch was before the stop


def test_epochs_between_two_saves_are_done_again(tmp_path):
    """Within five seconds only the first epoch is on disk; the numbers are still the same."""
    whole, broken, again = Job(), Job(die_in=4), Job()
    curves = whole.train().curves
    with pytest.raises(KeyboardInterrupt):
        broken.train(folder=tmp_path)
    assert again.train(folder=tmp_path).curves == curves and len(again.states) == 5


def test_a_finished_training_is_only_loaded(tmp_path):
    first, again = Job(), Job(init=99)
    done = first.train(folder=tmp_path, stage="reg")
    same = again.train(folder=tmp_path, stage="reg")
    assert not again.batches and not again.states
    assert vars(same) == vars(done) and equal(again.bits, first.bits)
    assert [p.name for p in tmp_path.iterdir()] == ["reg.pt"]
    other = Job()
    other.train(folder=tmp_path, stage="tcs")
    assert other.states  # another stage is another training


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_while_saving_keeps_the_state_before(tmp_path, save_always, monkeypatch, step):
    """A half-written file must never stand under the final name."""
    calls, third = [], 5 if step == "fsync" else 3  # of each file and of its folder

    def crash(real):
        def act(*arguments):
            calls.append(1)
            if len(calls) == third:
                raise OSError("disk full")
            return real(*arguments)

        return act

    with monkeypatch.context() as patch:
        patch.setattr(os, step, crash(getattr(os, step)))
        with pytest.raises(OSError, match="disk full"):
            Job().train(folder=tmp_path)
    assert torch.load(tmp_path / "fit.pt", weights_only=True)["epoch"] == 2
    again = Job()
    again.train(folder=tmp_path)
    assert len(again.states) == 4


def test_a_finished_training_is_not_continued_with_another_plan(tmp_path):
    Job().train(replace(PLAN, epochs=2), folder=tmp_path)
    with pytest.raises(ValueError, match="finished after 2 epochs, 5 are asked for"):
        Job().train(replace(PLAN, epochs=5), folder=tmp_path)
