"""MAML as a method: which trainings it is not, and what it leaves behind."""

from dataclasses import replace

import pytest

from stflow_lib.gridflow import METHODS
from stflow_lib.gridflow.baselines.maml import MAMLSettings
from stflow_lib.gridflow.networks.stnet import Backbone
from stflow_lib.gridflow.training.meta import Meta
from stflow_lib.gridflow.training.schedule import Schedule

TINY = Backbone(channels=2, blocks=0, hidden=2)
SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, learning_rate=0.01)
META = Meta(tasks=2, steps=2, rate=0.01)


def test_orders_and_finetuned_differ(task):
    """Second order, first order and plain pre-training are three trainings."""
    settings = MAMLSettings(TINY, SHORT, SHORT, META)
    first = replace(settings, meta=replace(META, first_order=True))
    curves = [
        METHODS[name].fit(task, s, 0, None).curves["pickup_source_loss"]
        for name, s in (("MAML", settings), ("MAML", first), ("Finetuned", settings))
    ]
    assert len({tuple(curve) for curve in curves}) == 3


@pytest.mark.parametrize("name, more", [("MAML", {}), ("MetaST", {"patterns": 2, "memory": 3})])
def test_epochs_are_chosen_after_adapting(task, name, more):
    """The same training, judged by another error: what the target will do with the weights."""
    kind = METHODS[name].settings
    settings = kind(TINY, SHORT, SHORT, replace(META, rate=0.1), **more)
    plain = replace(settings, meta=replace(settings.meta, validate_adapted=False))
    one, two = (METHODS[name].fit(task, s, 0, None).curves for s in (settings, plain))
    assert one["pickup_source_loss"] == two["pickup_source_loss"]
    assert one["pickup_source_valid_rmse"] != two["pickup_source_valid_rmse"]
