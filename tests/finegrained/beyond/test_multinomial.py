"""MultinomialNet: nothing lost, history at the start, its likelihood and its average by hand."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import make_task, score
from stflow_lib.finegrained.beyond.multinomial import (
    HARMONICS,
    METHOD,
    MultinomialNet,
    MultinomialSettings,
    cross_entropy,
    informed,
    split_loss,
)
from stflow_lib.finegrained.beyond.sharenet import historical_shares
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

LAB = MultinomialSettings(channels=16, blocks=2)
SHORT = Training(epochs=15, learning_rate=3e-3, halve_every=0, precision="float32")


def model(task, **changes):
    torch.manual_seed(0)
    return MultinomialNet(informed(task), replace(LAB, **changes)).eval()


def shaken(task, **changes):
    """A model whose last layers are no longer zero, the average's neither."""
    net = model(task, **changes)
    torch.nn.init.normal_(net.network.last.weight, 0, 0.3)
    net.means()["last.weight"].copy_(net.network.last.weight.detach())
    return net


def run(net, task, samples):
    return net(task.coarse[samples], informed(task).external[samples])


def by_history(task):
    """By the historical shares of each direction."""
    fine, ways = upsample_nearest(task.coarse, task.factor), len(task.directions)
    for way in range(ways):
        some = replace(task, train=task.train[task.train % ways == way])
        fine[way::ways] *= historical_shares(some, LAB.smoothing)
    return fine


def test_direction_and_time_are_told_by_hand(make_city):
    """Samples alternate between directions; a Saturday is a weekend; noon is half a turn."""
    task = make_task(make_city(steps=24 * 7, directions=("in", "out")), 2)
    told, ways = informed(task).external, len(task.directions)
    assert ways == 2 and told.shape[1] == 2 + 2 * HARMONICS
    assert told[:4, 0].tolist() == [0, 1, 0, 1]
    noon = [i for i, t in enumerate(task.time) if str(t)[11:16] == "12:00"]
    assert noon and torch.allclose(
        told[noon, 4], torch.tensor(-1.0)
    )  # cosine of one turn a day
    days = pd.DatetimeIndex(task.time).dayofweek[told[:, -1].numpy() == 1]
    assert set(days) == {5, 6}


@pytest.mark.parametrize("days, told", [(12, False), (15, True)])
def test_the_time_is_told_where_a_week_was_seen(make_city, days, told):
    """Half of the days are for training; the same map at another hour is split otherwise."""
    task = make_task(make_city(steps=24 * days, directions=("in", "out")), 2)
    net, some = shaken(task), task.test[:2]
    with torch.no_grad():
        net.means()["body.0.weight"].normal_(0, 0.3)
    moment = informed(task).external[some]
    other = moment.clone()
    other[:, 1:] += 1.0
    one, two = (net(task.coarse[some], m) for m in (moment, other))
    assert torch.equal(one, two) != told
    moment[:, 0] = 1 - moment[:, 0]
    assert not torch.equal(one, net(task.coarse[some], moment))


@pytest.mark.parametrize("factor", [2, 4])
def test_no_vehicle_is_lost(make_city, factor):
    """Shares of another block, or a softmax over the wrong axis, lose some."""
    task = make_task(make_city(), factor)
    fine = run(shaken(task), task, task.test)
    blocks = F.avg_pool2d(fine, factor) * factor**2
    torch.testing.assert_close(blocks, task.coarse[task.test])
    assert (fine >= 0).all()


def test_untrained_it_predicts_by_the_historical_shares(task):
    """Network and average start where history ends."""
    torch.testing.assert_close(run(model(task), task, task.test), by_history(task)[task.test])


def test_without_corrections_likelihood_keeps_the_historical_shares(task):
    """Mean shares, vehicles over vehicles, are the closed form of the maximum: no slope there."""
    net = model(task, smoothing=1e-6, squared=0.0)
    split_loss(net, informed(task), task.train).backward()
    assert net.network.log_shares.grad.abs().max() < 1e-5 * task.fine[task.train].mean()


