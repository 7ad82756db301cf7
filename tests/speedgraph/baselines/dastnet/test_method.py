"""DASTNet: vectors from walks, its size, and when a gradient is turned round."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.dastnet.method import (
    METHOD,
    DASTNetSettings,
    DomainAdversary,
    gradient_scaling,
    graph_inputs,
)
from stflow_lib.speedgraph.baselines.dastnet.network import (
    Cell,
    DASTNet,
    DASTNetSize,
    Extractor,
)
from stflow_lib.speedgraph.networks.node2vec import (
    embedding,
    expected_cooccurrence,
    node_vectors,
    walk_transitions,
)
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=1, epoch_steps=2, batch=3, halve_every=0)
SMALL = DASTNetSettings(
    DASTNetSize(vectors=4, units=5, classifier=3), source=SHORT, target=SHORT
)


@pytest.fixture(scope="module")
def task(target, source):
    return make_task(target, [source])


@pytest.fixture
def parts(task):
    torch.manual_seed(0)
    cities = (task.target, *task.sources)
    network = DASTNet([c.name for c in cities], 6, SMALL.size)
    graphs = {c.name: graph_inputs(c, SMALL.size) for c in cities}
    return DomainAdversary(network, SMALL, 10), graphs


def test_expected_pairs_are_the_mean_of_walks():
    """Against 4,000 walks: a window counted once too often, or the last step left out."""
    weights = torch.tensor([[0, 1.0, 0, 0], [0, 0, 2, 0], [0.5, 0, 0, 1], [0, 0, 0, 0]])
    step = walk_transitions(weights)
    random, count = np.random.default_rng(0), torch.zeros(4, 4)
    for _ in range(4_000):
        walk = [int(random.integers(4))]
        while len(walk) < 5:
            walk.append(int(random.choice(4, p=step[walk[-1]].numpy())))
        for i in range(5):
            for j in range(i + 1, min(i + 3, 5)):
                count[walk[i], walk[j]] += 1
                count[walk[j], walk[i]] += 1
    want = expected_cooccurrence(step, torch.full((4,), 1_000.0).double(), 5, 2)
    assert (count - want).abs().max() < 0.06 * want.max()


def test_vectors_tell_the_graph():
    """Two cliques: vectors of one are alike, of both are not; a lonely node is 0."""
    weights = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3), torch.zeros(1, 1))
    vectors = node_vectors(weights, 8, 6, 3)
    alike = vectors @ vectors.T
    assert vectors.shape == (7, 8) and not vectors[6].any()
    assert alike[0, 1] > 0.1 and alike[0, 4].abs() < 1e-5
    assert torch.isfinite(embedding(torch.zeros(3, 3), 2)).all()


def test_parameters_of_the_release():
    """Three cities, three steps: what never learns there is named part by part."""
    released = DASTNet(["a", "b", "c"], 3, alike=False)
    extractor, line = count_parameters(Extractor(DASTNetSize())), 64 * 65
    assert extractor == 8_449
    assert count_parameters(released) + 2 * extractor + 6 * line + 2 == 113_746
    one = DASTNet(["a", "b", "c"], 3)
    assert count_parameters(one) == count_parameters(released) - 2 * extractor


def test_the_short_cell_is_the_long_one():
    """The feature is joined at every step, not only once."""
    torch.manual_seed(0)
    cell, speed, feature = Cell(5), torch.randn(2, 3, 4), torch.randn(3, 5)
    state = torch.zeros(2, 3, 5)
    for t in range(4):
        both = torch.cat([speed[..., t : t + 1], state], 2)
        reset, update = cell.gates(both).sigmoid().chunk(2, 2)
        seen = torch.cat([speed[..., t : t + 1], reset * state], 2)
        new = update * state + (1 - update) * cell.candidate(seen).tanh()
        mapped = (feature @ cell.map + cell.shift).expand(2, 3, 5)
        state = cell.join(torch.cat([new, mapped], 2))
    torch.testing.assert_close(cell(speed, feature), state)


def test_gradient_is_turned_where_cities_are_told_apart(parts):
    """A classifier that beats chance turns the extractor away from it; else it is helped."""
    adversary, _ = parts
    x = torch.ones(2, requires_grad=True)
    gradient_scaling(x, -0.5).sum().backward()
    assert x.grad.tolist() == [-0.5, -0.5]
    adversary.turn.fill_(5)
    adversary.hits.fill_(0.6)  # of two cities
    turned = adversary.factor()
    adversary.hits.fill_(0.4)
    assert turned == -adversary.factor() and -1 < turned < -0.9


def test_confusion_counts_every_city_alike(parts):
    """Many sensors of one city must not outvote another city."""
    adversary, graphs = parts
    adversary.eval()
    want = 0.0
    for number, name in enumerate(adversary.network.cities):
        logits = adversary.classifier(adversary.network.common(graphs[name]))
        labels = torch.full((len(logits),), number)
        want = want + torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(adversary.confusion(graphs), want)
    assert adversary.turn == 1 and 0 <= adversary.hits <= 1


def test_private_features_begin_with_the_target(parts, task):
    adversary, graphs = parts
    network, city = adversary.network.eval(), task.target
    x = city.windows(city.train[:2])
    before = network(x, graphs[city.name])
    network.use_private = True
    assert not torch.equal(before, network(x, graphs[city.name]))


@pytest.mark.parametrize("shared", [True, False])
def test_fits_and_repeats(shared, task):
    settings = replace(SMALL, shared=shared)
    one, two = (METHOD.fit(task, settings, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert {"source-source_loss", "target_loss"} <= set(one.curves)


def test_no_day_and_no_source(target, source):
    with pytest.raises(DataError, match="target: no day to learn from; DASTNet"):
        METHOD.fit(make_task(target, [source], days=0), SMALL, 0, None)
    with pytest.raises(DataError, match="target: no source city"):
        METHOD.fit(make_task(target), SMALL, 0, None)
