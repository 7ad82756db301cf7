"""UrbanFM: printed size, scaled flows, factors beside the map, residual sums."""

import pytest
import torch

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.baselines.urbanfm import UrbanFM, UrbanFMSettings, scaled_error
from stflow_lib.finegrained.networks.scales import deviations
from stflow_lib.finegrained.training.supervised import squared_error
from stflow_lib.training.method import count_parameters

TAXIBJ = ("temperature", "wind", "holiday", "weekend", "weekday", "hour", "weather")


def test_the_loss_is_that_of_scaled_flows(build, task):
    """Flows / 100 in the loss are the squared error / 10,000; what is predicted are vehicles."""
    net, batch = build(UrbanFM, task, channels=4, blocks=1, scales="published"), task.train[:6]
    assert net.scales.tolist() == [1500, 100]
    net.eval()
    plain = squared_error(net, task, batch)
    torch.testing.assert_close(scaled_error(net, task, batch) * 1e4, plain)


def test_scales_are_the_deviations_of_training_flows(build, task):
    """By Beijing's 1,500 a quiet city's signal was below the eps of batch normalisation."""
    net = build(UrbanFM, task, channels=4, blocks=1)
    assert torch.equal(net.scales, deviations(task, (1, task.factor)))
    known = task.coarse[task.train] / net.scales[0]
    assert known.std().item() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    "factor, external, count",
    [(4, True, 6_226_752), (4, False, 6_082_305), (2, False, 5_490_945)],
)
def test_the_printed_size(make_city, factor, external, count):
    """5.94 x 2^20 in Table 10, with external factors."""
    city = make_city(steps=4, rows=32 * factor, cols=32 * factor, external=TAXIBJ)
    network = UrbanFM(make_task(city, factor), UrbanFMSettings(external=external))
    assert count_parameters(network) == count


def test_sums_around_each_block_and_around_all(build, output, tasks):
    """A lost skip trains too, only worse; the coarse map is scaled before, split unscaled."""
    task = tasks[4]
    net = build(UrbanFM, task, channels=4, blocks=2, constraint="none").eval()
    x = first = net.first(task.coarse[task.train] / net.scales[0])
    for block in net.blocks:
        x = x + block.body(x)
    want = net.last(net.up(first + net.after(x)))
    torch.testing.assert_close(output(net, task), want)


def test_factors_stand_beside_the_coarse_and_the_fine_map(build, output, tasks):
    """UrbanFM concatenates them, where UrbanSTC adds them."""
    task = tasks[4]
    net = build(UrbanFM, task, channels=4, blocks=1, external=True, constraint="none").eval()
    weather = net.external(task.external[task.train])
    first = net.first(torch.cat([task.coarse[task.train] / net.scales[0], weather], 1))
    fine = net.up(first + net.after(net.blocks(first)))
    want = net.last(torch.cat([fine, net.external_up(weather)], 1))
    torch.testing.assert_close(output(net, task), want)
