"""The name of a run: stable keys, and settings that are checked."""

import dataclasses

import pytest

from stflow_lib import runs


def test_key_is_the_same_everywhere_and_differs_in_every_field():
    """A key that moved would orphan every published record: this one is written down."""
    run = runs.Run(
        "finegrained", "HA", "sim-fine", "x4", "100", "lab", 0, {"a": 1, "b": {"c": 2}}
    )
    assert run.key == "f5dbe3097b94"
    changes = {
        "wing": "w",
        "method": "m",
        "city": "c",
        "protocol": "p",
        "scarcity": "20",
        "profile": "smoke",
        "seed": 1,
        "settings": {"a": 2},
    }
    keys = {dataclasses.replace(run, **{k: v}).key for k, v in changes.items()}
    assert len(keys | {run.key}) == len(changes) + 1


def test_key_ignores_the_order_of_settings(toy):
    assert toy.run(offset=1.0, pause=0.0).key == toy.run(pause=0.0, offset=1.0).key


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
    ],
)
def test_wrong_settings_are_named(wing, overrides, words):
    """A misspelt setting that is ignored trains the default under another name."""
    with pytest.raises(runs.RunError) as error:
        runs.build_settings(wing.METHODS["NOISE"], overrides)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("field", ["wing", "method"])
def test_unknown_wing_or_method_is_named(toy, field):
    with pytest.raises(runs.RunError, match="'nowhere'"):
        runs.ensure(dataclasses.replace(toy.run(), **{field: "nowhere"}))
