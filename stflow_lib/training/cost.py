"""Measuring cost on a machine that others use too: processor time, and peaks in a new process.

Seconds are those in which this process computed, so a neighbour who takes the processor does
not count; memory is what a process of its own had at its worst.
"""

import ctypes
import gc
import pickle
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from stflow_lib.training.loop import Training
from stflow_lib.training.memory import reset_peak, status_mb

_WORKER_CODE = """
import contextlib, pickle, sys
function, arguments = pickle.load(sys.stdin.buffer)
with contextlib.redirect_stdout(sys.stderr):
    result = function(*arguments)
sys.stdout.buffer.write(pickle.dumps(result))
"""  # a pickled call comes in, its pickled result goes out


def seconds(action: Callable[[], Any]) -> float:
    """Processor seconds of one call, all threads together."""
    start = time.process_time()
    action()
    return time.process_time() - start


def step_seconds(fit: Callable[[], Any]) -> list[float]:
    """Processor seconds of each optimiser step of a training of one epoch.

    The clock starts at the first forward pass, so that preparations do not count, and is read
    after every step of any optimiser. Whatever loop trains is timed as it is.
    """
    clock: list[float] = []

    def tick(*_) -> None:
        clock.append(time.process_time())

    def first_pass(*_) -> None:
        start.remove()
        tick()

    start = register_module_forward_pre_hook(first_pass)
    step = register_optimizer_step_post_hook(tick)
    try:
        fit()
    finally:
        start.remove()
        step.remove()
    return np.diff(clock).tolist()


def interleaved(
    actions: Mapping[Any, Callable[[], float]], turns: int
) -> dict[Any, list[float]]:
    """What each action returns (its seconds), `turns` times; a turn before these is thrown away.

    Each turn takes every action once, in an order of its own: a machine that is busy for a
    while slows all of them, and none always follows the same other.
    """
    kept: dict[Any, list[float]] = {name: [] for name in actions}
    for turn in range(turns + 1):
        for name in random.Random(turn).sample(list(actions), len(actions)):
            seconds = actions[name]()
            if turn:
                kept[name].append(seconds)
    return kept


def median_and_iqr(seconds: Sequence[float]) -> tuple[float, float]:
    """Median, and the interquartile range as a share of it."""
    low, median, high = np.quantile(seconds, [0.25, 0.5, 0.75])
    return float(median), float((high - low) / median)


def planned_steps(plan: Training, samples: int) -> tuple[int, int]:
    """Optimiser steps of one pass over the samples, and of the whole plan without patience."""
    one_pass = -(-samples // plan.batch)
    return one_pass, plan.epochs * (plan.epoch_steps or one_pass)


def value_and_grad(function: Callable[..., Tensor], first: Tensor, *others: Any):
    """The scalar function(first, *others) and its gradient with respect to `first`."""
    leaf = first.detach().requires_grad_()
    value = function(leaf, *others)
    return value.detach(), torch.autograd.grad(value, leaf)[0]


def peak_growth(first: Callable[[], Any], *actions: Callable[[], Any]) -> list[float]:
    """MB by which resident memory peaks during each action, above what it was just before.

    `first` is a small one that loads code, which is no memory of a computation. Freed memory
    goes back to the system before each. NaN where the system does not tell (it has no /proc).
    """
    first()
    return [_growth(action) for action in actions]


def _growth(action: Callable[[], Any]) -> float:
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    reset_peak()
    before = status_mb("VmRSS")
    action()
    return status_mb("VmHWM") - before


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """function(*arguments) computed by a new Python process, which nothing has warmed or filled.

    Function and arguments are pickled, so the function must lie in a module. Its peak is its
    own: `ru_maxrss` would inherit that of the caller. RuntimeError with the last line of what
    went wrong there.
    """
    done = subprocess.run([sys.executable, "-c", _WORKER_CODE], capture_output=True, check=False,
                          input=pickle.dumps((function, arguments)))  # fmt: skip
    if done.returncode:
        last = (done.stderr.decode().strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"the new process ended with {done.returncode}: {last}")
    return pickle.loads(done.stdout)


def fit_power_law(
    sizes: Sequence[float] | np.ndarray, costs: Sequence[float] | np.ndarray
) -> tuple[float, float, float]:
    """p of cost ~ size^p by least squares in logarithms, and its 95 % interval (Student's t).

    ValueError for fewer than three sizes: two points have no interval.
    """
    from scipy import stats  # slow to import, and nothing else here needs it

    if len(sizes) < 3:
        raise ValueError(f"an exponent with an interval needs three sizes, not {len(sizes)}")
    line = stats.linregress(np.log(sizes), np.log(costs))
    half = stats.t.ppf(0.975, len(sizes) - 2) * line.stderr
    return float(line.slope), float(line.slope - half), float(line.slope + half)
