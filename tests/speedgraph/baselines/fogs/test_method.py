"""FOGS: the short forms against the localized graph laid out, sizes, and what is forecast."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.fogs.learned_graph import (
    alike_pairs,
    learned_graph,
    linked,
)
from stflow_lib.speedgraph.baselines.fogs.method import (
    FOGS,
    METHOD,
    FOGSSettings,
    build,
    error,
    last_speed,
)
from stflow_lib.speedgraph.baselines.fogs.network import (
    ACROSS,
    AGAIN,
    FOGSSize,
    Layer,
    Module,
    SensorGraphs,
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


@pytest.fixture(scope="module")
def task(target, source):
    return make_task(target, [source])


def sensors(nodes=4, channels=3):
    road = (torch.rand(nodes, nodes) > 0.5).float()
    return SensorGraphs(road, torch.rand(nodes, nodes), FOGSSize(channels))


def laid_out(part):
    """links * mask as one matrix of 4 N x 4 N."""
    nodes = part.again.shape[1]
    whole = torch.zeros(4 * nodes, 4 * nodes)
    at = lambda i: slice(i * nodes, (i + 1) * nodes)
    for (i, j), block in zip(ACROSS, part.links * part.mask, strict=True):
        whole[at(i), at(j)] = block
    for (i, j), own in zip(AGAIN, part.again, strict=True):
        whole[at(i), at(j)] = torch.diag(own)
    return whole


def test_module_is_the_release_s():
    """Three full rounds on all four steps; here what nobody reads is left out."""
    torch.manual_seed(0)
    part, module = sensors(), Module(3)
    with torch.no_grad():
        part.mask.uniform_()
        part.again.uniform_()
    x, found = torch.randn(4, 4, 2, 3), []
    h, whole = x.flatten(0, 1), laid_out(part)
    for line in module.lines:
        signal, gate = line(torch.einsum("nm,mbc->nbc", whole, h)).chunk(2, 2)
        h = signal * gate.sigmoid()
        found.append(h[4:8])
    torch.testing.assert_close(module(x, part.graph()), torch.stack(found).amax(0))


def test_localized_graph():
    """Learned at the outer steps and corners, roads inside, every sensor with itself; rows that
    do not sum to 1 at first would let values grow from round to round."""
    part = SensorGraphs(
        torch.tensor([[0.0, 1], [1, 0]]), torch.tensor([[0, 0.3], [0.7, 0]]), FOGSSize(3)
    )
    whole = laid_out(part)
    torch.testing.assert_close(whole.sum(1), torch.ones(8))
    links = whole / whole.diagonal()[:, None]
    want = torch.tensor([
        [1, 0.3, 1, 0, 1, 0, 0, 0.3], [0.7, 1, 0, 1, 0, 1, 0.7, 0],
        [1, 0, 1, 1, 1, 0, 1, 0], [0, 1, 1, 1, 0, 1, 0, 1],
        [1, 0, 1, 0, 1, 1, 1, 0], [0, 1, 0, 1, 1, 1, 0, 1],
        [0, 0.3, 1, 0, 1, 0, 1, 0.3], [0.7, 0, 0, 1, 0, 1, 0.7, 1],
    ])  # fmt: skip
    torch.testing.assert_close(links, want)


def test_layer_looks_three_steps_ahead():
    """The gated convolution joins steps t and t + 3, as kernel 2 with dilation 3."""
    torch.manual_seed(0)
    layer, x = Layer(6, 3), torch.randn(6, 4, 2, 3)
    part = sensors()
    for module in layer.parts:
        for line in module.lines:
            torch.nn.init.zeros_(line.weight)
            torch.nn.init.zeros_(line.bias)
    out = layer(x, part.graph(), torch.zeros(4, 3))
    x = x + layer.step[:, None, None]
    both = torch.cat([x[1], x[4]], 2)
    torch.testing.assert_close(out[1], layer.signal(both).tanh() * layer.gate(both).sigmoid())
    assert len(out) == 3


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


def test_walks_stay_among_the_alike():
    """A ring of six, alternating between two kinds of days: no walk can leave its start's kind,
    unless a sensor of the other kind is among the most alike."""
    ring = torch.roll(torch.eye(6), 1, 1)
    profile = torch.tensor([[0.0, 9, 0.1, 9.1, 0.2, 9.2]])
    assert not alike_pairs(ring, profile, 2, 8, 3).any()
    chords = ring @ ring
    pairs = alike_pairs(ring + chords, profile, 2, 8, 3)
    assert pairs[0, 2] > 0 and not pairs[::2, 1::2].any()
    torch.testing.assert_close(pairs, pairs.T)


def test_learned_graph_has_rows_of_one(task):
    """As many links as asked for, none to itself."""
    found = linked(torch.tensor([[1.0, 0], [1, 0.1], [0, 1]]), 1)
    assert found.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    city = task.sources[0]
    graph = learned_graph(city.weights, city.scaled[:144], most=3)
    torch.testing.assert_close(graph.sum(1), torch.ones(7).to(graph))
    assert ((graph > 0).sum(1) == 3).all() and not graph.diagonal().any()


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
