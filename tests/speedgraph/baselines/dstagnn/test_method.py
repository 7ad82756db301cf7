"""DSTAGNN: its size, attention by hand, and whose weights are whose."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.dstagnn.method import (
    DSTAGNN,
    METHOD,
    Attention,
    DSTAGNNSettings,
    DSTAGNNSize,
    Sensors,
    build,
    graph_inputs,
)
from stflow_lib.speedgraph.training.reptile import adapted, move_towards
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=1, epoch_steps=2, batch=2, halve_every=0)


SMALL = DSTAGNNSettings(
    DSTAGNNSize(blocks=2, width=6, heads=2, head=3, channels=4), days=2, share=0.3, inner=2,
    windows=3, meta=SHORT, target=SHORT,
)  # fmt: skip


@pytest.fixture
def made(task):
    torch.manual_seed(0)
    return build(task, SMALL)


def test_later_readings_reach_no_graph(target, source, task):
    """Test days must not reach the graphs."""
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    changed = make_task(with_content_hash(other), [source])
    (name, *one), (other, *two) = (graph_inputs(t.target, 144, SMALL) for t in (task, changed))
    assert name == other and all(map(torch.equal, one, two))


@pytest.mark.parametrize(("nodes", "released"), [(207, 2_598_154), (325, 3_780_986)])
def test_parameters_of_the_release(nodes, released):
    """Less the step embeddings and residual lines of later blocks, which nothing reads."""
    with torch.device("meta"):
        network = DSTAGNN({"city": nodes}, 12, 6)
    assert count_parameters(network) == released - 3 * (14 * nodes + 1_056)
    bound = 4 * (910 * nodes + 3 * nodes**2) - 3 * 14 * nodes
    assert count_parameters(network.bound) == bound


def test_attention_over_steps():
    """Each channel by itself, sensors as the width, scores of the block before added."""
    torch.manual_seed(0)
    size = DSTAGNNSize(heads=2, head=3, width=4)
    part, x, before = (
        Sensors(5, 4, size, False),
        torch.randn(1, 2, 4, 5),
        torch.randn(1, 1, 2, 4, 4),
    )
    out, score = Attention(size)(x, part, before)
    q, k, v = (line(x[0, 1]).view(4, 2, 3)[:, 1] for line in (part.query, part.key, part.value))
    want = q @ k.T / 3**0.5 + before[0, 0, 1]
    torch.testing.assert_close(score[0, 1, 1], want)
    heads = []
    for h in range(2):
        v = part.value(x[0, 1]).view(4, 2, 3)[:, h]
        heads.append(score[0, 1, h].softmax(1) @ v)
    raw = part.back(torch.cat(heads, 1)) + x[0, 1]
    want = (raw - raw.mean(1, keepdim=True)) / (raw.var(1, False, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(out[0, 1], want)


def test_every_parameter_learns_but_other_cities(made, task):
    """A city's windows reach all shared weights, its own, and no other city's."""
    network, graphs = made
    city = task.target
    network(city.windows(city.train[:2]), graphs[city.name]).sum().backward()
    for name, p in network.named_parameters():
        assert (p.grad is not None) == (not name.startswith("bound.source")), name


def test_reptile_leaves_sensors_alone(made, task):
    """Half of the way for shared weights, all of it for the city's own."""
    network, graphs = made
    led, _ = adapted(network, task.sources[0], graphs, SMALL)
    own = led.bound["source"][0].mask.clone()
    middle = (network.final[1].weight + led.final[1].weight).detach() / 2
    move_towards(network, led, 0.5)
    assert torch.equal(network.bound["source"][0].mask, own)
    torch.testing.assert_close(network.final[1].weight.detach(), middle)


def test_fits_and_repeats(task):
    """The count is of the network that predicts: the target's sensors only."""
    one, two = (METHOD.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    alone = DSTAGNN({"target": 5}, 12, 6, SMALL.backbone)
    assert one.parameters == count_parameters(alone)


def test_no_day_is_an_error(target, source):
    with pytest.raises(DataError, match="target: no day to learn from; DSTAGNN"):
        METHOD.fit(make_task(target, [source], days=0), SMALL, 0, None)


def test_it_learns(task):
    plan = replace(SHORT, epochs=4, epoch_steps=8)
    curve = METHOD.fit(task, replace(SMALL, target=plan), 0, None).curves["target_valid_mae"]
    assert min(curve) < curve[0]
