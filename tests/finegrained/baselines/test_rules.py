"""MEAN and HA against plain loops."""

import numpy as np
import pytest
import torch

from stflow_lib.finegrained import METHODS, make_task, score
from stflow_lib.finegrained.baselines.rules import RatioSettings

HA, MEAN = METHODS["HA"], METHODS["MEAN"]
TWO = ("pickup", "dropoff")


def shares_by_loops(city, factor, steps, ratio):
    """[D, HM, WM] in double: mean of y / x (0 where x = 0), or sum of y / sum of x."""
    flow = city.flow.values[:steps].astype(float)
    shares = np.zeros(flow.shape[1:])
    for d, row, col in np.ndindex(*shares.shape):
        top, left = row // factor * factor, col // factor * factor
        x = flow[:, d, top : top + factor, left : left + factor].sum((1, 2))
        y = flow[:, d, row, col]
        if ratio == "sum":
            shares[d, row, col] = y.sum() / x.sum() if x.sum() else 0
        else:
            shares[d, row, col] = np.mean(
                [b / a if a else 0 for a, b in zip(x, y, strict=True)]
            )
    return shares


@pytest.mark.parametrize("ratio", ["mean", "sum"])
@pytest.mark.parametrize("directions", [("entries",), TWO])
@pytest.mark.parametrize("factor", [2, 4])
def test_ha_is_each_directions_own_share(make_city, ratio, directions, factor):
    """One share for both directions, or over the whole city, would differ."""
    city = make_city(steps=24, directions=directions, rows=8, cols=4)
    task = make_task(city, factor, 50.0)
    shares = shares_by_loops(city, factor, 6, ratio)
    predict = HA.fit(task, RatioSettings(ratio), 0, None)
    for sample in task.test.tolist():
        coarse = np.kron(task.coarse[sample, 0], np.ones((factor, factor)))
        want = torch.from_numpy(coarse * shares[sample % len(directions)]).float()
        got = predict(task, torch.tensor([sample]))[0, 0]
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ratio", ["mean", "sum"])
def test_ha_has_nothing_to_say_on_a_block_empty_in_training(make_city, ratio):
    """No NaN from 0 / 0: the block gets nothing, and the score counts it as dead."""
    city = make_city(steps=16, rows=4, cols=4)
    city.flow.values[:8, :, :2, :2] = 0
    city.flow.values[8:, :, :2, :2] = 5
    task = make_task(city, 2)
    fine = HA.fit(task, RatioSettings(ratio), 0, None)(task, task.test)
    assert not fine[..., :2, :2].any() and torch.isfinite(fine).all()
    dead = score(task, HA.fit(task, RatioSettings(ratio), 0, None))["metrics"]["dead_blocks"]
    assert dead >= 4 / int((task.coarse[task.test] > 0).sum())


def test_ha_by_sums_keeps_every_vehicle_of_a_known_block(make_city):
    task = make_task(make_city(rows=4, cols=8), 2)
    got = score(task, HA.fit(task, RatioSettings("sum"), 0, None))["metrics"]
    assert got["conservation"] < 1e-5


def test_mean_gives_equal_shares(task):
    """Shares of 1 instead of 1 / M^2 pass every shape test."""
    predict = MEAN.fit(task, MEAN.settings(), 0, None)
    for block in predict(task, task.test).unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).unbind():
        assert (block == block[..., :1]).all()
    assert score(task, predict)["metrics"]["conservation"] == 0
    assert predict.parameters == 0


def test_unknown_ratio_is_an_error(task):
    with pytest.raises(ValueError, match="HA: ratio 'median' is neither mean nor sum"):
        HA.fit(task, RatioSettings("median"), 0, None)
