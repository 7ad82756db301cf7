"""Source, then target: who learns from what, and nothing from the test hours."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.networks.stnet import Backbone
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.gridflow.training.transfer import TransferSettings
from stflow_lib.runs import Run, ensure

TINY = Backbone(channels=2, blocks=0, hidden=2, last_value=True)
SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, learning_rate=0.01)
SETTINGS = TransferSettings(TINY, SHORT, SHORT)
SILENT = Schedule(epochs=0)


def predictions(task, name="Finetuned", settings=SETTINGS, folder=None, seed=0):
    fitted = METHODS[name].fit(task, settings, seed, folder)
    return fitted(task, task.test), fitted


def changed(city, hours, direction=slice(None)):
    flow = city.flow.copy()
    flow.values[hours, direction] = (
        flow.values[hours, direction][::-1] * 2
    )  # dead cells stay dead
    return city.assign(flow=flow)


def weights_of(task, name="Finetuned"):
    """What was learned, seen through inputs that do not change."""
    fitted = METHODS[name].fit(task, SETTINGS, 0, None)
    return fitted.curves


@pytest.mark.parametrize("name", ["Finetuned", "ST-net"])
@pytest.mark.parametrize("days", [0, 3])
def test_test_hours_reach_nothing(receiver, lender, twelve, name, days):
    """Not the weights, not the choice of the epoch: all curves stay the same."""
    if name == "ST-net" and days == 0:
        pytest.skip("learns from no city in zero-shot")
    future = changed(receiver, slice(240, None))
    one, two = (
        weights_of(make_task(city, [lender], twelve, days=days), name)
        for city in (receiver, future)
    )
    assert one == two


def test_zero_shot_learns_nothing_from_the_target(receiver, lender, twelve):
    """Its hours set only the scale: even its validation part does not choose."""
    other = receiver.assign(flow=receiver.flow[::-1].assign_coords(time=receiver.time))
    one, two = (
        weights_of(make_task(city, [lender], twelve, days=0)) for city in (receiver, other)
    )
    assert one == two and not any("target" in name for name in one)


def test_few_shot_learns_from_its_days_only(receiver, lender, twelve):
    """Hours before the three days leave weights and choice as they are."""
    early = changed(receiver, slice(0, 114))
    one, two = (weights_of(make_task(c, [lender], twelve)) for c in (receiver, early))
    assert one == two
    within = changed(receiver, slice(120, 192))
    assert weights_of(make_task(within, [lender], twelve)) != one


def test_directions_are_separate_models(receiver, lender, twelve):
    """Drop-offs of either city say nothing about pick-ups."""
    drop = slice(1, 2)
    pair = changed(receiver, slice(0, 240), drop), changed(lender, slice(0, 240), drop)
    one = weights_of(make_task(receiver, [lender], twelve))
    two = weights_of(make_task(pair[0], [pair[1]], twelve))
    for way, same in (("pickup", True), ("dropoff", False)):
        curves = [{k: v for k, v in c.items() if k.startswith(way)} for c in (one, two)]
        assert (curves[0] == curves[1]) is same


def test_fine_tuning_starts_from_the_sources_weights(receiver, lender, twelve):
    """Without a step on the target it is the zero-shot network on the few-shot scale."""
    few = make_task(receiver, [lender], twelve)
    stay = TransferSettings(TINY, SILENT, SHORT)
    zero = make_task(receiver, [lender], twelve, days=0)
    own = METHODS["Finetuned"].fit(zero, stay, 0, None)
    assert torch.equal(predictions(few, settings=stay)[0], own(few, few.test))
    assert not torch.equal(predictions(few)[0], own(few, few.test))


def test_several_sources_of_different_grids(receiver, lender, make_grid, twelve):
    other = make_grid("other", rows=2, cols=7, seed=5)
    one = weights_of(make_task(receiver, [lender], twelve))
    two = weights_of(make_task(receiver, [lender, other], twelve))
    assert one["pickup_source_loss"] != two["pickup_source_loss"]


def test_seeds_differ_and_repeat(receiver, lender, twelve):
    task = make_task(receiver, [lender], twelve)
    one, two, three = (predictions(task, seed=s)[0] for s in (0, 0, 1))
    assert torch.equal(one, two) and not torch.equal(one, three)


def test_nothing_to_learn_from_is_an_error(receiver, lender, twelve):
    with pytest.raises(DataError, match="receiver: no source city"):
        predictions(make_task(receiver, (), twelve))
    with pytest.raises(DataError, match="receiver: no training day"):
        predictions(make_task(receiver, [lender], twelve, days=0), "ST-net", SETTINGS)


def test_a_run_is_computed_stored_and_found():
    """By name, with settings as profiles.yaml writes them."""
    stage = {"epochs": 1, "epoch_steps": 1, "batch": 2, "valid_every": 90}
    settings = {
        "backbone": {"channels": 2, "blocks": 0, "hidden": 2, "last_value": True},
        "source": stage,
        "target": stage,
    }
    run = Run(
        "gridflow", "Finetuned", "sim-grid-a>sim-grid-c", "P60", "3", "smoke", 0, settings
    )
    record = ensure(run)
    assert record["metric_rmse"] > 0 and record["epochs"] == 4
    assert record["part_pickup_rmse"] + record["part_dropoff_rmse"] == pytest.approx(
        2 * record["metric_rmse"]
    )
    assert ensure(run)["date"] == record["date"]
