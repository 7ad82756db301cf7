"""What the card of the shipped forecaster says can be had again."""

import pytest
import torch

from stflow_lib.data import load
from stflow_lib.gridflow import METHODS
from stflow_lib.gridflow.apply import shipped, shipping
from stflow_lib.training.provenance.source_hash import method_hash
from stflow_lib.training.shipped import taught_by


def test_the_card_names_the_code_that_learned():
    """A changed line of the method makes the model one of other code."""
    card = shipped.model()[1]
    assert card["code"] == method_hash(METHODS[card["method"]])
    assert card["settings"] == str(METHODS[card["method"]].settings())
    assert [city["name"] for city in card["trained_on"]] == [*shipping.TEACH]
    assert [city["name"] for city in card["held_out"]] == [*shipping.HELD_OUT]


def test_cities_that_teach_are_those_of_the_catalogue(real_data):
    for city in shipped.model()[1]["trained_on"]:
        assert taught_by(load(city["name"])) == city


@pytest.mark.parametrize("name", shipping.HELD_OUT[:2])
def test_errors_of_the_card_are_those_of_the_file(real_data, name):
    """And better than the rule that has nothing to learn; on taxis of San Francisco they are
    not, which the card says."""
    (told,) = [one for one in shipped.model()[1]["held_out"] if one["name"] == name]
    found = shipping.judged(load(name))
    assert {k: found[k] for k in ("name", "hours", "unit")} == {
        k: told[k] for k in ("name", "hours", "unit")
    }
    for key in ("rmse", "mae", "inside", "rule_rmse"):
        assert found[key] == pytest.approx(told[key], rel=2e-3), key
    assert found["rmse"] < 0.8 * found["rule_rmse"] and 0.85 < found["inside"] < 0.95


def test_errors_are_counted_as_they_are(make_grid):
    """Over valid cells, from each third hour, in the city's unit."""
    whole = make_grid(steps=90, poi=False)
    model = shipping.fit(shipping.first_hours(whole, 0, 36), (), 6, "Previous hour")
    flow = torch.tensor(whole.flow.values)
    off = [flow[t : t + 6] - flow[t - 1] for t in range(36, 84, 3)]
    live = model._task(whole).target.mask
    want = torch.stack(off)[:, :, live].square().mean().sqrt().item()
    assert shipping.errors_of(model, whole)["rmse"] == pytest.approx(want, abs=1e-3)
