"""Day zero: no source, hardly an hour, and still a forecast that says who taught it."""

import numpy as np
import pytest
import torch

from stflow_lib.gridflow import fit, forecast, load_model, save
from stflow_lib.gridflow.apply import shipped
from stflow_lib.gridflow.beyond.line import Line


@pytest.fixture(scope="module")
def young(make_grid):
    return make_grid("young", steps=20, poi=False)


@pytest.mark.parametrize("steps", [7, 20, 47])
def test_no_day_and_no_source_will_do(make_grid, steps):
    found = forecast(make_grid("young", steps=steps, poi=False), hours=3)
    assert found.attrs["method"] == "Boosted line"
    assert found.attrs["sources"].startswith("jonas-nyc-taxi, ")
    assert found.attrs["sources"].endswith("(shipped with stflow_lib)")
    assert np.isfinite(found.to_array().values).all() and (found["mean"] > 0).any()


def test_a_named_method_two_days_or_a_source_go_before(make_grid, young):
    assert forecast(young, hours=2, method="Previous hour").attrs["method"] == "Previous hour"
    assert not forecast(make_grid(steps=60, poi=False), hours=2).attrs["sources"]
    assert forecast(young, [make_grid("old")], hours=2).attrs["sources"] == "old"


def test_other_steps_or_more_directions_are_left_to_the_rule(make_grid):
    """Weights of an hour say nothing of half an hour."""
    for city in (make_grid(steps=20, minutes=30), make_grid(steps=20, directions="abc")):
        found = forecast(city, hours=2)
        assert found.attrs["method"] == "Previous hour" and found.attrs["sources"] == ""


def test_it_is_the_line_of_its_numbers(young):
    """Naively: weights of the label's hour times own lags, neighbours' means, and one."""
    model = fit(young, hours=1)
    task = model._task(young)
    city, t, d, row, col = task.target, 15, 1, 2, 3
    weights = np.array(shipped.model()[0]["lines"][d][t])  # the series begins at midnight
    maps = city.scaled[t - 6 : t, d].double().numpy()
    ring = [maps[-2:, i, j].copy() for i in (1, 2, 3) for j in (2, 3, 4)
            if (i, j) != (row, col)]  # fmt: skip
    x = np.concatenate([maps[:, row, col], np.sum(ring, 0) / 8, [1]])
    want = (weights @ x) * (city.high - city.low)[d].item() + city.low[d].item()
    found = model.predictor(task, torch.tensor([t]))[0, d, row, col]
    assert bool(city.mask[d, row, col]) and found.item() == pytest.approx(want, rel=1e-5)


def test_a_saved_one_is_loaded_with_the_same_bits(young, tmp_path):
    model = fit(young, hours=2)
    save(model, tmp_path / "young.pt")
    again = load_model(tmp_path / "young.pt")
    assert again(young, 2).identical(model(young, 2))
    rules = again.predictor.predict.predict.rules
    assert all(isinstance(rule.line, Line) and not rule.boosters for rule in rules)
