"""Hand-made cities and small plans for the tests of the fine-grained wing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.catalog import index
from stflow_lib.data.schema import grid_city, with_content_hash
from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.plan import ORIGINALS, SMALL
from stflow_lib.finegrained.tables import PAPER
from stflow_lib.finegrained.urbanstc.method import UrbanSTCSettings
from stflow_lib.finegrained.urbanstc.regional_contrast import RegionalSettings
from stflow_lib.finegrained.urbanstc.super_resolution import SuperResolutionSettings
from stflow_lib.finegrained.urbanstc.temporal_contrast import TemporalSettings
from stflow_lib.runs import profiles
from stflow_lib.training.loop import Training


def _city(steps=48, directions=("entries",), rows=8, cols=16, seed=0, start="2008-05-24",
          minutes=60, zone="America/Los_Angeles", external=None, split=None):  # fmt: skip
    """Poisson counts around a rhythm and a map, both seeded; some cells never see a vehicle."""
    random = np.random.default_rng(seed)
    shape = (steps, len(directions), rows, cols)
    place = random.gamma(0.5, 6, (1, *shape[1:])) * (random.random((1, *shape[1:])) < 0.8)
    rhythm = 1 + 0.8 * np.sin(np.arange(steps) / 4)[:, None, None, None]
    time = pd.date_range(start, periods=steps, freq=f"{minutes}min")
    city = grid_city(random.poisson(place * rhythm), time, directions, name="handtown",
                     step_minutes=minutes, zone=zone, unit="vehicles per hour",
                     source="made for a test", licence="MIT")  # fmt: skip
    if external is not None:
        columns = np.ones((steps, len(external)), np.float32)
        city["external"] = (("time", "factor"), columns)
        city = city.assign_coords(factor=list(external))
    return with_content_hash(city, **({"split": split} if split else {}))


@pytest.fixture(scope="session")
def make_city():
    """A function that makes a sealed city; see `_city` for what can be chosen."""
    return _city


@pytest.fixture(scope="session")
def task():
    """24 / 12 / 12 hours of 8 x 16 fine cells in blocks of 2 x 2, calendar factors."""
    return make_task(_city(), 2)


TINY = Training(epochs=2, batch=16, learning_rate=1e-3, halve_every=1, precision="float32")


@pytest.fixture(scope="session")
def tiny():
    """UrbanSTC with four channels and two epochs a stage, and a last layer that is alive."""
    short = replace(TINY, halve_every=0)
    return UrbanSTCSettings(
        channels=4,
        freeze_epochs=1,
        activation="softplus",
        regional=RegionalSettings(training=TINY),
        inference=SuperResolutionSettings(training=short),
        temporal=TemporalSettings(training=short),
        training=replace(short, epochs=3),
    )


SCHEDULE = {"training": {"epochs": 3}}


@pytest.fixture
def size() -> dict:
    """A profile's part for this wing: two cities, three seeds, a size for the paper's methods."""
    urbanstc = {
        "channels": 16,
        "activation": "shifted",
        "freeze_epochs": 1,
        "regional": {**SCHEDULE, "threshold": 1e-4},
        "inference": SCHEDULE,
    }
    own = {"UrbanSTC": urbanstc, "UrbanFM": SCHEDULE, "ShareNet": {"channels": 8, **SCHEDULE}}
    return {
        "cities": ["taxi-sf-64", "bikenyc-p6"],
        "seeds": [0, 1, 2],
        "fractions": [20, 100],
        "methods": {name: {} for name in PAPER} | own,
    }


@pytest.fixture
def catalogue(monkeypatch, size):
    """A function: the files of every set of the wing are here, or absent (None)."""

    def entries(files):
        names = [*ORIGINALS.values(), *size["cities"], *SMALL]
        found = {
            name: SimpleNamespace(files=lambda: files, factor=entry.factor)
            for name, entry in index.entries().items() if name in names
        }  # fmt: skip
        monkeypatch.setattr(index, "entries", lambda: found)

    return entries


@pytest.fixture
def lab(monkeypatch, size, catalogue) -> str:
    """The lab profile at `size`, none of the paper's own sets here."""
    monkeypatch.setattr(profiles, "table", lambda wing, profile: size)
    catalogue(None)
    return "lab"
