"""Graphs over a city's cells and the embeddings made of them."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.baselines.crosstres.region_graphs import (
    CityGraphs,
    GraphAttention,
    RegionEmbedding,
    cosines,
    neighbours,
    top,
)


def test_neighbours_touch_on_the_grid(task):
    """4 x 5 cells, the first two dead: cell 7 has eight around it, of which cell 1 is dead."""
    city = task.sources[0]
    cells, edges = city.cells().tolist(), neighbours(city)
    assert cells == [*range(2, 20)]
    around = [cells[i] for i in edges[cells.index(7)].nonzero()[:, 0]]
    assert around == [2, 3, 6, 8, 11, 12, 13]
    corner = [cells[i] for i in edges[cells.index(19)].nonzero()[:, 0]]
    assert corner == [13, 14, 18] and torch.equal(edges, edges.T)


def test_top_keeps_a_pair_that_either_end_chose():
    alike = torch.tensor([[1.0, 0.9, 0.2], [0.9, 1.0, 0.8], [0.2, 0.8, 1.0]])
    assert top(alike, 1).tolist() == [
        [False, True, False], [True, False, True], [False, True, False]
    ]  # fmt: skip
    assert top(alike, 9).sum() == 6


def test_graphs_have_loops_and_nothing_of_validation(task):
    city = task.sources[0]
    graphs = CityGraphs(city, 3)
    assert graphs.edges.shape == (3, 18, 18) and graphs.edges.diagonal(dim1=1, dim2=2).all()
    scaled = city.scaled.clone()
    scaled[192:] = scaled[192:].flip(0)
    later = CityGraphs(replace(city, scaled=scaled), 3)
    assert torch.equal(graphs.edges, later.edges)
    with pytest.raises(DataError, match="a: CrossTReS needs the POI"):
        CityGraphs(replace(city, poi=None), 3)


def test_attention_reads_neighbours_only():
    torch.manual_seed(0)
    layer, x = GraphAttention(3, 4), torch.randn(5, 3)
    edges = torch.eye(5, dtype=torch.bool)
    edges[0, 1] = True
    out = layer(x, edges)
    assert out.shape == (5, 8)
    moved = x.clone()
    moved[1] += 1
    change = (layer(moved, edges) - out).abs().sum(1)
    assert (change[:2] > 0).all() and (change[2:] == 0).all()


def test_attention_by_hand():
    """One head, alone with its loop: value plus residual; with equals: their mean."""
    torch.manual_seed(0)
    layer, x = GraphAttention(3, 4, heads=1), torch.randn(2, 3)
    alone = layer(x, torch.eye(2, dtype=torch.bool))
    torch.testing.assert_close(alone, layer.value(x) + layer.residual(x))
    torch.nn.init.zeros_(layer.ends)
    both = layer(x, torch.ones(2, 2, dtype=torch.bool))
    torch.testing.assert_close(both, layer.value(x).mean(0) + layer.residual(x))


def test_embedding_does_not_depend_on_the_order_of_cells(task):
    torch.manual_seed(0)
    graphs, net = CityGraphs(task.sources[0], 3), RegionEmbedding(14)
    fused, views = net(graphs)
    assert fused.shape == (18, 64) and views.shape == (3, 18, 64)
    turn = torch.randperm(18)
    graphs.shares, graphs.edges = graphs.shares[turn], graphs.edges[:, turn][:, :, turn]
    torch.testing.assert_close(net(graphs)[0], fused[turn], rtol=1e-4, atol=1e-5)


def test_cosine_of_a_cell_without_poi_is_zero():
    assert cosines(torch.tensor([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0, 0], [0, 1]]
