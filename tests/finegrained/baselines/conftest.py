"""Networks of the baselines, built small, and the tasks that they are built for."""

import pytest
import torch

from stflow_lib.finegrained import METHODS, make_task


@pytest.fixture(scope="session")
def tasks(make_city):
    """The hand-made city by M."""
    return {m: make_task(make_city(), m) for m in (2, 4)}


@pytest.fixture(scope="session")
def odd(make_city):
    """Tasks by M with 10 x 6 coarse cells: sides that no pyramid divides."""
    return {m: make_task(make_city(steps=4, rows=10 * m, cols=6 * m), m) for m in (2, 4)}


@pytest.fixture(scope="session")
def build():
    """A function: a class and the task -> the network with its random weights, settings changed."""

    def network(kind, task, seed=0, **changes):
        torch.manual_seed(seed)
        return kind(task, METHODS[kind.__name__].settings(**changes))

    return network


@pytest.fixture(scope="session")
def output():
    """A function: the network's maps of a task's training part."""
    return lambda network, task: network(task.coarse[task.train], task.external[task.train])
