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


def test_joint_loss_adds_both_cities_means(task):
    """Without the discrepancy: errors averaged over cells, so that no city's size counts."""
    torch.manual_seed(0)
    network, steps = STNet(TINY), task.target.train[:5]
    settings = replace(SETTINGS, strength=0.0)
    torch.manual_seed(1)
    got = joint_loss(network, task, settings, task.target, steps)
    torch.manual_seed(1)
    torch.randint(1, ())
    source = task.sources[0]
    drawn = source.train[torch.randint(len(source.train), (5,))]
    want = squared_error(network, task.target, steps) / len(task.target.cells())
    want = want + squared_error(network, source, drawn) / len(source.cells())
    torch.testing.assert_close(got, want)


def test_three_stages_and_no_zero_shot(receiver, lender, twelve):
    task = make_task(receiver, [lender], twelve)
    fitted = METHODS["ST-DAAN"].fit(task, SETTINGS, 0, None)
    stages = {name.split("_")[1] for name in fitted.curves}
    assert stages == {"source", "align", "target"} and fitted.epochs == 6
    with pytest.raises(DataError, match="receiver: no training day, ST-DAAN"):
        METHODS["ST-DAAN"].fit(make_task(receiver, [lender], twelve, days=0), SETTINGS, 0, None)
