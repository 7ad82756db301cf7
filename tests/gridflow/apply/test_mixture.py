"""Means of methods: the weights are the best there are, and a file keeps them."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, fit, load_model, make_task, save
from stflow_lib.gridflow.apply.mixture import LEAST, METHOD, mixed, title, weights_of


@pytest.fixture(scope="module")
def city(make_grid):
    return make_grid("town", steps=400, poi=False)


@pytest.fixture(scope="module")
def model(city):
    return fit(city, hours=2)


def errors(*sizes, n=4000):
    """Independent errors of methods with these standard deviations."""
    random = torch.Generator().manual_seed(0)
    return torch.tensor(sizes)[:, None] * torch.randn(len(sizes), n, generator=random)


def test_independent_errors_weigh_by_their_inverse_variance():
    want = torch.tensor([1.0, 1 / 4, 1 / 2.25]).double()
    found = weights_of(errors(1.0, 2.0, 1.5))
    assert torch.allclose(found, want / want.sum(), atol=0.03) and found.sum() == 1


def test_no_share_nearby_has_a_smaller_error():
    """Three methods whose errors go together, and every convex mean on a fine net of shares."""
    *apart, shared = errors(1.0, 1.2, 0.9, 0.5)
    own = torch.stack(apart) + shared
    found = weights_of(own)
    steps = torch.arange(0, 1.001, 0.02)
    net = [(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1]
    least = min((torch.tensor(w) @ own).square().mean().item() for w in net)
    assert (found @ own.double()).square().mean().item() <= least + 1e-6


def test_a_method_that_adds_nothing_is_left_out_and_equals_share():
    one = errors(1.0)[0]
    found = weights_of(torch.stack([one, one, one + 3 * errors(1.0, 1.0)[1]]))
    assert torch.allclose(found, torch.tensor([0.5, 0.5, 0.0]).double(), atol=1e-3)
    assert weights_of(torch.zeros(4, 0)).tolist() == [0.25] * 4
    every = weights_of(errors(*np.linspace(1, 9, 8).tolist()))
    assert every[every > 0].min() >= LEAST and (every == 0).any()


def test_one_that_outweighs_all_stands_alone(lender, twelve):
    task = make_task(lender, (), twelve)
    parts = [METHODS[n].fit(task, METHODS[n].settings(), 0) for n in ("Yesterday", "Last week")]
    assert mixed(parts, torch.stack([errors(0.01)[0], errors(1.0, 5.0)[1]])) is parts[0]


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
