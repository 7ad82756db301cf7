"""Day zero: no source, an hour of speeds, and still a forecast that says who taught it."""

import numpy as np
import pytest
import torch

from stflow_lib.data import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import fit, forecast, load_model, save
from stflow_lib.speedgraph.apply import shipped
from stflow_lib.speedgraph.apply.series import Series
from stflow_lib.speedgraph.beyond.line import features


def first(city, steps):
    return with_content_hash(city.isel(time=slice(0, steps)))


@pytest.fixture(scope="module")
def city(make_speed):
    return make_speed(minutes=5)


@pytest.mark.parametrize("steps, minutes", [(12, 60), (24, 15), (287, 60)])
def test_an_hour_and_no_source_will_do(city, steps, minutes):
    found = forecast(first(city, steps), minutes=minutes)
    assert found.attrs["sources"] == "san-diego, bay-i680, aarhus (shipped with stflow_lib)"
    assert found.attrs["method"] == "Boosted line" and found.sizes["time"] == minutes // 5
    assert np.isfinite(found.to_array().values).all()
    assert (found.lower < found["mean"]).all() and (found["mean"] < found.upper).all()


def test_less_than_is_read_is_refused(city):
    with pytest.raises(DataError, match="target: 11 steps, a forecast reads 12"):
        forecast(first(city, 11))


def test_a_day_other_steps_or_a_named_method_go_before(city, make_speed):
    """A line of five-minute steps says nothing of ten."""
    assert not shipped.fits(Series.of(first(city, 288), 60))
    assert not shipped.fits(Series.of(first(make_speed(), 100), 60))
    assert not shipped.fits(Series.of(first(city, 100), 65))
    assert forecast(first(city, 200), method="Ridge").attrs["sources"] == ""


def test_it_is_the_line_of_its_numbers_alone(city):
    """No tree adds anything: the weights times what a line reads, and the last input."""
    model = fit(first(city, 30), minutes=20)
    series = Series.of(first(city, 30), 20)
    task = series.asked([], series.end)
    weights = torch.tensor(shipped.model()[0]["weights"]).double()[:, :4]
    change = features(task.target, task.test) @ weights
    want = task.target.unscale(change + task.target.scaled[task.test - 1][..., None])
    assert torch.allclose(model.predictor(task, task.test), want.float(), atol=1e-4)


def test_a_saved_one_is_loaded_with_the_same_bits(city, tmp_path):
    young = first(city, 30)
    save(model := fit(young), tmp_path / "young.pt")
    assert load_model(tmp_path / "young.pt")(young).identical(model(young))
    later = load_model(tmp_path / "young.pt")(first(city, 40))
    assert later.time.values[0] == city.time.values[40]
