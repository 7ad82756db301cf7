"""The hours after the last: their clock, their places, their intervals, and a model's file."""

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.data import DataError
from stflow_lib.gridflow import fit, forecast, load_model, save
from stflow_lib.gridflow.apply.rollout import rolled
from stflow_lib.training import saved

HERE = {"lat_min": 50.0, "lat_max": 50.4, "lon_min": 8.0, "lon_max": 8.5}


def test_the_hours_behind_the_last_and_the_middles_of_cells(city):
    lat = ("row", np.linspace(50.3, 50.0, 4))
    found = forecast(city.assign_coords(lat=lat), hours=3)
    assert found.sizes == {"time": 3, "direction": 2, "row": 4, "col": 5}
    first = pd.Timestamp(city.time.values[-1]) + pd.Timedelta("1h")
    assert list(found.time.values) == list(pd.date_range(first, periods=3, freq="h"))
    assert np.array_equal(found.lat, lat[1]) and found.attrs["unit"] == "trips per step"
    assert list(found.direction.values) == list(city.direction.values)


def test_bounds_hold_the_mean_s_order_and_dead_cells_are_zero(model, city):
    found = model(city, 4)
    assert (found.lower >= 0).all() and (found.lower <= found.upper).all()
    dead = ~(city.flow.values > 0).any(0)
    assert dead.any()
    for name in ("mean", "lower", "upper"):
        assert not found[name].values[:, dead].any()


@pytest.mark.parametrize("steps", [7, 12, 30, 48, 60, 100, 170])
def test_any_number_of_hours_will_do(make_grid, steps):
    """Every named protocol fails on exactly three days; nobody has a named number of days."""
    found = forecast(make_grid("young", steps=steps), hours=6)
    assert np.isfinite(found.to_array().values).all() and (found.upper > 0).any()


def test_no_own_day_but_a_source(make_grid):
    found = forecast(make_grid("young", steps=10), [make_grid("old", rows=6, seed=5)], hours=2)
    assert found.attrs["method"] == "Boosted line" and found.attrs["sources"] == "old"
    assert found.attrs["calibrated_hours"] == 4


def test_coverage_on_hours_that_nobody_saw(make_grid):
    """Poisson counts around a rhythm; 80 % intervals on 60 later origins, all steps ahead."""
    whole = make_grid("town", steps=900, dead=0)
    model = fit(whole.isel(time=slice(0, 800)), hours=4)
    task, origins = model._task(whole), torch.arange(800, 860)
    guess = rolled(model.predictor, task, origins, 4)
    lower, upper = (torch.stack(e) for e in zip(*(model._bounds(g, (0.1, 0.9)) for g in guess),
                                                strict=True))  # fmt: skip
    truth = task.target.flow[origins[:, None] + torch.arange(4)]
    inside = ((lower <= truth) & (truth <= upper)).double().mean((0, 2, 3, 4))
    assert ((inside > 0.76) & (inside < 0.90)).all()


def test_another_process_gives_the_same_bits(model, city, bits_elsewhere, one_thread):
    want = model(city, 4).to_array().values.tobytes()
    assert bits_elsewhere(model, city, hours=4) == want


def test_a_model_goes_on_with_the_hours_that_came_since(make_grid, tmp_path):
    whole = make_grid("town", steps=400)
    model = fit(whole.isel(time=slice(0, 380)), hours=2)
    save(model, tmp_path / "m.pt")
    later = load_model(tmp_path / "m.pt")(whole, 2)
    assert later.time.values[0] == whole.time.values[-1] + np.timedelta64(1, "h")


def test_another_shape_beginning_or_more_hours_are_refused(model, city, make_grid, tmp_path):
    with pytest.raises(DataError, match=r"wide: grid \(4, 6\), the model was made for town"):
        model(make_grid("wide", cols=6), 2)
    with pytest.raises(DataError, match="town: begins at 2015-11-02 05:00:00, the model"):
        model(city.isel(time=slice(5, None)), 2)
    with pytest.raises(DataError, match="town: 5 hours, the model is calibrated for 4"):
        model(city, 5)
    with pytest.raises(DataError, match=r"town: 1.5 hours are no whole number of steps"):
        forecast(city, hours=1.5)
    saved.save(
        model.predictor.__class__(**{**vars(model.predictor), "notes": {}}), tmp_path / "p"
    )
    with pytest.raises(DataError, match="without intervals"):
        load_model(tmp_path / "p")
