"""A small TSJT, what it is told of its cities, and settings that train it for a moment."""

import pytest
import torch

from stflow_lib.runs import build_settings
from stflow_lib.speedgraph.training.finetune import supports_by_city
from stflow_lib.speedgraph.tsjt.method import METHOD, TSJT

SMALL = {
    "sources": 6, "training": {"epochs": 2, "epoch_steps": 3, "batch": 4},
    "backbone": {"channels": 4, "mixed": 3},
    "prompting": {"width": 8, "patterns": 5, "dropout": 0.0},
}  # fmt: skip


def _small(method=METHOD, **more):
    return build_settings(method, SMALL | more)


@pytest.fixture
def small():
    """A function that makes small settings of a method, with whatever else is given."""
    return _small


@pytest.fixture
def network(task):
    torch.manual_seed(0)
    return TSJT(task, _small())


@pytest.fixture
def roads(task):
    """Operators of every city of `task`, by name."""
    return supports_by_city(TSJT(task, _small()), task)
