"""ShareNet: shares from training maps alone, nothing lost, fewer parameters than UrbanSTC."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.finegrained import make_task, score
from stflow_lib.finegrained.beyond.sharenet import (
    METHOD,
    ShareNet,
    ShareNetSettings,
    historical_shares,
)
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

LAB = ShareNetSettings(channels=16, blocks=2)
SHORT = Training(epochs=6, learning_rate=3e-3, halve_every=0, precision="float32")


def network(task, settings=LAB):
    torch.manual_seed(0)
    return ShareNet(task, settings).eval()


def run(net, task, indices):
    return net(task.coarse[indices], task.external[indices])


def shaken(task):
    """A network whose last layer is no longer zero, so that it says something of its own."""
    net = network(task)
    torch.nn.init.normal_(net.last.weight, 0, 0.3)
    return net


@pytest.mark.parametrize("directions", [("entries",), ("inflow", "outflow")])
@pytest.mark.parametrize("smoothing", [0.5, 2.0])
def test_historical_shares_are_smoothed_counts_over_their_block(
    make_city, directions, smoothing
):
    """Mean of ratios, or a block sum taken before smoothing, gives other numbers."""
    task = make_task(make_city(directions=directions), 2)
    got = historical_shares(task, smoothing)[0, 0]
    counts = task.fine[task.train].double().sum((0, 1)) + smoothing
    for row in range(counts.shape[0]):
        for col in range(counts.shape[1]):
            top, left = row // 2 * 2, col // 2 * 2
            whole = counts[top : top + 2, left : left + 2].sum()
            assert got[row, col].item() == pytest.approx((counts[row, col] / whole).item())


def test_a_block_without_history_is_split_evenly(make_city):
    """Zero over zero must not reach the logarithm."""
    city = make_city()
    city.flow[:, :, 2:4, 2:4] = 0
    task = make_task(city, 2)
    assert historical_shares(task, 1.0)[0, 0, 2:4, 2:4].flatten().tolist() == [0.25] * 4


@pytest.mark.parametrize("smoothing", [0.0, -1.0, float("nan")])
def test_smoothing_must_be_positive(task, smoothing):
    """A share of zero has no finite logarithm; the error comes before any training."""
    with pytest.raises(ValueError, match="smoothing .* is not positive"):
        network(task, replace(LAB, smoothing=smoothing))


def test_history_ends_with_the_fraction(make_city):
    """Maps after the kept fraction, validation and test included, must not move a share."""
    city = make_city()
    before = network(make_task(city, 2, 50.0)).state_dict()
    kept = len(make_task(city, 2, 50.0).train)
    city.flow[kept:] = city.flow[kept:] * 3 + 7
    after = network(make_task(city, 2, 50.0)).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_untrained_it_predicts_by_the_historical_shares(task):
    """The correction starts at zero: a network that starts anywhere else wastes its history."""
    want = upsample_nearest(task.coarse[task.test], 2) * historical_shares(task, LAB.smoothing)
    torch.testing.assert_close(run(network(task), task, task.test), want)


@pytest.mark.parametrize("factor", [2, 4])
def test_no_vehicle_is_lost(make_city, factor):
    """Scores shuffled into another block's cells, or a softmax over the wrong axis, lose some."""
    task = make_task(make_city(), factor)
    fine = run(shaken(task), task, task.test)
    blocks = torch.nn.functional.avg_pool2d(fine, factor) * factor**2
    torch.testing.assert_close(blocks, task.coarse[task.test])
    assert (fine >= 0).all()


def test_scores_are_log_shares_plus_correction(task):
    """The page draws the two parts: they must be what the prediction is made of."""
    net, coarse = shaken(task), task.coarse[task.test]
    fine = run(net, task, task.test)
    unshuffle = torch.nn.functional.pixel_unshuffle
    scores = unshuffle(net.log_shares, 2) + net.correction(coarse)
    full = (coarse > 0).expand_as(scores)
    shares = unshuffle(fine, 2) / coarse.clamp_min(1e-9)
    torch.testing.assert_close(shares[full], scores.softmax(1)[full])


def test_modes_are_mixed_place_by_place(task):
    """c + sum_k a_k m_k against a loop over cells; a sum over places would blur the map."""
    net, coarse = shaken(task), task.coarse[task.test[:3]]
    log_shares = (
        torch.nn.functional.pixel_unshuffle(net.log_shares, 2) + torch.tensor(4.0).log()
    )
    seen = torch.cat([torch.log1p(coarse), log_shares.expand(3, -1, -1, -1)], 1)
    out, got = net.last(net.body(seen)), net.correction(coarse)
    for cell in range(4):
        for row, col in ((0, 0), (1, 5), (3, 7)):
            modes = net.modes[:, 0, 2 * row + cell // 2, 2 * col + cell % 2]
            want = out[:, cell, row, col] + (out[:, 4:, row, col] * modes).sum(1)
            torch.testing.assert_close(got[:, cell, row, col], want)


def test_every_parameter_learns(task):
    """Zero last layer times zero modes would never leave zero."""
    fitted = METHOD.fit(task, replace(LAB, training=replace(SHORT, epochs=2)), 0, None)
    torch.manual_seed(0)
    net = ShareNet(task, LAB)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(2):
        optimizer.zero_grad()
        (run(net, task, task.train) - task.fine[task.train]).pow(2).mean().backward()
        optimizer.step()
    assert all(not torch.equal(before[n], v) for n, v in net.state_dict().items())
    assert fitted.parameters == count_parameters(net)  # shares and modes are counted


def test_training_beats_the_shares_that_it_starts_from(make_city):
    """On a city whose splits move with the hour, a correction must be found."""
    city = make_city(steps=160, seed=5)
    evening = torch.arange(160).numpy() % 2 == 0
    city.flow[evening, :, ::2] *= 4
    task = make_task(city, 2)
    fitted = METHOD.fit(task, replace(LAB, training=replace(SHORT, epochs=15)), 0, None)
    shares = historical_shares(task, 1.0)
    rule = score(task, lambda t, i: upsample_nearest(t.coarse[i], 2) * shares)["metrics"][
        "rmse"
    ]
    ours = score(task, fitted)["metrics"]
    assert ours["rmse"] < 0.92 * rule and ours["conservation"] < 1e-5


@pytest.mark.parametrize("rows, cols, factor", [(64, 64, 4), (80, 32, 2), (128, 128, 4)])
@pytest.mark.parametrize("settings, width", [(LAB, 16), (ShareNetSettings(), 128)])
def test_never_more_parameters_than_urbanstc(make_city, rows, cols, factor, settings, width):
    """The comparison is at equal or fewer parameters, shares and modes among them."""
    if (rows, width) == (128, 16):
        pytest.skip("the lab's cities are smaller")
    task = make_task(make_city(steps=8, rows=rows, cols=cols), factor)
    theirs = UrbanSTC(task, UrbanSTCSettings(channels=width))
    assert count_parameters(network(task, settings)) <= count_parameters(theirs)


def test_the_count_is_the_sum_of_its_layers(make_city):
    """(1 + K) maps of fine cells, cv(3, 1 + M^2, C), 2 per block cv(3, C, C), cv(3, C, M^2 + K)."""
    task = make_task(make_city(steps=8, rows=64, cols=64), 4)
    want = 3 * 4096 + (9 * 17 * 16 + 16) + 4 * (9 * 16 * 16 + 16) + (9 * 16 * 18 + 18)
    assert count_parameters(network(task)) == want == 26_642
