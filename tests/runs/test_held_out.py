"""A second setting of a method of ours is refused where nothing may be chosen, and only there."""

import importlib
from types import FunctionType

import pytest

from stflow_lib import runs
from stflow_lib.data.catalog import index
from stflow_lib.data.errors import DataError
from stflow_lib.runs import profiles

OURS = "stflow_lib.toy_parts.beyond.noise"


@pytest.fixture
def held_out(toy, wing):
    """NOISE is a method of ours, COLLAPSES a paper's, and nothing is chosen on toytown."""
    ours = FunctionType(toy.fit_noise.__code__, toy.fit_noise.__globals__, "fit_noise")
    ours.__module__ = OURS
    wing.METHODS["NOISE"] = toy.Method("NOISE", toy.Settings, ours)
    wing.CHOOSING = frozenset({"elsewhere"})
    return toy


def publish(*wanted):
    runs.compute_missing(wanted)
    return runs.publish("toy")


def test_a_second_setting_is_refused_and_nothing_is_written(held_out):
    first = held_out.run()
    folder = publish(first)
    before = (folder / "toytown.csv").read_bytes()
    with pytest.raises(DataError, match=r"NOISE on a>toytown.*offset.*--part valid"):
        publish(held_out.run(city="a>toytown"), held_out.run(city="a>toytown", offset=1.0))
    assert (folder / "toytown.csv").read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"scarcity": "20", "offset": 1.0},
        {"profile": "bench", "offset": 1.0},
        {"city": "elsewhere", "offset": 1.0},
        {"city": "toytown>elsewhere", "offset": 1.0},
        {"method": "COLLAPSES", "offset": 1.0},
    ],
    ids=str,
)
def test_what_is_no_choice_is_published(held_out, other):
    first = held_out.run(**{k: v for k, v in other.items() if k in ("method",)})
    second = held_out.run(**other)
    publish(first, second)
    assert {first.key, second.key} <= runs.published("toy").keys()


def test_elsewhere_any_number_of_settings_is_published(held_out):
    wanted = [held_out.run(city="elsewhere", offset=x) for x in (0.0, 1.0, 2.0)]
    publish(*wanted)
    assert {run.key for run in wanted} <= runs.published("toy").keys()


@pytest.mark.parametrize("wing", profiles.wings())
def test_cities_to_choose_on_are_cities(wing):
    assert importlib.import_module(f"stflow_lib.{wing}").CHOOSING <= index.entries().keys()
