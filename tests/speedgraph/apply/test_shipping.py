"""What the card of the shipped forecaster says can be had again."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data import load
from stflow_lib.speedgraph import METHODS
from stflow_lib.speedgraph.apply import shipped, shipping
from stflow_lib.speedgraph.beyond.line import no_change
from stflow_lib.speedgraph.problem.task import make_task
from stflow_lib.training.provenance.source_hash import method_hash
from stflow_lib.training.shipped import taught_by


def test_the_card_names_the_code_that_learned():
    card = shipped.model()[1]
    assert card["code"] == method_hash(METHODS[card["method"]])
    assert [city["name"] for city in card["trained_on"]] == [*shipping.TEACH]
    assert [city["name"] for city in card["held_out"]] == [*shipping.HELD_OUT]


def test_cities_that_teach_are_those_of_the_catalogue(real_data):
    for city in shipped.model()[1]["trained_on"]:
        assert taught_by(load(city["name"])) == city


def test_errors_of_the_card_are_those_of_the_file(real_data):
    """Los Angeles: lower squared errors than the last value, the same absolute ones, and 90 %
    intervals that hold in a city that none of their errors comes from."""
    (told,) = shipped.model()[1]["held_out"]
    found = shipping.judged(load("la"))
    for key in ("rmse", "mae", "inside", "rule_rmse", "rule_mae"):
        assert found[key] == pytest.approx(told[key], rel=2e-3), key
    assert found["rmse"] < 0.95 * found["rule_rmse"] and 0.85 < found["inside"] < 0.95


def test_errors_are_the_truth_of_the_hour_behind_minus_the_forecast(make_speed):
    city = make_speed(minutes=5, missing=0.0)
    off, last, inside = shipping.errors_at(city, 100)
    values = city.speed.values
    assert np.allclose(last, (values[123] - values[124:136]).ravel())
    assert off.shape == last.shape == inside.shape == (12 * 5,)


def test_a_city_that_was_just_met_is_scaled_by_two_hours(make_speed):
    """What comes later must not set the scale that its errors are told in."""
    task = make_task(make_speed(minutes=5, missing=0.0), protocol="P5", days=2)
    city = task.target
    met = shipping.just_met(city, 200)
    known = city.speed[176:200].double()
    assert met.mean == pytest.approx(known.mean().item())
    assert met.deviation == pytest.approx(known.std(correction=0).item())
    errors = shipping.errors_in(met, no_change(met))
    want = (city.speed[200:212] - city.speed[199]).T / met.deviation
    assert torch.allclose(errors.float(), want, atol=1e-4)
    other = replace(city, speed=city.speed.clone())
    other.speed[200:] += 9
    assert shipping.just_met(other, 200).mean == met.mean
