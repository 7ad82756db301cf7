"""A forecaster of mixed methods, and what its file keeps."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, load_model, make_task, save
from stflow_lib.training.mixture import METHOD, mixed, title


def test_one_that_outweighs_all_stands_alone(lender, twelve):
    task = make_task(lender, (), twelve)
    parts = [METHODS[n].fit(task, METHODS[n].settings(), 0) for n in ("Yesterday", "Last week")]
    assert mixed(parts, [1.0, 0.0]) is parts[0]


def test_its_prediction_is_the_weighted_mean_of_its_parts(model, city):
    task, steps, mean = model._task(city), torch.tensor([200, 390]), 0
    for name, (share, learned) in model.predictor.learned.items():
        method = METHODS[name]
        part = method.restore(task.form, method.settings(), learned)
        mean = mean + share * part(task, steps)
    assert torch.allclose(model.predictor(task, steps), mean)
    assert model.predictor.made.method is METHOD and METHOD.name not in METHODS
    assert " + " in title(model.predictor) and title(model.predictor) == model(city, 2).method


def test_a_file_keeps_the_mixture(model, city, make_grid, tmp_path):
    save(model, tmp_path / "m.pt")
    again = load_model(tmp_path / "m.pt")
    assert again(city, 2).identical(model(city, 2))
    with pytest.raises(DataError, match=r"wide: grid \(4, 6\), the model was made for town"):
        again(make_grid("wide", cols=6), 2)


def test_a_mixture_is_not_fitted_by_itself(lender, twelve):
    with pytest.raises(NotImplementedError, match="made of fitted methods"):
        METHOD.fit(make_task(lender, (), twelve), METHOD.settings(), 0)
