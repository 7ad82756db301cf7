"""FOGS: its size, and what is forecast."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.fogs.method import (
    FOGS,
    METHOD,
    FOGSSettings,
    build,
    error,
    last_speed,
)
from stflow_lib.speedgraph.baselines.fogs.network import (
    FOGSSize,
)
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=1, epoch_steps=2, batch=2, halve_every=0)


SMALL = FOGSSettings(
    FOGSSize(channels=3, end=4),
    width=4,
    alike=2,
    most=2,
    inner=2,
    windows=3,
    meta=SHORT,
    target=SHORT,
)


@pytest.mark.parametrize(("nodes", "released"), [(207, 1_374_998), (524, 5_143_494)])
def test_parameters_of_the_release(nodes, released):
    """Its mask has 16 N^2 entries, of which those outside of the links never matter."""
    with torch.device("meta"):
        graph = torch.empty(nodes, nodes)
        network = FOGS({"city": (graph, graph)}, 12, 6, FOGSSize())
    assert count_parameters(network) == released - 16 * nodes**2 + 6 * nodes**2 + 10 * nodes


def test_too_many_layers():
    with pytest.raises(ValueError, match="9 input steps: 3 layers leave 0"):
        FOGS({}, 9, 6, FOGSSize())


def test_last_speed():
    """The newest that is not a standstill; a division by nearly 0 else."""
    speed = torch.tensor([[[50.0, 40, 30], [50, 40, 0], [0.0, 0.5, 0]]])
    assert last_speed(speed).flatten().tolist() == [30, 40, 5]


def test_first_forecast_is_the_last_value_and_the_error_is_of_changes(task):
    """Errors in parts of the last speed; gaps do not count."""
    network, graphs = build(task, SMALL)
    city, steps = task.target, task.target.train[:4]
    last = city.unscale(city.windows(steps)[:, :, -1:, 0])
    guess = city.unscale(network(city.windows(steps), graphs[city.name]))
    torch.testing.assert_close(guess, last.expand_as(guess))
    truth, seen = city.labels(steps)
    want = ((truth - last) / last).abs()[seen].mean()
    torch.testing.assert_close(error(network, city, graphs, steps), want)


def test_fits_and_repeats(task):
    one, two = (METHOD.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))


def test_every_parameter_learns_but_other_cities(task):
    network, graphs = build(task, SMALL)
    for head in network.heads:
        torch.nn.init.ones_(head[2].weight)
    error(network, task.target, graphs, task.target.train[:2]).backward()
    for name, p in network.named_parameters():
        assert (p.grad is not None) == (not name.startswith("bound.source")), name


def test_no_day_is_an_error(target, source):
    with pytest.raises(DataError, match="target: no day to learn from; FOGS"):
        METHOD.fit(make_task(target, [source], days=0), SMALL, 0, None)


def test_it_learns(task):
    plan = replace(SHORT, epochs=4, epoch_steps=8)
    curve = METHOD.fit(task, replace(SMALL, target=plan), 0, None).curves["target_valid_mae"]
    assert min(curve) < curve[0]
