"""Hand-made speed cities for the tests of the joint-training wing."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.schema import graph_city, with_content_hash
from stflow_lib.speedgraph.problem.task import make_task


def _city(name="target", days=6, nodes=5, minutes=10, seed=0, missing=0.05, start="2024-01-01",
          unit="mph"):  # fmt: skip
    """Speeds around a daily rhythm, some readings missing, sensors in a ring."""
    random = np.random.default_rng(seed)
    steps = days * 1440 // minutes
    rhythm = 50 + 8 * np.sin(np.arange(steps) * minutes / 1440 * 2 * np.pi)[:, None]
    speed = (rhythm + random.normal(0, 3, (steps, nodes))).astype(np.float32)
    speed[random.random(speed.shape) < missing] = np.nan
    ring = np.roll(np.eye(nodes, dtype=np.float32), 1, 1) * 0.5 + np.eye(
        nodes, dtype=np.float32
    )
    time = pd.date_range(start, periods=steps, freq=f"{minutes}min")
    where = np.linspace(34.0, 34.1, nodes)
    city = graph_city(speed, time, ring, where, where - 152, name=name, zone="Etc/GMT+8",
                      step_minutes=minutes, unit=unit, source="made for a test",
                      licence="MIT")  # fmt: skip
    return with_content_hash(city)


@pytest.fixture(scope="session")
def make_speed():
    """A function that makes a sealed speed city; see `_city` for what can be chosen."""
    return _city


@pytest.fixture(scope="session")
def target():
    return _city()


@pytest.fixture(scope="session")
def source():
    """Another size and unit."""
    return _city("source", days=8, nodes=7, seed=1, unit="km/h")


@pytest.fixture(scope="session")
def task(target, source):
    """One source, the target's three days, ten minutes."""
    return make_task(target, [source])
