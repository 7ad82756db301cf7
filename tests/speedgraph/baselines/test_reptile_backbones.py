"""Rows "DCRNN" and "GWN" of Table 2 are the networks that their names say."""

import pytest

from stflow_lib.speedgraph.baselines.reptile_backbones import DCRNN, GWN
from stflow_lib.speedgraph.networks import dcrnn, graph_wavenet
from stflow_lib.speedgraph.training.reptile import build_backbone


@pytest.mark.parametrize(
    "method, network", [(DCRNN, dcrnn.DCRNN), (GWN, graph_wavenet.GraphWaveNet)]
)
def test_a_row_is_the_network_of_its_name(method, network, task):
    """Both rows share a training, so a swapped size would go unnoticed."""
    built, graphs = build_backbone(task, method.settings())
    assert method.name in ("DCRNN", "GWN") and type(built.backbone) is network
    assert len(graphs["target"]) == 2  # along and against the ways
