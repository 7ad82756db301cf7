"""The Dirichlet-multinomial over a block: a probability, scipy's numbers, its limits, its fit."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from stflow_lib.finegrained import make_task, score
from stflow_lib.finegrained.beyond.dirichlet import (
    METHOD,
    DirichletUrbanSTC,
    log_likelihood,
    negative_log_likelihood,
)
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings


def network(task, **changes):
    torch.manual_seed(0)
    settings = UrbanSTCSettings(channels=4, activation="sharp", **changes)
    net = DirichletUrbanSTC(task, settings).eval()
    torch.nn.init.normal_(net.place, 0, 1)
    return net


def one_block(values):
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 2, 2)


def likelihood(fine, alpha):
    fine = one_block(fine)
    return log_likelihood(fine, F.avg_pool2d(fine, 2) * 4, one_block(alpha), 2).item()


@pytest.mark.parametrize("alpha", [[0.3, 1.0, 2.5, 0.01], [40.0, 7.0, 3.0, 90.0]])
@pytest.mark.parametrize("total", [0, 1, 5])
def test_it_sums_to_one_over_all_splits(alpha, total):
    """A forgotten multinomial coefficient or sum leaves a score that is no probability."""
    splits = [s for s in product(range(total + 1), repeat=4) if sum(s) == total]
    assert sum(np.exp(likelihood(s, alpha)) for s in splits) == pytest.approx(1, abs=1e-12)


def test_it_is_scipys(make_city):
    """Every block of a map, each with its own alpha, in its own place."""
    task = make_task(make_city(), 2)
    alpha = torch.rand(3, 1, 8, 16, dtype=torch.float64).mul(4).add(0.01)
    got = log_likelihood(task.fine[:3], task.coarse[:3], alpha, 2)
    assert got.shape == (3, 1, 4, 8) and got.dtype == torch.float64
    for b, r, c in product(range(3), range(4), range(8)):
        block = (b, 0, slice(2 * r, 2 * r + 2), slice(2 * c, 2 * c + 2))
        counts = task.fine[block].flatten().int().numpy()
        want = stats.dirichlet_multinomial(alpha[block].flatten().numpy(), counts.sum())
        assert got[b, 0, r, c].item() == pytest.approx(want.logpmf(counts), abs=1e-9)


def test_it_becomes_the_multinomial_as_the_concentration_grows():
    """In float32 the terms near 1e9 would have cancelled to noise."""
    fine, share = [7, 0, 2, 30], np.array([0.2, 0.05, 0.05, 0.7])
    want = stats.multinomial.logpmf(fine, 39, share)
    gaps = [abs(likelihood(fine, (share * 10**e).tolist()) - want) for e in (2, 4, 6, 8)]
    assert gaps == sorted(gaps, reverse=True) and gaps[-1] < 1e-4


def test_empty_blocks_carry_nothing(task):
    """Neither in the value nor in the mean: a city of empty blocks would dilute the loss."""
    net = network(task)
    quiet = replace(task, fine=task.fine.clone(), coarse=task.coarse.clone())
    quiet.fine[:, :, :, 8:] = 0
    quiet.coarse[:, :, :, 4:] = 0
    batch = quiet.train[:4]
    alpha = net.alpha(quiet.coarse[batch], quiet.external[batch])
    blocks = log_likelihood(quiet.fine[batch], quiet.coarse[batch], alpha, 2)
    full = quiet.coarse[batch] > 0
    assert (blocks[~full].abs() < 1e-9).all()
    want = -blocks[full].mean().item()
    assert negative_log_likelihood(net, quiet, batch).item() == pytest.approx(want, rel=1e-9)


def test_shares_are_positive_and_whole_whatever_the_last_layer_does(task):
    """A dead block or an exact zero has no logarithm: one such cell makes the loss infinite."""
    net = network(task)
    net.split = UrbanSTCSettings(activation="relu").split(2)
    torch.nn.init.constant_(net.decoder[-1].bias, -10.0)
    coarse, external = task.coarse[task.test], task.external[task.test]
    shares = net.shares(coarse, external)
    torch.testing.assert_close(shares, torch.full_like(shares, 0.25))
    assert negative_log_likelihood(net, task, task.test).isfinite()


def test_the_mean_is_alpha_over_its_sum_times_the_count(task):
    """The tables score the call, the page the distribution: they must agree."""
    net = network(task)
    coarse, external = task.coarse[task.test], task.external[task.test]
    alpha = net.alpha(coarse, external)
    shares = alpha / F.interpolate(F.avg_pool2d(alpha, 2) * 4, scale_factor=2)
    want = shares * F.interpolate(coarse, scale_factor=2)
    torch.testing.assert_close(net(coarse, external), want)
    split = UrbanSTC.forward(net, coarse, external)  # nearly: FLOOR is added to it
    torch.testing.assert_close(net(coarse, external), split, atol=0.02, rtol=2e-3)


def test_the_concentration_is_the_blocks_own_and_bounded(task):
    """Four cells of a block share one A; a head run wild stays where lgamma is exact."""
    net = network(task)
    for place in (-1e6, 0.0, 1e6):
        torch.nn.init.constant_(net.place, place)
        alpha = net.alpha(task.coarse[:2], task.external[:2]).double()
        total = F.avg_pool2d(alpha, 2) * 4
        assert total.min() > np.exp(-4.01) and total.max() < np.exp(14.01)
    torch.nn.init.normal_(net.place)
    total = F.avg_pool2d(net.alpha(task.coarse[:2], task.external[:2]), 2)
    assert total.std() > 0.1 * total.mean()


def test_fitting_lowers_the_surprise_and_keeps_vehicles(make_city, tiny):
    """And what is returned is the table's predictor with the spread beside it."""
    task = make_task(make_city(steps=160, seed=5), 2)
    plan = replace(tiny.training, epochs=6, learning_rate=1e-2)
    fitted = METHOD.fit(task, replace(tiny, training=plan), 0, None)
    losses = fitted.curves["loss"]
    assert losses[-1] < 0.95 * losses[0] and "inf_loss" in fitted.curves
    assert score(task, fitted)["metrics"]["conservation"] <= 1e-4
    alpha = fitted.concentration(task, task.test)
    total = F.avg_pool2d(alpha, 2) * 4
    mean = alpha * F.interpolate(task.coarse[task.test] / total, scale_factor=2)
    torch.testing.assert_close(fitted(task, task.test), mean)


