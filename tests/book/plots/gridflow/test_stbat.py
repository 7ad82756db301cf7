"""Experiments of the page on STBaT: each is what its sentence says, on a tiny network."""

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.book.plots.gridflow import stbat as page
from stflow_lib.book.plots.gridflow.tasks import open_pair
from stflow_lib.gridflow import PROTOCOLS
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.stbat.method import BalancedPretraining, STBaTSettings, source_shares
from stflow_lib.gridflow.stbat.riam import RIAM, normal_divergence
from stflow_lib.gridflow.stbat.stblm import STBLMSettings, batch_statistics
from stflow_lib.gridflow.training.schedule import Schedule, forward
from stflow_lib.kernels import rank_contrast

TINY = Backbone(channels=2, blocks=0, hidden=2, feature="h")
SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, learning_rate=0.01)
SETTINGS = STBaTSettings(TINY, SHORT, SHORT, balance=STBLMSettings(width=4))


@pytest.fixture(scope="module")
def task():
    return open_pair("sim-grid-a>sim-grid-c", "P60", 3).only(0)


@pytest.fixture(scope="module")
def shares(task):
    return source_shares(task)["sim-grid-a"]


def pretraining(shares):
    torch.manual_seed(0)
    return BalancedPretraining(STNet(TINY), shares.shape[1], SETTINGS)


def test_every_decision_names_its_setting():
    table = page.decisions(0.25).set_index("question")
    assert len(table) == len(page.DECISIONS) and table.notna().all(axis=None)
    assert table.at["weight of the contrast", "here"] == "1; lab and this page: 0.25"
    settings = STBaTSettings(TINY)
    for name, value in (("RIAMSettings.kl", settings.patterns.kl),
                        ("RIAMSettings.sigma_floor", settings.patterns.sigma_floor),
                        ("STBLMSettings.strength", settings.balance.strength)):  # fmt: skip
        assert value in ("printed", 0.01, 1.0) and name in set(table["setting"])


def test_kinds_are_counted_in_cells_that_take_part(task):
    """Counts of all cells would call water a kind."""
    maps, counts, names = page.region_kinds(task, PROTOCOLS["P60"])
    for city in (task.sources[0], task.target):
        assert ((maps[city.name] == -9) == ~city.mask[0].numpy()).all()
        assert counts[city.name].sum() == city.mask[0].sum().item()
    assert counts["sim-grid-a"].is_monotonic_decreasing
    assert [*names] == counts.index.tolist() and len({*names.values()}) == len(names)


def test_parameters_are_those_of_the_paper():
    """Its own total: 606,015 at the printed sizes."""
    counts = page.parameter_counts(Backbone(), 256, 14)
    assert [*counts.values()] == [
        222_208, 99_328, 66_049, 197_120, 784, 1_518, 19_008, 606_015]  # fmt: skip


def test_riam_begins_balanced_and_ends_with_its_last_patterns(shares):
    torch.manual_seed(0)
    riam = RIAM(shares.shape[1], 2)
    mean, deviation = torch.rand(2, len(shares), 2)
    weights, patterns = page.train_riam(riam, shares, mean, deviation, 3)
    before, after = weights.values()
    assert [*weights] == ["after 0 steps", "after 3 steps"] and not np.array_equal(
        before, after
    )
    assert before.mean() == pytest.approx(1, abs=1e-4) and patterns.shape == (len(shares), 32)


def test_effective_neighbours_go_from_all_to_one():
    """Two groups of three, far apart: each region has three neighbours, and all weigh 1."""
    patterns = torch.zeros(6, 4, dtype=torch.float64)
    patterns[3:] = 100
    table = page.bandwidth_table(patterns, (1.0, 1e6))
    assert table["effective neighbours"].tolist() == pytest.approx([3, 6])
    assert table[["least ω", "largest ω"]].to_numpy() == pytest.approx(np.ones((2, 2)))


def test_a_free_contrast_falls_below_its_anchor():
    delta = torch.rand(12, 12, generator=torch.Generator().manual_seed(0))
    d, gains = page.free_contrast(delta, seed=1, steps=40)
    assert d.shape == (12, 32) and len(gains) == 40
    assert gains[-1] < 0 and gains[-1] < gains[0]
    again, same = page.free_contrast(delta, seed=1, steps=40)
    assert torch.equal(d, again) and gains == same


