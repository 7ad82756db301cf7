"""Prompts: counts and entropies by hand, shares that make the prompt, windows of patterns."""

import numpy as np
import pytest
import torch

from stflow_lib.book.plots.speedgraph import prompts
from stflow_lib.kernels import node_prompt
from stflow_lib.speedgraph.networks.stgcn import STGCNSize
from stflow_lib.speedgraph.tsjt.method import TSJT, TSJTSettings
from stflow_lib.speedgraph.tsjt.npm import NPMSettings


@pytest.fixture(scope="module")
def network(task):
    torch.manual_seed(0)
    softmax = NPMSettings(4, 3, "pattern_softmax", dropout=0.0)
    return TSJT(task, TSJTSettings(backbone=STGCNSize(8, 8), prompting=softmax)).eval()


def test_products_of_the_readings():
    table = prompts.readings_table(B=1, N=2, T=3, D=4, K=5)
    assert table["parameters"].tolist() == [60, 80, 60, 60]
    millions = [240 + 96, 96, 240, 2 * 2 * 5 * 9 * 4]
    np.testing.assert_allclose(
        table["products (million)"].astype(float), np.divide(millions, 1e6)
    )


def test_spectrum_of_a_bank():
    bank = torch.zeros(1, 2, 3)
    bank[0, 0, 1], bank[0, 1, 2] = 2.0, 1.0
    assert prompts.gram_spectrum(bank) == pytest.approx([1, 0.25, 0])


def test_order_brings_linked_nodes_together():
    weights = torch.zeros(4, 4)
    for a, b in ((0, 3), (3, 1), (1, 2)):  # a chain
        weights[a, b] = weights[b, a] = 1
    order = prompts.band_order(weights).tolist()
    assert order in ([0, 3, 1, 2], [2, 1, 3, 0])


def test_effective_neighbours():
    assert prompts.effective_neighbours(np.ones((5, 5))) == pytest.approx(5)
    assert prompts.effective_neighbours(np.eye(5)) == pytest.approx(1)
    half = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]])
    assert prompts.effective_neighbours(half) == pytest.approx(2)


def test_with_the_graph_of_likeness_a_node_hears_all(task, network):
    torch.manual_seed(0)
    deaf = TSJT(task, TSJTSettings(backbone=STGCNSize(8, 8), use_prompts=False)).eval()
    assert prompts.nodes_heard(network, task.target, 0) == 6
    assert prompts.nodes_heard(deaf, task.target, 0) < 6


def test_shares_make_the_prompt(task, network):
    """Shares of something else would put patterns on the map that no node has heard."""
    city, steps = task.target, task.target.train[:5]
    shares = prompts.pattern_shares(network, city, steps)
    assert shares.shape == (5, 6, 3)
    npm = network.prompting
    with torch.no_grad():
        code = npm.encoder(city.windows(steps), network.operators(city.weights)[0])
        expected = node_prompt(code, npm.bank, "pattern_softmax")
    torch.testing.assert_close((shares @ npm.bank.flatten(1)).view_as(code), expected)


def test_the_strongest_is_furthest_above_its_usual_share():
    shares = torch.tensor([[[0.6, 0.4]], [[0.8, 0.2]]])
    usual = prompts.usual_shares(shares)
    assert usual.exp().tolist() == pytest.approx([0.48**0.5, 0.08**0.5])
    assert prompts.strongest(shares, usual).tolist() == [[1], [0]]


def test_windows_behind_patterns_are_means_of_their_speeds(task):
    city, steps = task.target, task.target.train[:2]
    kinds = torch.tensor([[0] * 6, [0] * 5 + [2]])
    windows, shares = prompts.mean_windows(city, steps, kinds, 10)
    assert [*windows] == [0, 2] and shares == pytest.approx([11 / 12, 1 / 12])
    assert windows.index.tolist() == [*range(-110, 1, 10)]
    last = int(steps[1])
    np.testing.assert_allclose(windows[2], city.speed[last - 12 : last, 5], rtol=1e-4)


def test_every_city_has_its_row(task, network):
    cities = (task.target, *task.sources)
    usual = prompts.usual_shares(
        prompts.pattern_shares(network, task.target, task.target.train)
    )
    table = prompts.pattern_use(network, cities, usual, range(3))
    assert [*table.index] == ["a", "b"]
    np.testing.assert_allclose(table.filter(like="(%)").sum(1), 100, rtol=1e-5)
    assert table["patterns heard by a node"].between(1, 3.001).all()
