"""A small speed city, made by hand, and a task on it."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.schema import graph_city, with_content_hash
from stflow_lib.speedgraph import make_task


@pytest.fixture(scope="session")
def make_city():
    """Makes a city in which every sensor of a chain is one faster than the one before it."""

    def make(name="a", days=6, nodes=6, unit="mph"):
        steps = days * 144
        rhythm = 50 + 8 * np.sin(np.arange(steps) / 144 * 2 * np.pi)
        noise = np.random.default_rng(nodes).normal(0, 1, (steps, nodes))
        speed = (rhythm[:, None] + np.arange(nodes) + noise).astype(np.float32)
        chain = np.eye(nodes, dtype=np.float32) + np.eye(nodes, k=1, dtype=np.float32) / 2
        where = np.linspace(34.0, 34.1, nodes)
        time = pd.date_range("2024-01-01", periods=steps, freq="10min")
        city = graph_city(speed, time, chain, where, where - 152, name=name,
                          zone="Etc/UTC", step_minutes=10,
                          unit=unit, source="a test", licence="MIT")  # fmt: skip
        return with_content_hash(city)

    return make


@pytest.fixture(scope="session")
def task(make_city):
    """Three days of one city, and another one as its source."""
    return make_task(make_city(), [make_city("b", 5, 4, "km/h")])
