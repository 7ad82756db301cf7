"""Settings from profiles and records: checked, nested, typed."""

import pytest

from stflow_lib import runs
from stflow_lib.runs.settings import changed, merged


def test_settings_reach_nested_classes_and_keep_the_other_defaults(toy, wing):
    built = runs.build_settings(
        wing.METHODS["NOISE"], {"offset": 2, "names": ["x"], "plan": {"epochs": 9}}
    )
    assert built == toy.Settings(2.0, 0.0, ("x",), toy.Plan(9, 0.1))
    assert isinstance(built.offset, float)


@pytest.mark.parametrize(
    "overrides, words",
    [
        ({"ofset": 1.0}, ["NOISE", "'ofset'", "offset, pause"]),
        ({"plan": {"epoch": 1}}, ["NOISE.plan", "'epoch'", "epochs, rate"]),
        ({"plan": {"rate": "1e-3"}}, ["NOISE.plan.rate", "'1e-3'", "1.0e-3"]),
        ({"plan": {"epochs": True}}, ["NOISE.plan.epochs", "True", "int"]),
        ({"plan": {"epochs": 2.5}}, ["NOISE.plan.epochs", "2.5"]),
        ({"names": "a"}, ["NOISE.names", "tuple"]),
        ({"names": ["a", 1]}, ["NOISE.names[1]", "1", "str"]),
        ({"plan": 3}, ["NOISE.plan", "3", "no mapping"]),
        ({"plan": {"epochs": 0}}, ["NOISE.plan.epochs", "0", "above zero"]),
        ({"plan": {"epochs": -2}}, ["NOISE.plan.epochs", "-2"]),
        ({"offset": -1.0}, ["NOISE.offset", "-1.0"]),
        ({"pause": float("nan")}, ["NOISE.pause", "nan"]),
        ({"plan": {"rate": float("inf")}}, ["NOISE.plan.rate", "inf"]),
    ],
)
def test_wrong_settings_are_named(wing, overrides, words):
    """A misspelt setting that is ignored trains the default under another name."""
    with pytest.raises(runs.RunError) as error:
        runs.build_settings(wing.METHODS["NOISE"], overrides)
    assert all(word in str(error.value) for word in words)


def test_a_change_without_effect_leaves_no_trace(wing):
    """Two keys for one training would compute it twice and average it as two."""
    method = wing.METHODS["NOISE"]
    assert changed(method, {"offset": 1.0}, {"offset": 1.0}) == {"offset": 1.0}
    assert changed(method, {"offset": 1.0}, {"plan": {"epochs": 3}}) == {"offset": 1.0}
    assert changed(method, {}, {"plan": {"epochs": 4}}) == {"plan": {"epochs": 4}}


def test_merged_goes_level_by_level_and_leaves_its_arguments_alone():
    """A nested change once replaced its neighbours by their defaults."""
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merged(base, {"a": {"c": 9}}) == {"a": {"b": 1, "c": 9}, "d": 3}
    assert base == {"a": {"b": 1, "c": 2}, "d": 3}
