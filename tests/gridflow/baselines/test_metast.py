"""The memory: its formula, what moves when, and classes of rhythms."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.baselines.metast import (
    Memory,
    MemoryNet,
    MetaSTSettings,
    naming_loss,
    weekly_classes,
)
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.training.meta import Meta
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.training.method import count_parameters

TINY = Backbone(channels=2, blocks=0, hidden=2)
SHORT = Schedule(epochs=1, epoch_steps=2, batch=8, learning_rate=0.01)
META = Meta(tasks=1, steps=1, rate=0.01)
SETTINGS = MetaSTSettings(TINY, SHORT, SHORT, META, patterns=2, memory=3)


@pytest.fixture(scope="module")
def task(make_grid, twelve):
    cities = [make_grid("a", seed=2), make_grid("b", rows=2, cols=3, seed=3)]
    return make_task(make_grid("c", rows=3, seed=4), cities, twelve).only(0)


def test_memory_by_its_formula():
    torch.manual_seed(0)
    memory, z = Memory(5, 4, 3), torch.randn(2, 6, 5)
    logits, answer = memory(z)
    attention = torch.softmax(z @ memory.question.weight.T @ memory.rows.T, -1)
    torch.testing.assert_close(answer, attention @ memory.rows @ memory.answer.weight.T)
    assert logits.shape == (2, 6, 4) and answer.shape == (2, 6, 3)


def test_size_is_backbone_memory_and_a_wider_head():
    net = MemoryNet(SETTINGS)
    extra = 4 * 3 + 2 * 3 + 3 * 3 + 4 * 3  # question, rows, answer, head's first layer
    assert count_parameters(net) == count_parameters(STNet(TINY)) + extra


def test_naming_loss_is_cross_entropy_weighted_by_class():
    """Rare classes count more; weights are normalised as the framework does."""
    torch.manual_seed(0)
    net, z = MemoryNet(SETTINGS), torch.randn(2, 3, 4)
    classes, weights = torch.tensor([0, 1, 0]), torch.tensor([0.5, 3.0])
    logs = net.memory(z)[0].log_softmax(-1)
    picked = torch.stack([logs[:, r, c] for r, c in enumerate(classes)], 1)
    want = -(picked * weights[classes]).sum() / (2 * weights[classes].sum())
    torch.testing.assert_close(naming_loss(net, z, classes, weights), want)


def test_classes_tell_rhythms_not_volumes(task):
    """Cells that differ by a factor only are in one class; frequencies are inverted."""
    classes, weights = weekly_classes(list(task.sources), 2, 0)
    assert {name: len(c) for name, c in classes.items()} == {
        city.name: int(city.mask.sum()) for city in task.sources
    }
    every = torch.cat([*classes.values()])
    assert weights[every].mean() == pytest.approx(1)
    city = replace(task.sources[0], flow=task.sources[0].flow.clone())
    rhythm = torch.arange(len(city.flow)) % 24 < 12
    city.flow[:, 0, 3, 0], city.flow[:, 0, 3, 1] = rhythm * 1.0, rhythm * 90.0
    labels = weekly_classes([city], 3, 0)[0]["a"]
    cells = city.cells().tolist()
    assert labels[cells.index(15)] == labels[cells.index(16)]


def test_memory_stands_still_on_the_target(task):
    """Fine-tuning tunes the network alone: the memory is the sources'."""
    settings = MetaSTSettings(TINY, SHORT, Schedule(epochs=0), META, patterns=2, memory=3)
    captured = []

    class Spy(MemoryNet):
        def __init__(self, settings):
            super().__init__(settings)
            captured.append((self, {n: p.detach().clone() for n, p in self.named_parameters()}))

    from stflow_lib.gridflow.baselines import metast as module

    original, module.MemoryNet = module.MemoryNet, Spy
    try:
        METHODS["MetaST"].fit(task, settings, 0, None)
    finally:
        module.MemoryNet = original
    net, before = captured[0]
    moved = {n for n, p in net.named_parameters() if not torch.equal(p, before[n])}
    assert moved and all(name.startswith("network.") for name in moved)


def test_outer_steps_move_the_memory(task):
    """And the attention hears of the classes."""
    fitted = METHODS["MetaST"].fit(task, SETTINGS, 0, None)
    assert {"pickup_source_loss", "pickup_target_loss"} <= set(fitted.curves)
    deaf = MetaSTSettings(TINY, SHORT, SHORT, META, patterns=2, memory=3, naming=0.0)
    other = METHODS["MetaST"].fit(task, deaf, 0, None)
    assert fitted.curves["pickup_source_loss"] != other.curves["pickup_source_loss"]
