"""GPD: counts of both node networks, networks side by side, noise and its removal, a whole fit."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.gpd import diffusion as gpd_diffusion
from stflow_lib.speedgraph.baselines.gpd import method as gpd
from stflow_lib.speedgraph.baselines.gpd.diffusion import Denoiser, Diffusion, Scale
from stflow_lib.speedgraph.baselines.gpd.node_networks import (
    NodeNetworks,
    flatten_parameters,
    initial_node_networks,
    neighbours,
    node_error,
    node_network,
)
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import patch_encoder as patches
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.backbones import backbone_supports
from stflow_lib.speedgraph.problem.long_windows import visible_window
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=2, epoch_steps=2, batch=2, halve_every=0)
NOISE = gpd_diffusion.DiffusionSize(
    8, 12, 1, 2, 4, 8, dropout=0.0, steps=6, first=0.05, last=0.5
)
SMALL = gpd.GPDSettings(
    encoder=patches.PatchEncoderSize(8, 2, 1, 8, dropout=0.0), sensors=3, hours=SHORT,
    node=stgcn.STGCNSize(3, 2, 4), near=2, models=4, nodes=SHORT, diffusion=NOISE, noise=SHORT,
    target=SHORT,
)  # fmt: skip


@pytest.fixture(scope="module")
def task(target, source):
    return make_task(target, [source])


def test_counts_of_the_release():
    """No biases but those of the norms; Graph WaveNet without its dead parts."""
    assert (
        count_parameters(node_network(stgcn.STGCNSize(32, 8, 4), 6, 12)) == 16_960 == 64 * 265
    )
    net = node_network(gwn.GWNSize(32, 32, 32), 6, 12)
    dead = 8 * 32 * 32 + 5 * 32 * 32 + 2 * 32
    assert count_parameters(net) + dead == 91_904 == 256 * 359


def test_neighbours_by_hand():
    """Heaviest first, ways in either direction, missing ones behind the last sensor."""
    weights = torch.tensor([[1.0, 0.2, 0, 0], [0, 1, 0, 0.9], [0, 0.5, 1, 0], [0, 0, 0, 0]])
    got = neighbours(weights, torch.tensor([1, 3]), 3, stgcn.STGCNSize(3, 2, 4))
    assert got.around.tolist() == [[1, 3, 2, 0], [3, 1, 4, 4]]
    padded = torch.nn.functional.pad(weights * (1 - torch.eye(4)), (0, 1, 0, 1))
    (want,) = backbone_supports(stgcn.STGCNSize(), padded[[1, 3, 2, 0]][:, [1, 3, 2, 0]])
    torch.testing.assert_close(got.supports[0][0], want)
    assert got.supports[0][1, 0, 2:].tolist() == [0, 0]


@pytest.mark.parametrize("size", [stgcn.STGCNSize(3, 2, 4), gwn.GWNSize(3, 4, 5, 0.0, "none")])
def test_side_by_side_is_one_after_the_other(size, task):
    """Every network with its own weights on its own neighbours."""
    city, nodes = task.target, torch.tensor([0, 3])
    near = neighbours(city.weights, nodes, 2, size)
    torch.manual_seed(0)
    alone = [node_network(size, 6, 12).eval() for _ in nodes]
    models = NodeNetworks(
        node_network(size, 6, 12), torch.stack([flatten_parameters(n) for n in alone])
    )
    x = city.windows(city.train[:4])
    got = models.eval()(x, near)
    padded = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, 1))
    for m, network in enumerate(alone):
        want = network(padded[:, near.around[m]], [s[m] for s in near.supports])[:, 0]
        torch.testing.assert_close(got[:, m], want, atol=1e-5, rtol=1e-4)


def test_a_network_learns_from_its_own_sensor_only(task):
    """The gradient of one row is that of its sensor's error."""
    city, nodes = task.target, torch.tensor([0, 3])
    near = neighbours(city.weights, nodes, 2, SMALL.node)
    torch.manual_seed(0)
    models = initial_node_networks(task, stgcn.STGCNSize(16, 8, 4), 2)
    assert torch.equal(*models.vectors)
    blind = replace(city, seen=city.seen.clone().index_fill_(1, torch.tensor([3]), False))
    node_error(models, blind, near, city.train[:8]).backward()
    assert models.vectors.grad[0].any() and not models.vectors.grad[1].any()


