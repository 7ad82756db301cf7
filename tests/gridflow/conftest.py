"""Hand-made cities and a twelve-day protocol for the tests of the transfer wing."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.schema import grid_city, with_content_hash
from stflow_lib.gridflow.problem.protocol import by_sixths
from stflow_lib.gridflow.problem.task import make_task

DIRECTIONS = ("pickup", "dropoff")


def _city(name="lender", steps=288, rows=4, cols=5, directions=DIRECTIONS, seed=0, minutes=60,
          zone="America/New_York", poi=True, dead=2, size=6.0):  # fmt: skip
    """Poisson counts around a rhythm and a map; the first `dead` cells never see a trip."""
    random = np.random.default_rng(seed)
    shape = (steps, len(directions), rows, cols)
    place = random.gamma(1.0, size, (1, *shape[1:])) + 0.5
    place.reshape(-1, rows * cols)[:, :dead] = 0
    rhythm = 1 + 0.8 * np.sin(np.arange(steps) / 24 * 2 * np.pi)[:, None, None, None]
    time = pd.date_range("2015-11-02", periods=steps, freq=f"{minutes}min")
    city = grid_city(random.poisson(place * rhythm), time, directions, name=name, zone=zone,
                     step_minutes=minutes, unit="trips per step", source="made for a test",
                     licence="MIT")  # fmt: skip
    if poi:
        counts = random.poisson(3.0, (14, rows, cols)).astype(np.float32)
        city["poi"] = ("category", "row", "col"), counts
    return with_content_hash(city)


@pytest.fixture(scope="session")
def make_grid():
    """A function that makes a sealed grid city; see `_city` for what can be chosen."""
    return _city


@pytest.fixture(scope="session")
def twelve():
    """288 hours: validation 192 to 240, test 240 to 288, sources cut at 192."""
    return by_sixths(12)


@pytest.fixture(scope="session")
def lender():
    return _city()


@pytest.fixture(scope="session")
def receiver():
    """Another grid, larger volumes, more dead cells, no POI."""
    return _city("receiver", rows=3, cols=4, seed=1, poi=False, dead=3, size=20.0)


@pytest.fixture(scope="session")
def task():
    """Pick-ups of one source and a target with POI, cut by `twelve`."""
    return make_task(_city("c", rows=3, seed=4), [_city("a", seed=2)], by_sixths(12)).only(0)
