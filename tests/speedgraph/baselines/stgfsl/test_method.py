"""ST-GFSL: attention, sizes, and what is minimised."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.runs import build_settings
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.stgfsl.method import (
    METHOD,
    STGFSL,
    STGFSL_GWN,
    Learner,
    Neighbours,
    STGFSLSettings,
    error,
)
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.graph_operators import symmetric
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=1, epoch_steps=2, batch=2, halve_every=0)


SMALL = STGFSLSettings(
    stgcn.STGCNSize(4, 3),
    learner=Learner(width=4),
    inner=2,
    windows=3,
    meta=SHORT,
    target=SHORT,
)


def test_attention_reads_neighbours_only():
    """Softmax over all nodes, or over senders instead of receivers."""
    torch.manual_seed(0)
    layer = Neighbours(4, 3, Learner()).eval()
    road = torch.tensor([[1.0, 1, 0], [0, 1, 1], [0, 0, 1]])
    x = torch.randn(1, 3, 4)
    lifted = (layer.lift(x[0])).view(3, 3, 3)  # node, head, output
    want = torch.zeros(3, 3)
    for n in range(3):
        near = road[n].nonzero()[:, 0]
        for h in range(3):
            score = F.leaky_relu(
                lifted[n, h] @ layer.own[h] + lifted[near, h] @ layer.other[h], 0.2
            )
            want[n] += score.softmax(0) @ lifted[near, h] / 3
    torch.testing.assert_close(layer(x, road)[0], want + layer.bias)


def test_parameters_of_the_release(task):
    """Meta-GWN: residual convolutions, the last diffusion and norm of the release never learn."""
    plain, wave = (STGFSL(task, m.settings()) for m in (METHOD, STGFSL_GWN))
    made = lambda c_in, c_out, k: 272 * c_in + 17 * c_out * (k + 1)
    never = 8 * made(32, 32, 1) + made(160, 32, 1) + 64
    assert count_parameters(plain) == 59_605
    assert count_parameters(wave) == 878_009 - never


def test_what_is_minimised(task):
    """Raw units, gaps left out, graph and decay with their own weights."""
    torch.manual_seed(0)
    network = STGFSL(task, replace(SMALL, strength=2.0, decay=0.1)).eval()
    city, steps = task.target, task.target.train[:4]
    graphs = {city.name: network.operators(city.weights)}
    guess, m = network.told(city.windows(steps), graphs[city.name])
    truth, seen = city.labels(steps)
    squared = (city.unscale(guess) - truth)[seen].square().mean()
    shape = ((m @ m.mT).clamp_min(0) - symmetric(city.weights)).square().mean()
    weights = sum(p.square().sum() for p in network.parameters())
    want = squared + 2 * shape + 0.05 * weights
    torch.testing.assert_close(error(network, city, graphs, steps), want)


@pytest.mark.parametrize("size", [stgcn.STGCNSize(4, 3), gwn.GWNSize(4, 6, 5)])
def test_fits_and_repeats(size, task):
    """Both base networks, cities of different size, the same bits for a seed."""
    settings = replace(SMALL, backbone=size)
    one, two = (METHOD.fit(task, settings, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))


def test_every_parameter_learns(task):
    """A branch that is cut off would only be missed in the results."""
    for size in (stgcn.STGCNSize(4, 3), gwn.GWNSize(4, 6, 5)):
        network = STGFSL(task, replace(SMALL, backbone=size, decay=0.0))
        city = task.target
        graphs = {city.name: network.operators(city.weights)}
        error(network, city, graphs, city.train[:4]).backward()
        assert all(p.grad is not None for p in network.parameters())


def test_zero_shot_and_settings(target, source):
    """Without days the meta-trained weights forecast; settings of the paper can be overridden."""
    settings = build_settings(METHOD, {"backbone": {"channels": 4}, "learner": {"width": 4}})
    assert (settings.backbone.channels, settings.backbone.mixed) == (4, 12)
    zero = make_task(target, [source], days=0)
    assert "target_loss" not in METHOD.fit(zero, SMALL, 0, None).curves


def test_it_learns(task):
    """Squared error in raw units falls within an adaptation."""
    longer = replace(SMALL, meta=replace(SHORT, epochs=4, epoch_steps=6), inner=5)
    curve = METHOD.fit(task, longer, 0, None).curves["meta_valid_mae"]
    assert min(curve) < curve[0]
