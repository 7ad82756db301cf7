"""ST-net alone and Finetuned: which stages they have, and what they read."""

import torch

from stflow_lib.gridflow import make_task, score
from stflow_lib.gridflow.baselines.finetuned import FINETUNED, TARGET_ONLY
from stflow_lib.gridflow.networks.stnet import Backbone
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.gridflow.training.transfer import TargetSettings, TransferSettings

TINY = Backbone(channels=2, blocks=0, hidden=2, last_value=True)
SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, learning_rate=0.01)


def test_finetuned_beats_chance_and_has_both_directions(receiver, lender, twelve):
    task = make_task(receiver, [lender], twelve)
    fitted = FINETUNED.fit(task, TransferSettings(TINY, SHORT, SHORT), 0, None)
    assert fitted(task, task.test).shape == (48, 2, 3, 4) and fitted.epochs == 8
    assert set(fitted.curves) == {
        f"{way}_{stage}_{name}"
        for way in ("pickup", "dropoff")
        for stage in ("source", "target")
        for name in ("loss", "valid_rmse")
    }
    metrics = score(task, fitted)["metrics"]
    assert 0 < metrics["mae"] <= metrics["rmse"] < receiver.flow.values.max()


def test_target_only_ignores_the_sources(receiver, lender, make_grid, twelve):
    tasks = [make_task(receiver, s, twelve) for s in ((), [lender], [make_grid("far", seed=9)])]
    settings = TargetSettings(TINY, SHORT)
    got = [TARGET_ONLY.fit(task, settings, 0, None)(task, task.test) for task in tasks]
    assert torch.equal(got[0], got[1]) and torch.equal(got[0], got[2])


def test_names_are_those_of_the_table():
    """Table 2 and the profiles find both by name."""
    assert (TARGET_ONLY.name, FINETUNED.name) == ("ST-net", "Finetuned")
    assert TARGET_ONLY.settings is TargetSettings and FINETUNED.settings is TransferSettings
