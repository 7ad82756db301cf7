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


@pytest.mark.parametrize("field", ["wing", "method"])
def test_unknown_wing_or_method_is_named(toy, field):
    with pytest.raises(runs.RunError, match="'nowhere'"):
        runs.ensure(dataclasses.replace(toy.run(), **{field: "nowhere"}))