def test_scale_there_and_back():
    """Each tensor of the networks by its own largest entry; zeros at the end."""
    vectors = torch.tensor([[1.0, -2, 10, 5, 0], [2, 4, -20, 0, 0]])
    scale = Scale(vectors, [2, 2, 1], 4)
    tokens = scale.tokens(vectors)
    assert tokens.shape == (2, 2, 4)
    assert tokens[0].flatten()[:4].tolist() == [0.25, -0.5, 0.5, 0.25]
    assert not tokens[:, 1, 1:].any()
    torch.testing.assert_close(scale.vectors(tokens), vectors)


def test_attention_reaches_two_tokens(task):
    """Window 5, one layer: token 0 hears tokens 1 and 2 and not 3."""
    torch.manual_seed(0)
    net = Denoiser(3, NOISE).eval()
    x, at, prompts = torch.randn(1, 6, 8), torch.tensor([2]), torch.randn(1, 3)
    plain = net(x, at, prompts)
    for token, heard in ((2, True), (3, False)):
        other = x.clone()
        other[:, token] += 1
        assert torch.equal(net(other, at, prompts)[:, 0], plain[:, 0]) != heard


def test_shares_and_the_step_back_by_hand():
    """Squares sum to 1; the mean one step earlier is that of Ho et al. (2020), Eq. 7."""
    model = Diffusion(3, NOISE)
    a, s = model.shares(torch.arange(6))
    torch.testing.assert_close(a**2 + s**2, torch.ones(6, 1, 1))
    beta = torch.linspace(0.05, 0.5, 6)
    signal = torch.tensor([torch.prod(1 - beta[: k + 1]) for k in range(6)])
    torch.testing.assert_close(model.signal, signal)
    x, clean = torch.randn(1, 2, 8), torch.randn(1, 2, 8)
    want = (signal[2].sqrt() * beta[3] * clean + (1 - beta[3]).sqrt() * (1 - signal[2]) * x) / (
        1 - signal[3]
    )
    torch.testing.assert_close(model.before(x, clean, 3), want)
    want = (beta[3] * (1 - signal[2]) / (1 - signal[3])).sqrt()
    torch.testing.assert_close(model.spread(3), want)
    torch.testing.assert_close(model.before(x, clean, 0), clean)
    assert model.spread(0) == 0


def test_a_perfect_denoiser_gives_the_data_back(monkeypatch):
    """Told which vector it is: sampling ends there."""
    model, data = Diffusion(3, NOISE), torch.rand(2, 3, 8) * 2 - 1

    def v(x, steps, prompts):
        a, s = model.shares(steps)
        noise = (x - a * data) / s
        return a * noise - s * data

    monkeypatch.setattr(model.mean, "forward", v)
    got = model.sampled(torch.zeros(2, 3), 3, 0)
    torch.testing.assert_close(got, data, atol=1e-4, rtol=0)
    model.eval()
    assert model.error(data, torch.zeros(2, 3)).item() < 1e-6


def test_prompts_are_means_over_days(task):
    """Two days as two rows, not as one of 48 hours."""
    torch.manual_seed(0)
    encoder = patches.PatchEncoder(6, SMALL.encoder).eval()
    x = visible_window(task, 2)
    each = [gpd.prompt(encoder, x[:, :, k * 144 : (k + 1) * 144]) for k in range(2)]
    torch.testing.assert_close(gpd.prompt(encoder, x), (each[0] + each[1]) / 2)


def test_fits_and_repeats(task):
    one, two = (gpd.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    stages = {"hours_loss", "nodes-source_valid_mae", "noise_loss", "target_valid_mae"}
    assert stages <= set(one.curves)


def test_later_readings_reach_nothing(target, source):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    one, two = (make_task(city, [source]) for city in (target, with_content_hash(other)))
    made = [gpd.fit(t, SMALL, 0, None)(one, one.test[:9]) for t in (one, two)]
    assert torch.equal(*made)


def test_what_is_refused(target, source):
    """A prompt is made of the target's days."""
    with pytest.raises(DataError, match="target: no source city"):
        gpd.fit(make_task(target), SMALL, 0, None)
    with pytest.raises(DataError, match="target: 0 days may be seen, 3 are read"):
        gpd.fit(make_task(target, [source], days=0), SMALL, 0, None)
    with pytest.raises(ValueError, match="three temporal layers leave 0"):
        node_network(stgcn.STGCNSize(3, 2, 4), 6, 9)