@pytest.mark.parametrize("direction", ["printed", "reverse"])
def test_nothing_near_the_shared_normal_is_better(direction):
    """By its gradient: the sum of the two divergences is flat there."""
    pairs = (0.0, 0.1), (1.0, 0.5)
    (best,) = [
        n for name, n in page.shared_normals(*pairs).items() if name.startswith(direction)
    ]
    free = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in best]
    fixed = [*torch.tensor(pairs, dtype=torch.float64).T]
    shared = [p.expand(2) for p in free]
    order = (*shared, *fixed) if direction == "printed" else (*fixed, *shared)
    slopes = torch.autograd.grad(normal_divergence(*order).sum(), free)
    assert max(slope.abs().item() for slope in slopes) < 1e-3


def test_each_loss_reaches_its_own_module(task, shares):
    model = pretraining(shares)
    city = task.sources[0]
    reached = page.gradient_reach(model, model.losses(city, city.train[:8], shares))
    assert {part: pair[0] for part, pair in reached["riam"].items() if pair[0]} == {
        "RIAM": len([*model.riam.parameters()])}  # fmt: skip
    assert reached["stblm"]["RIAM"][0] == 0
    assert reached["stblm"]["head"] == (4, 4) and reached["stblm"]["projector"][0] > 0


def test_pretraining_returns_the_curves_of_its_epochs(task):
    torch.manual_seed(0)
    network = STNet(TINY)
    before = [p.clone() for p in network.parameters()]
    curves = page.pretrain(network, task, SETTINGS, 0)
    assert len(curves["valid_rmse"]) == 2
    assert not all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_pulls_are_the_gradients_on_the_shared_layers(task, shares):
    """The same contrast, written out, and its gradient on CNN and LSTM one by one."""
    model, city = pretraining(shares), task.sources[0]
    batch = city.train[:8]
    omega, delta, _ = model.riam.balance(shares)
    error, contrast = page.pulls(model, city, batch, omega, delta)
    net, projector = model.stblm
    z = forward(model, city, batch)[2]
    loss = rank_contrast(projector(*batch_statistics(z)), delta, SETTINGS.balance.temperature)
    weights = [*net.cnn.parameters(), *net.lstm.parameters()]
    slopes = torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)])
    torch.testing.assert_close(contrast, slopes)
    assert error.shape == contrast.shape and not torch.equal(error, contrast)


def test_lengths_scale_with_lambda():
    table = page.pull_table(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 2.0]), (0.5, 10))
    assert table["λ = 0.5"].tolist() == [5, 1, 0.2] and table["λ = 10"].tolist() == [5, 20, 4]


def test_weights_by_counting_give_every_kind_the_same_share():
    table = page.weights_by_kind(
        np.array([0.5, 1.5, 1.0]), np.array([4, 4, 7]), {4: "a", 7: "b"}
    )
    assert table.loc["a"].tolist() == pytest.approx([2, 1, 0.75, 200 / 3, 200 / 3])
    assert (table["cells"] * table["ω by counting"]).tolist() == [1.5, 1.5]


def test_finetuning_changes_the_error_before_it(task):
    torch.manual_seed(0)
    errors, parts = page.finetuned_errors(STNet(TINY), task, SETTINGS, 0)
    assert list(errors) == ["RMSE, source only", "RMSE", "MAE"]
    assert errors["RMSE, source only"] != errors["RMSE"] > errors["MAE"] > 0
    assert any(name.startswith("kind_") for name in parts)


def test_errors_by_kind_begin_with_the_rarest():
    counts = pd.DataFrame({"a": [9, 2, 1], "c": [3, 8, 0]}, index=[0, 5, 2])
    names = {0: "homes", 5: "parks", 2: "ports"}
    results = {"M": ({"RMSE": 2.0}, {"kind_0_rmse": 1.0, "kind_5_rmse": 3.0})}
    table = page.kind_errors(results, counts, names)
    assert table["M"].to_dict() == {"all cells": 2, "parks (2 / 8)": 3, "homes (9 / 3)": 1}
    assert [*table.index] == ["all cells", "parks (2 / 8)", "homes (9 / 3)"]