def overdispersed(make_city, concentration, seed=3):
    """A city whose blocks are split by Dirichlet-multinomial draws around even shares."""
    city = make_city(steps=240, seed=seed)
    random = np.random.default_rng(seed)
    shares = random.dirichlet([concentration / 4] * 4, (240, 1, 4, 8))
    counts = random.multinomial(60, shares).reshape(240, 1, 4, 8, 2, 2)
    city.flow[:] = counts.transpose(0, 1, 2, 4, 3, 5).reshape(240, 1, 8, 16)
    return make_task(city, 2)


@pytest.mark.parametrize("concentration", [3.0, 60.0])
def test_the_concentration_of_simulated_blocks_is_found(make_city, tiny, concentration):
    """Frozen at its start, A would be e^5 whatever the data say."""
    task = overdispersed(make_city, concentration)
    plan = replace(tiny.training, epochs=12, learning_rate=3e-2)
    fitted = METHOD.fit(task, replace(tiny, pretrain=False, training=plan), 0, None)
    found = F.avg_pool2d(fitted.concentration(task, task.test), 2).mul(4).median()
    assert found.item() == pytest.approx(concentration, rel=0.35)


def test_flows_must_be_whole_vehicles(make_city, tiny):
    """lgamma takes fractions without a word; the error names city and sample before training."""
    city = make_city()
    city.flow[5, 0, 2, 3] = 1.5
    with pytest.raises(ValueError, match="handtown: fine flows of sample 5 .*not whole"):
        METHOD.fit(make_task(city, 2), tiny, 0, None)


@pytest.mark.parametrize("changes", [{"constraint": "none"}, {"loss": "log"}])
def test_settings_that_contradict_a_likelihood_are_refused(task, tiny, changes):
    """Silently ignored, they would name a run after what it is not."""
    with pytest.raises(ValueError, match=r"UrbanSTC\+DM: constraint .* loss"):
        METHOD.fit(task, replace(tiny, **changes), 0, None)
