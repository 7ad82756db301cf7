"""Controls of TSJT: each leaves out what its name says, and nothing else."""

from dataclasses import asdict

import pytest
import torch

from stflow_lib.speedgraph.networks.graph_wavenet import GWNSize
from stflow_lib.speedgraph.tsjt import controls
from stflow_lib.speedgraph.tsjt.controls import IN_REPTILE, JOINT, TARGET_ONLY, TARGET_ONLY_GWN
from stflow_lib.speedgraph.tsjt.method import METHOD, TSJT
from stflow_lib.speedgraph.tsjt.tsb import GradientRule


def changed(method):
    """Settings that differ from the paper's method."""
    own, paper = (m.settings() for m in (method, METHOD))
    return {k for k in asdict(paper) if getattr(own, k) != getattr(paper, k)}


def test_a_control_changes_what_its_name_says():
    """A row that differs in more says nothing about its part."""
    assert changed(TARGET_ONLY) == {"use_prompts", "sources"}
    assert changed(TARGET_ONLY_GWN) == {"use_prompts", "sources", "backbone"}
    assert changed(JOINT) == {"use_prompts", "step"}
    assert TARGET_ONLY_GWN.settings().backbone == GWNSize()


def test_joint_weighs_windows_as_they_stand_in_a_batch():
    """4 and 124 of 128: the gradient of the plain mean over all windows."""
    assert JOINT.settings().step == GradientRule("sum", 4 / 128, 124 / 128)


@pytest.mark.parametrize("method", [JOINT, TARGET_ONLY])
def test_fits_and_repeats(method, task, small):
    """The same seed gives the same bits; curves tell loss and validation."""
    one, two = (method.fit(task, small(method), 3, None) for _ in range(2))
    steps = task.test[:40]
    assert one(task, steps).shape == (40, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert set(one.curves) == {"loss", "valid_mae"}


def test_without_tsb_the_network_is_the_whole_one(task):
    """Figure 3's row keeps prompts and A_K; only how it learns is another."""
    network, graphs = controls.build_tsjt(task, IN_REPTILE.settings())
    whole = TSJT(task, METHOD.settings())
    shapes = lambda n: {name: p.shape for name, p in n.named_parameters()}
    assert shapes(network) == shapes(whole)
    assert set(graphs) == {"target", "source"}
