"""Live training: every epoch is logged, steps move the network, shares are of the source."""

import numpy as np
import pytest
import torch

from stflow_lib.book.plots.speedgraph import live_training
from stflow_lib.speedgraph.networks.stgcn import STGCNSize
from stflow_lib.speedgraph.tsjt.method import TSJT, TSJTSettings
from stflow_lib.speedgraph.tsjt.npm import NPMSettings
from stflow_lib.training.loop import Training


@pytest.fixture(scope="module")
def settings():
    return TSJTSettings(
        backbone=STGCNSize(4, 2), prompting=NPMSettings(4, 3, dropout=0.0), sources=3,
        training=Training(epochs=2, epoch_steps=2, batch=2, halve_every=0, precision="float32"),
    )  # fmt: skip


@pytest.fixture
def network(task, settings):
    torch.manual_seed(0)
    return TSJT(task, settings)


def test_parts_and_what_else_add_up(network):
    counts = live_training.parameter_counts(network)
    assert counts["bank"] == 3 * 12 * 4
    assert counts["encoder"] + counts["bank"] + counts["backbone"] == counts["all"]


def test_every_epoch_is_logged_and_the_target_scored(task, settings):
    run, again = (live_training.train_watched(task, settings, 0, 1) for _ in range(2))
    assert {"loss", "valid_mae", "sources", "cosine all", "opposed all"} <= set(run.curves)
    assert all(len(curve) == 2 for curve in run.curves.values())
    assert set(run.errors) == {f"min{m}_{e}" for m in (10, 30, 60) for e in ("mae", "rmse")}
    assert run.errors == again.errors  # one seed, one training


def test_a_row_for_each_size_of_batch(task, network, settings):
    table = live_training.agreement_by_batch(network, task, settings, 1, (1, 16))
    assert [*table.index] == [1, 16] and table["cosine"].between(-1, 1).all()
    assert table["opposed (%)"].between(0, 100).all()


def test_what_is_removed_by_tensor_and_for_all():
    """Of two tensors one is opposed; together they are not."""
    target = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])]
    source = [torch.tensor([-3.0, 0.0]), torch.tensor([0.0, 4.0])]
    found = live_training.removed_shares(target, source)
    assert found == pytest.approx({"removed, tensor (%)": 60.0, "removed, global (%)": 0.0})


def test_both_steps_move_the_network(task, network, settings):
    steps = live_training.joint_steps(network, task, settings, task.target.train[:2])
    for name in ("TSJT", "plain"):
        before = [p.detach().clone() for p in network.parameters()]
        steps[name]()
        moved = [
            not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)
        ]
        assert any(moved), name


def test_ratios_are_of_the_same_turn():
    times = {"a": [2.0, 9.0, 4.0], "b": [1.0, 3.0, 1.0]}
    assert live_training.ratio_text(times, "a", "b", 1) == "3.0 (2.0 to 4.0)"
    assert np.isclose(float(live_training.ratio_text(times, "b", "b", 0)[0]), 1)
