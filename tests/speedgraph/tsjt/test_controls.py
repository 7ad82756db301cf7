"""Controls of TSJT: each leaves out what its name says, and nothing else."""

from dataclasses import asdict

import pytest
import torch

from stflow_lib.runs import build_settings
from stflow_lib.speedgraph.networks.graph_wavenet import GWNSize
from stflow_lib.speedgraph.training.losses import masked_mae, source_loss
from stflow_lib.speedgraph.tsjt import controls
from stflow_lib.speedgraph.tsjt.controls import (
    IN_REPTILE,
    IN_REPTILE_GWN,
    JOINT,
    JOINT_GWN,
    TARGET_ONLY,
    TARGET_ONLY_GWN,
)
from stflow_lib.speedgraph.tsjt.joint import joint_loss
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
    assert changed(JOINT_GWN) == {"use_prompts", "step", "backbone"}
    for method in (TARGET_ONLY_GWN, JOINT_GWN, IN_REPTILE_GWN):
        assert method.settings().backbone == GWNSize()


@pytest.mark.parametrize("target, source", [(4, 124), (8, 6)])
def test_joint_weighs_windows_as_they_stand_in_a_batch(target, source):
    """The gradient of the plain mean over all windows of the batch that is used."""
    settings = build_settings(JOINT, {"sources": source, "training": {"batch": target}})
    both = target + source
    assert settings.rule == GradientRule("sum", target / both, source / both)


def test_joint_of_equal_parts_is_the_mean_of_both(task, roads):
    """Half of the windows are the target's: half of the step is."""
    settings = build_settings(JOINT, {"sources": 4, "training": {"batch": 4},
                                      "backbone": {"channels": 4, "mixed": 3}})  # fmt: skip
    torch.manual_seed(0)
    network, steps = TSJT(task, settings), task.target.train[:4]
    torch.manual_seed(1)
    joint_loss(network, task, roads, settings, steps).backward()
    found = [p.grad.clone() for p in network.parameters()]
    torch.manual_seed(1)
    mine = masked_mae(network, task.target, roads, steps)
    both = (mine + source_loss(network, task, roads, 4)) / 2
    want = torch.autograd.grad(both, [*network.parameters()])
    for one, two in zip(found, want, strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("method", [JOINT, JOINT_GWN, TARGET_ONLY])
def test_fits_and_repeats(method, task, small):
    """The same seed gives the same bits; curves tell loss and validation."""
    size = {"channels": 4, "skip": 8, "end": 16} if method is JOINT_GWN else {"channels": 4}
    one, two = (method.fit(task, small(method, backbone=size), 3, None) for _ in range(2))
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
