"""The hour of the label beside the maps: what it adds, and that nothing else moves."""

import math

import pytest
import torch

from stflow_lib.gridflow import METHODS, make_task, score
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.problem.hour_inputs import with_hour_inputs
from stflow_lib.runs import build_settings
from stflow_lib.training.method import count_parameters

SMALL = Backbone(channels=4, blocks=1, hidden=3, last_value=True)


def test_windows_end_with_the_hour_of_the_label(receiver, lender, twelve):
    """In both cities and after one direction is picked; 18:00 is three quarters of a circle."""
    task = with_hour_inputs(make_task(receiver, [lender], twelve))
    for city in (task.only(1).target, task.only(0).sources[0]):
        windows = city.windows(torch.tensor([24 + 18, 48]))
        assert windows.shape[1:3] == (10, 1)
        assert torch.equal(windows[:, :6], city.scaled[36:48].unflatten(0, (2, 6)))
        clock = windows[:, 6:, 0, 1, 2]
        torch.testing.assert_close(
            clock, torch.tensor([[-1.0, 0, 0, -1], [0, 1, 0, 1]]), atol=1e-6, rtol=0
        )
    assert math.isclose(windows.std((3, 4), correction=0)[:, 6:].max().item(), 0)


def test_only_the_lstm_grows():
    """Four inputs more for each of its four gates."""
    plain, told = STNet(SMALL), STNet(SMALL, clock=True)
    assert count_parameters(told) - count_parameters(plain) == 4 * 4 * SMALL.hidden


def test_the_newest_hour_is_not_the_clock():
    """A silent head repeats the last map, not the last input."""
    x = torch.rand(2, 10, 3, 4)
    guess, _ = STNet(SMALL, clock=True)(x, torch.arange(12))
    assert torch.equal(guess, x[:, 5].flatten(1))


def test_the_hour_reaches_every_feature_and_the_maps_see_none():
    """The clock is no seventh hour of demand: without its weights it changes nothing."""
    net, x = STNet(SMALL, clock=True), torch.rand(1, 10, 3, 4)
    other = torch.cat([x[:, :6], -x[:, 6:]], 1)
    cells = torch.arange(12)
    assert (net(x, cells)[1] != net(other, cells)[1]).all()
    net.lstm.weight_ih_l0.data[:, -4:] = 0
    assert torch.equal(net(x, cells)[1], net(other, cells)[1])


@pytest.mark.parametrize("name", ["ST-net", "Finetuned", "MetaST", "RegionTrans", "STBaT"])
def test_methods_take_it(name, lender, receiver, twelve):
    """A predictor fitted on clocked cities is asked with plain tasks."""
    target = receiver.assign(poi=(lender.poi.dims, lender.poi.values[:, :3, :4]))
    task = make_task(target, (lender,), twelve)
    short = {"epochs": 1, "epoch_steps": 2, "batch": 8}
    sizes = {
        "backbone": {"channels": 2, "blocks": 0, "hidden": 4},
        "clock": True,
        "target": short,
    }
    more = {"source": short} if name != "ST-net" else {}
    method = METHODS[name]
    fitted = method.fit(task, build_settings(method, sizes | more), 0, None)
    assert math.isfinite(score(task, fitted)["metrics"]["rmse"])
