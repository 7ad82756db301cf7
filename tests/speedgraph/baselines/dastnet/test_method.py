"""DASTNet: when a gradient is turned round, and what the target has of its own."""

from dataclasses import replace

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
    DASTNet,
    DASTNetSize,
)
from stflow_lib.training.loop import Training

SHORT = Training(epochs=1, epoch_steps=2, batch=3, halve_every=0)


SMALL = DASTNetSettings(
    DASTNetSize(vectors=4, units=5, classifier=3), source=SHORT, target=SHORT
)


@pytest.fixture
def parts(task):
    torch.manual_seed(0)
    cities = (task.target, *task.sources)
    network = DASTNet([c.name for c in cities], 6, SMALL.size)
    graphs = {c.name: graph_inputs(c, SMALL.size) for c in cities}
    return DomainAdversary(network, SMALL, 10), graphs


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