def test_cross_entropy_is_the_likelihood_but_for_a_constant(task):
    """Differences of two models' values are those of torch's multinomial, block by block."""
    batch, values, want = task.train[:3], [], []
    for net in (model(task), shaken(task)):
        log_split = net.network.log_split(task.coarse[batch], informed(task).external[batch])
        shares, fine = log_split.exp(), F.pixel_unshuffle(task.fine[batch], 2)
        values.append(cross_entropy(fine, log_split).item())
        want.append(0.0)
        for b in range(3):
            for row in range(fine.shape[2]):
                for col in range(fine.shape[3]):
                    y, p = fine[b, :, row, col].double(), shares[b, :, row, col].double()
                    law = torch.distributions.Multinomial(int(y.sum()), p, validate_args=False)
                    want[-1] -= law.log_prob(y).item() / fine.numel()
    assert values[1] - values[0] == pytest.approx(want[1] - want[0], rel=1e-4)
    assert values[1] > values[0]


def test_squared_error_counts_in_units_of_the_mean_flow(task):
    """The unit and the weight by hand; twice the vehicles would give twice, not four times."""
    some, batch = task.train, task.train[:3]
    with_error, without = (
        split_loss(shaken(task, squared=w), informed(task), batch).item() for w in (3.0, 0.0)
    )
    gap = (run(shaken(task), task, batch) - task.fine[batch]).square().mean()
    want = 3 * (gap / task.fine[some].mean()).item()
    assert with_error - without == pytest.approx(want, rel=1e-4)


def test_the_average_forgets_as_it_says(task):
    """Against a loop over one weight: (1 + n) / (10 + n) of the old mean, at most `average`."""
    net = model(task, average=0.3)
    weight, mean = net.network.log_shares, net.network.log_shares.detach().clone()
    for n in range(1, 9):
        with torch.no_grad():
            weight += n
        net.follow()
        kept = min(0.3, (1 + n) / (10 + n))
        mean = kept * mean + (1 - kept) * weight.detach()
    torch.testing.assert_close(net.means()["log_shares"], mean)


def test_the_average_predicts(task):
    """What learns is moved; predictions stay until the average follows."""
    net = model(task)
    with torch.no_grad():
        net.network.log_shares[..., ::2, :] += 1
    torch.testing.assert_close(run(net, task, task.test), by_history(task)[task.test])
    net.follow()
    assert not torch.allclose(run(net, task, task.test), by_history(task)[task.test])


def test_noise_has_poisson_deviations(task):
    """In the logarithm, where a count x deviates by 1 / sqrt(1 + x); none while it predicts."""
    net, coarse = model(task).network, torch.full((1, 1, 300, 300), 99.0)
    torch.manual_seed(0)
    jumps = torch.log1p(net.disturbed(coarse)) - torch.log1p(coarse)
    assert jumps.std().item() == pytest.approx(0.1, rel=0.02)
    assert jumps.mean().item() == pytest.approx(0.0, abs=0.002)
    seen, told = shaken(task), informed(task).external[task.test]
    assert torch.equal(run(seen, task, task.test), run(seen, task, task.test))
    assert not torch.equal(
        *(seen.train().network.log_split(task.coarse[task.test], told) for _ in "ab")
    )


def test_averages_are_no_parameters(task):
    """They would be counted twice and moved by Adam."""
    net = model(task)
    assert count_parameters(net) == count_parameters(net.network)
    assert {f"network.{name}" for name in net.means()} == dict(net.named_parameters()).keys()


def test_training_beats_the_shares_that_it_starts_from(make_city):
    """On a city whose splits move with the hour, a correction must be found."""
    city = make_city(steps=160, seed=5)
    city.flow[torch.arange(160).numpy() % 2 == 0, :, ::2] *= 4
    task = make_task(city, 2)
    fitted = METHOD.fit(task, replace(LAB, training=SHORT), 0, None)
    rule = score(task, lambda t, i: by_history(t)[i])["metrics"]["rmse"]
    ours = score(task, fitted)["metrics"]
    assert ours["rmse"] < 0.92 * rule and ours["conservation"] < 1e-5


def test_saved_it_predicts_the_same(task):
    """The average, not what learned last, is what a file has to bring back."""
    settings = replace(LAB, training=replace(SHORT, epochs=2))
    fitted = METHOD.fit(task, settings, 0, None)
    again = METHOD.restore(task.form, settings, fitted.learned.state_dict())
    assert torch.equal(again(task, task.test), fitted(task, task.test))
