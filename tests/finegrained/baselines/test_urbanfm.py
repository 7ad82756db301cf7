"""UrbanFM: printed size, scaled flows, factors beside the map, residual sums."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.baselines.urbanfm import METHOD, UrbanFM, UrbanFMSettings
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=3, learning_rate=1e-3, halve_every=0, precision="float32")
TAXIBJ = ("temperature", "wind", "holiday", "weekend", "weekday", "hour", "weather")


def test_urbanfm_sees_scaled_flows_and_predicts_vehicles(task):
    """Flows / 100 in the loss are the squared error / 10,000, with the same RMSE."""
    still = replace(SHORT, learning_rate=0.0)
    plain, scaled = (
        METHOD.fit(
            task,
            UrbanFMSettings(channels=4, blocks=1, target_scale=scale, training=still,
                             activation="softplus"),
            0, None,
        )
        for scale in (1.0, 100.0)
    )  # fmt: skip
    assert scaled.curves["valid_rmse"] == plain.curves["valid_rmse"]
    losses = [loss * 1e4 for loss in scaled.curves["loss"]]
    assert losses == pytest.approx(plain.curves["loss"], rel=1e-5)


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
    x = first = net.first(task.coarse[task.train] / 1500)
    for block in net.blocks:
        x = x + block.body(x)
    want = net.last(net.up(first + net.after(x)))
    torch.testing.assert_close(output(net, task), want)


def test_factors_stand_beside_the_coarse_and_the_fine_map(build, output, tasks):
    """UrbanFM concatenates them, where UrbanSTC adds them."""
    task = tasks[4]
    net = build(UrbanFM, task, channels=4, blocks=1, external=True, constraint="none").eval()
    weather = net.external(task.external[task.train])
    first = net.first(torch.cat([task.coarse[task.train] / 1500, weather], 1))
    fine = net.up(first + net.after(net.blocks(first)))
    want = net.last(torch.cat([fine, net.external_up(weather)], 1))
    torch.testing.assert_close(output(net, task), want)
