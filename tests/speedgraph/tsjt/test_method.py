"""TSJT: its parts, who reaches whom, and that it learns."""

from dataclasses import replace

import torch

from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.networks import dcrnn
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.tsjt.method import METHOD, TSJT, TSJT_GWN
from stflow_lib.speedgraph.tsjt.tsb import GradientRule
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters


def test_counts_with_graph_wavenet(task):
    """Two road supports and A_K: 306,278 of the release, less what never learns."""
    whole = TSJT(task, TSJT_GWN.settings()).backbone
    assert count_parameters(whole) == 306_278 - 8 * 1_056 - (7 * 32 * 32 + 3 * 32)


def test_every_backbone_trains(task, small):
    """The same batch, rule and prompts around each of them."""
    for size in (gwn.GWNSize(4, 6, 5), dcrnn.DCRNNSize(3)):
        settings = replace(small(), backbone=size)
        curves = METHOD.fit(task, settings, 0, None).curves
        assert len(curves["loss"]) == 2


def test_fits_and_repeats(task, small):
    """The same seed gives the same bits; curves tell loss and validation."""
    one, two = (METHOD.fit(task, small(), 3, None) for _ in range(2))
    steps = task.test[:40]
    assert one(task, steps).shape == (40, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert set(one.curves) == {"loss", "valid_mae"}


def test_test_days_reach_nothing(target, source, task, small):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    changed = make_task(with_content_hash(other), [source])
    one, two = (METHOD.fit(t, small(), 0, None) for t in (task, changed))
    assert torch.equal(one(task, task.test[:5]), two(task, task.test[:5]))


def test_ablations_change_the_network(task, small):
    """Without A_K one graph less; without prompts two features remain."""
    whole = TSJT(task, small())
    roads_only = TSJT(task, small(use_knowledge=False))
    bare = TSJT(task, small(use_prompts=False))
    count = lambda n: len(n.backbone.blocks[0].maps)
    assert (count(whole), count(roads_only), count(bare)) == (2, 1, 1)
    assert bare.prompting is None and bare.backbone.blocks[0].before.p.in_channels == 2


def test_it_learns(task, small):
    """Validation falls on a clear rhythm."""
    plan = {"epochs": 6, "epoch_steps": 20, "batch": 4, "learning_rate": 3e-3}
    curve = METHOD.fit(task, small(training=plan), 0, None).curves["valid_mae"]
    assert min(curve) < 0.95 * curve[0]


def test_defaults_are_the_papers():
    settings = METHOD.settings()
    assert (settings.training.batch, settings.sources) == (4, 124)
    assert settings.step == GradientRule("tsb", 0.2, 0.001, "tensor")
    assert isinstance(settings.training, Training)
