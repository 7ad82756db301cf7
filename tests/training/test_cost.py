"""Measuring: steps counted as they happen, peaks seen from outside, exponents recovered."""

import math
import operator
import os
from functools import partial

import numpy as np
import pytest
import torch

from stflow_lib.training import cost, memory
from stflow_lib.training.loop import Training, retain_heap, train


def small_training(steps: int, forwards: list):
    """A training of one epoch by the book's loop; it notes every forward pass."""
    network = torch.nn.Linear(3, 1)
    network.register_forward_hook(lambda *_: forwards.append(1))
    x = torch.rand(8, 3)
    plan = Training(epochs=1, epoch_steps=steps, batch=4)
    loss = lambda batch: network(x[batch]).square().mean()
    return lambda: train(network, loss, torch.arange(8), lambda: {"e": 0.0}, plan, seed=0)


def test_every_step_of_the_books_loop_has_its_seconds():
    """Without the first step, or with validation as one more, a step's median would lie."""
    forwards = []
    found = cost.step_seconds(small_training(5, forwards))
    assert len(found) == len(forwards) == 5 and min(found) >= 0


def test_the_clock_starts_at_the_first_pass(monkeypatch):
    """Clusters, graphs and weights are prepared once, and must not count in every step."""
    now = iter(map(float, range(100)))
    monkeypatch.setattr(cost.time, "process_time", lambda: next(now))

    def fit():
        for _ in range(50):  # preparations
            cost.time.process_time()
        small_training(2, [])()

    assert cost.step_seconds(fit) == [1, 1]


def test_hooks_are_gone_after_a_failure():
    """A hook that stays would slow and time every later training of the process."""
    from torch.nn.modules.module import _global_forward_pre_hooks as passes
    from torch.optim.optimizer import _global_optimizer_post_hooks as steps

    with pytest.raises(ZeroDivisionError):
        cost.step_seconds(lambda: 1 / 0)
    assert not passes and not steps


def test_seconds_are_of_the_processor(monkeypatch):
    """Wall time would count the neighbours' work."""
    monkeypatch.setattr(cost.time, "process_time", iter([2.0, 5.0]).__next__)
    assert cost.seconds(list) == 3


def test_gradient_is_that_of_the_function():
    """A leaf that is shared with the caller would collect gradients from call to call."""
    x = torch.tensor([1.0, 2.0])
    for _ in range(2):
        value, gradient = cost.value_and_grad(lambda a, b: (a * a * b).sum(), x, 3.0)
        assert value == 15 and gradient.tolist() == [6, 12]
    assert x.grad is None and not x.requires_grad


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc")
def test_each_action_has_a_peak_of_its_own():
    """The caller's peak must not count, nor a larger action before, nor the memory it kept."""
    mine = bytearray(300 * 2**20)
    sizes = (1, 90, 50)
    keep, *actions = [retain_heap, *(partial(bytearray, mb * 2**20) for mb in sizes)]
    taken = cost.in_fresh_process(cost.peak_growth, keep, *actions)
    del mine
    assert taken == pytest.approx(sizes, abs=5)


def test_where_the_system_does_not_tell_there_is_no_number(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(memory, "_RESET", tmp_path / "none")
    (found,) = cost.peak_growth(list, list)
    assert math.isnan(found)


def test_result_comes_back_whole_whatever_is_printed():
    """What a function prints goes the same way as its result, and must not mix with it."""
    assert cost.in_fresh_process(print, "hello") is None
    assert cost.in_fresh_process(operator.add, "a", "b") == "ab"


def test_failure_of_the_fresh_process_is_told():
    """A swallowed failure would stand in the table as an empty cell."""
    with pytest.raises(RuntimeError, match="ended with 1: ZeroDivisionError"):
        cost.in_fresh_process(operator.truediv, 1, 0)


def test_exponent_of_a_power_is_that_power():
    sizes = np.array([128, 256, 512, 1024])
    found = cost.fit_power_law(sizes, 3e-9 * sizes**2.0)
    assert found == pytest.approx((2, 2, 2))
    noise = np.array([1.1, 0.9, 1.1, 0.9])
    slope, low, high = cost.fit_power_law(sizes, sizes**3 * noise)
    assert low < slope < high and low < 3 < high


def test_two_points_have_no_interval():
    with pytest.raises(ValueError, match="three sizes, not 2"):
        cost.fit_power_law([1.0, 2.0], [1.0, 2.0])


def test_turns_take_every_action_once_and_drop_the_first():
    """Blocks of one method after another would charge a busy minute to one of them."""
    calls = []
    actions = {n: (lambda n=n: calls.append(n) or float(len(calls))) for n in "abcd"}
    kept = cost.interleaved(actions, 5)
    rounds = [calls[i : i + 4] for i in range(0, 24, 4)]
    assert all(sorted(r) == list("abcd") for r in rounds) and len(calls) == 24
    assert len({tuple(r) for r in rounds}) > 1, "always the same order"
    assert all(len(v) == 5 and min(v) > 4 for v in kept.values())


def test_median_and_spread():
    assert cost.median_and_iqr([1.0, 2.0, 3.0, 4.0, 100.0]) == (3.0, 2 / 3)


def test_steps_of_a_pass_and_of_a_plan():
    """A lab epoch of 60 steps is no pass over the samples, and must not be priced as one."""
    assert cost.planned_steps(Training(epochs=10, batch=16), 33) == (3, 30)
    assert cost.planned_steps(Training(epochs=10, epoch_steps=60, batch=16), 33) == (3, 600)
