"""Forecasts after the last step: any city, nothing from ahead, the same from a file."""

import numpy as np
import pytest
import torch

from stflow_lib.data import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import fit, forecast, load_model


def unlinked(city):
    """The city without adjacency."""
    return with_content_hash(city.drop_vars(["adjacency", "node_to"]))


@pytest.fixture(scope="module")
def model(make_speed):
    return fit(make_speed(days=4), method="Ridge")


@pytest.mark.parametrize("minutes", [5, 10, 15])
def test_steps_follow_the_last_of_a_broken_day(make_speed, minutes):
    city = make_speed(days=4, minutes=minutes)
    cut = with_content_hash(city.isel(time=slice(0, -9 * 60 // minutes)))
    found = forecast(cut, method="Ridge")
    step = np.timedelta64(minutes, "m")
    want = cut.time.values[-1] + step * np.arange(1, 60 // minutes + 1)
    assert np.array_equal(found.time, want)
    assert (found.lower < found["mean"]).all() and (found["mean"] < found.upper).all()


def test_default_method_forecasts_with_and_without_sources(make_speed):
    """These cities are a rhythm and noise: what the clock says has a share."""
    city, source = (
        make_speed(days=2, minutes=30),
        make_speed("other", days=3, minutes=30, seed=1),
    )
    assert "Time-of-day mean" in forecast(city).attrs["method"]
    found = forecast(city, [source])
    assert "Time-of-day mean" in found.attrs["method"] and found.attrs["sources"] == "other"


def test_forecasts_of_a_rhythm_are_the_rhythm(make_speed):
    """What comes is what the next day of the same city is, but for its noise of 3."""
    city = make_speed(days=6)
    cut = with_content_hash(city.isel(time=slice(0, 720)))
    found = forecast(cut, method="Time-of-day mean")
    truth = city.speed.sel(time=found.time)
    assert float(abs(found["mean"] - truth).mean()) < 4
    assert float(abs(found["mean"] - truth.mean()).max()) < 12


def test_without_adjacency_a_graph_is_learned_and_told(make_speed, capsys):
    city = unlinked(make_speed(days=3))
    shared = np.random.default_rng(0).normal(0, 9, (432, 1)).astype(np.float32)
    city["speed"] = (city.speed + shared).clip(0)
    city = with_content_hash(city)
    found = forecast(city, method="Graph ridge")
    assert "a graph from correlations" in found.attrs["graph"]
    assert "target: no adjacency: a graph from correlations" in capsys.readouterr().out


def test_sensor_without_any_reading_has_no_forecast(make_speed):
    city = make_speed(days=3)
    city.speed[:, 2] = np.nan
    city.speed[-30:, 4] = np.nan
    found = forecast(with_content_hash(city), method="Ridge")
    assert found["mean"].isnull().all("time").values.tolist() == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert (found.attrs["never_read"], found.attrs["not_read_lately"]) == (1, 2)


def test_another_process_has_the_same_bits(make_speed, bits_elsewhere, one_thread):
    city = unlinked(make_speed(days=3))
    model = fit(city, method="Trees")
    assert bits_elsewhere(model, city) == model(city).to_array().values.tobytes()


def test_model_knows_its_sensors_in_any_order_and_later_steps(model, make_speed):
    city = make_speed(days=4)
    order = [3, 1, 0, 4, 2]
    turned = with_content_hash(city.isel(node=order, node_to=order))
    assert np.array_equal(model(turned)["mean"].sel(node=city.node), model(city)["mean"])
    later = make_speed(days=5)
    assert model(later).time.values[0] == later.time.values[-1] + np.timedelta64(10, "m")


def test_city_of_another_shape_is_refused_by_name(model, make_speed):
    for other, words in {
        make_speed("other", nodes=6).attrs["name"]: "6 sensors, the model was made for the 5",
        "third": "unit km/h, the model of target was made for mph",
        "fourth": "minutes 15, the model of target was made for 10",
    }.items():
        made = {
            "other": make_speed("other", nodes=6), "third": make_speed("third", unit="km/h"),
            "fourth": make_speed("fourth", minutes=15),
        }[other]  # fmt: skip
        with pytest.raises(DataError, match=f"{other}: {words}"):
            model(made)


def test_wider_levels_hold_narrower_ones(model, make_speed):
    wide, narrow = (
        model(make_speed(days=4), levels) for levels in ((0.05, 0.95), (0.25, 0.75))
    )
    assert (wide.lower <= narrow.lower).all() and (narrow.upper <= wide.upper).all()
    with pytest.raises(DataError, match="levels"):
        model(make_speed(days=4), (0.9, 0.1))


def test_a_predictor_is_no_forecaster(model, make_speed, tmp_path):
    from dataclasses import replace

    from stflow_lib.training import saved

    saved.save(replace(model.predictor, notes={}), tmp_path / "model.pt")
    with pytest.raises(DataError, match="model.pt: a predictor without intervals"):
        load_model(tmp_path / "model.pt")
    with pytest.raises(DataError, match="method 'Crystal ball': there are Last value"):
        forecast(make_speed(days=4), method="Crystal ball")


def test_nothing_ahead_is_read(make_speed):
    """A forecast from the first days is the same, whatever the model file's city went on to be."""
    city = make_speed(days=5)
    cut = with_content_hash(city.isel(time=slice(0, 576)))
    model = fit(cut, method="Graph ridge")
    series = model(cut)
    assert torch.isfinite(torch.from_numpy(series["mean"].values)).all()
    again = fit(with_content_hash(cut.copy(deep=True)), method="Graph ridge")(cut)
    assert again.identical(series)
