"""Fine-tuning: what is drawn, which days teach, what is left without them."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.networks.dcrnn import DCRNNSize
from stflow_lib.speedgraph.training.finetune import (
    finetuned_predictor,
    mean_error,
    over_hours,
    round_robin_source,
    sample_steps,
    supports_by_city,
)
from stflow_lib.speedgraph.training.losses import validation_mae
from stflow_lib.speedgraph.training.reptile import BackboneForecaster, ReptileSettings
from stflow_lib.training.loop import Training

PLAN = Training(epochs=2, epoch_steps=2, batch=4, halve_every=0)


def made(task):
    torch.manual_seed(0)
    network = BackboneForecaster(task, ReptileSettings(DCRNNSize(3)).backbone)
    return network, supports_by_city(network, task)


def test_cities_take_turns(task, make_speed):
    """A city left out, or one twice in a row, would be another mixture of sources."""
    other = make_task(make_speed("b", seed=4)).target
    two = replace(task, sources=(*task.sources, other))
    names = [round_robin_source(two, number).name for number in range(5)]
    assert names == ["source", "b", "source", "b", "source"]


def test_drawn_steps_are_training_steps(task):
    """A step of the day that chooses would let the choice see its own test."""
    torch.manual_seed(0)
    drawn = sample_steps(task.target, 500)
    assert len(drawn) == 500 and set(drawn.tolist()) <= set(task.target.train.tolist())


def test_cities_weigh_the_same_in_the_mean_error(task):
    """Sums pooled over cities would be the error of the one with most windows."""
    network, graphs = made(task)
    cities = (task.target, task.sources[0])
    thin = [c.valid[:: max(len(c.valid) // 64, 1)] for c in cities]
    want = [validation_mae(network, c, graphs, s) for c, s in zip(cities, thin, strict=True)]
    assert mean_error(network, cities, graphs) == pytest.approx(sum(want) / 2)


@pytest.mark.parametrize("days", [10, 12, 30, 90])
def test_thinned_windows_are_of_all_hours(days, make_speed):
    """However many there are: of 90 days every twentieth window, or of some stretches every
    seventy-second, would be of the same few hours each day."""
    city = make_task(make_speed("long", days=days, nodes=2)).target
    hours = lambda steps: {int(t) // 6 % 24 for t in steps}
    for count in range(144, days * 144 - 18, 97):
        some = replace(city, valid=torch.arange(12, 12 + count))
        thin = over_hours(some)
        assert hours(thin) == set(range(24)) and 64 <= len(thin) <= 128
        assert thin.tolist() == sorted(set(thin.tolist()))
    assert hours(over_hours(replace(city, valid=torch.arange(12, 12 + 9)))) == {2, 3}


def test_without_days_the_network_stays(target, source):
    """The stage is missing from the curves and every weight is what it was."""
    zero = make_task(target, [source], days=0)
    network, graphs = made(zero)
    before = [p.clone() for p in network.parameters()]
    predictor = finetuned_predictor(network, zero, graphs, PLAN, 0, None, {})
    assert not predictor.curves
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_the_last_third_chooses(task):
    """The curve's last word is the validation error of the weights that are kept."""
    network, graphs = made(task)
    curves = finetuned_predictor(network, task, graphs, PLAN, 0, None, {}).curves
    kept = validation_mae(network, task.target, graphs, task.target.valid)
    assert min(curves["target_valid_mae"]) == pytest.approx(kept, rel=1e-5)
