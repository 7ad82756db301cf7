"""Aligned features: the joint stage and what it reads."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.baselines.stdaan import STDAANSettings, joint_loss
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.training.schedule import Schedule, squared_error

TINY = Backbone(channels=2, blocks=0, hidden=2)
SHORT = Schedule(epochs=1, epoch_steps=2, batch=8, learning_rate=0.01)
SETTINGS = STDAANSettings(TINY, SHORT, SHORT, SHORT)


@pytest.mark.parametrize("error, power", [("rmse", 0.5), ("mse", 1.0)])
def test_joint_loss_adds_both_cities_means(task, error, power):
    """Without the discrepancy: errors averaged over cells, so that no city's size counts."""
    torch.manual_seed(0)
    network, steps = STNet(TINY), task.target.train[:5]
    settings = replace(SETTINGS, strength=0.0, error=error)
    torch.manual_seed(1)
    got = joint_loss(network, task, settings, task.target, steps)
    torch.manual_seed(1)
    torch.randint(1, ())
    source = task.sources[0]
    drawn = source.train[torch.randint(len(source.train), (5,))]
    want = (squared_error(network, task.target, steps) / len(task.target.cells())) ** power
    want = want + (squared_error(network, source, drawn) / len(source.cells())) ** power
    torch.testing.assert_close(got, want)


def test_three_stages_and_no_zero_shot(receiver, lender, twelve):
    task = make_task(receiver, [lender], twelve)
    fitted = METHODS["ST-DAAN"].fit(task, SETTINGS, 0, None)
    stages = {name.split("_")[1] for name in fitted.curves}
    assert stages == {"source", "align", "target"} and fitted.epochs == 6
    with pytest.raises(DataError, match="receiver: no training day, ST-DAAN"):
        METHODS["ST-DAAN"].fit(make_task(receiver, [lender], twelve, days=0), SETTINGS, 0, None)


def test_the_discrepancy_weighs_against_the_root_as_in_the_released_code():
    """RMSE + 0.1 MMD; a squared error of scaled demand is forty times smaller than its root."""
    assert (STDAANSettings().error, STDAANSettings().strength) == ("rmse", 0.1)
    with pytest.raises(ValueError, match="error 'mae': want rmse or mse"):
        STDAANSettings(error="mae")
