"""TransGTR: counts of the release, pairs, edges and distances by hand, a fit from end to end."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.transgtr import method as transgtr
from stflow_lib.speedgraph.baselines.transgtr.distillation import (
    Student,
    Teacher,
)
from stflow_lib.speedgraph.baselines.transgtr.method import (
    Forecaster,
    Generator,
    TemporalReconstructors,
    TransGTRSettings,
    distance,
)
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.patch_encoder import PatchEncoderSize
from stflow_lib.speedgraph.problem.long_windows import (
    with_long_windows,
)
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=2, epoch_steps=2, batch=2, halve_every=0)


SMALL = TransGTRSettings(
    encoder=PatchEncoderSize(8, 2, 1, 8, norms=True, dropout=0.0), teacher_days=3, sensors=3,
    teacher=SHORT, student=SHORT, slices=2, pair=4, told=5,
    wave=gwn.GWNSize(4, 6, 5, 0.0, "none"), matched=3, source=SHORT, target=SHORT,
)  # fmt: skip


def network(task):
    torch.manual_seed(0)
    student = Student(6, SMALL.encoder).requires_grad_(False).eval()
    return Forecaster(student, task, SMALL).eval()


def test_counts_of_the_release(make_speed):
    """Teacher, generator, forecaster; the last without dead parts of Graph WaveNet."""
    task = make_task(make_speed(days=6, minutes=5, nodes=2), (), "P5")
    sizes = TransGTRSettings()
    teacher, student = Teacher(12, sizes.encoder), Student(12, sizes.encoder)
    assert count_parameters(teacher) == 667_404
    assert count_parameters(student) == 667_404 + 7 * 96
    net = Forecaster(student, task, sizes)
    assert count_parameters(net.generator) == 405_986
    dead = 8 * (32 * 32 + 32) + (5 * 32 * 32 + 32)
    assert count_parameters(net) - count_parameters(net.generator) + dead == 469_356


def test_pairs_by_hand():
    """Halves of one layer: what is said of (i, j) is the layer of both, i first."""
    torch.manual_seed(0)
    net = Generator(SMALL).eval()
    tokens = torch.randn(4, 2, 72, 8)
    nodes = (
        net.join(tokens.flatten(0, 1).transpose(1, 2)).unflatten(0, (4, 2)).mean(1).flatten(1)
    )
    whole = torch.cat([net.sender.weight, net.receiver.weight], 1)
    got = net(tokens)
    for i in range(4):
        for j in range(4):
            said = net.choose(
                (whole @ torch.cat([nodes[i], nodes[j]]) + net.sender.bias).relu()
            )
            assert got[i, j] == (float(said[0] > said[1]) if i != j else 0)


def test_edges_are_drawn_while_learning():
    """Zeros and ones with a gradient; without noise afterwards."""
    torch.manual_seed(0)
    net, tokens = Generator(SMALL), torch.randn(9, 2, 72, 8)
    one, two = net(tokens), net(tokens)
    assert set(one.unique().tolist()) == {0, 1} and not torch.equal(one, two)
    one.sum().backward()
    assert net.sender.weight.grad.any()
    assert torch.equal(net.eval()(tokens), net(tokens))


def test_walks_on_the_graph(task, monkeypatch):
    """Rows with a loop sum to 1, and the transpose; the clock is that of the day."""
    net, given = network(task), {}
    monkeypatch.setattr(
        net.wave, "forward", lambda x, walks: given.update(x=x, walks=walks) or torch.zeros(6)
    )
    graph = torch.zeros(5, 5)
    graph[0, 1:3] = 1
    x = with_long_windows(task, 1).target.windows(task.test[:2])
    net.on_graph(x, graph)
    walk, back = given["walks"]
    torch.testing.assert_close(walk[0], torch.tensor([1, 1, 1, 0, 0]) / 3)
    assert walk[1].tolist() == [0, 1, 0, 0, 0] and torch.equal(back, walk.T)
    torch.testing.assert_close(given["x"], task.target.windows(task.test[:2]))


def test_distance_by_hand():
    one, two = torch.tensor([[0.0, 0], [2, 0]]), torch.tensor([[1.0, 1], [1, 1]])
    assert distance(one, two).item() == pytest.approx(1 / 2 + 1 / 4)
    assert distance(one, one).item() == 0


def test_rests_are_what_time_does_not_explain():
    """A map that gives the output back: nothing is left, and no error of its own."""
    torch.manual_seed(0)
    wave = gwn.GraphWaveNet(2, 6, 2, SMALL.wave)
    maps = TemporalReconstructors(wave, 4)
    wave(torch.randn(2, 5, 12, 2), (torch.eye(5), torch.eye(5)))
    for layer, line in zip(wave.layers, maps.maps, strict=False):
        with torch.no_grad():  # on the identity graph a diffusion is one map of five copies
            line.weight.copy_(sum(layer.diffuse.weight.split(4, 1)))
            line.bias.copy_(layer.diffuse.bias)
    rests, own = maps.taken()
    assert len(rests) == 7 and rests[0].shape == (10, 4)
    assert max(r.abs().max().item() for r in rests) < 1e-5 and own.item() < 1e-10


def test_fits_and_repeats(task):
    one, two = (transgtr.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    stages = {"teacher_loss", "student_loss", "source_valid_mae", "target_valid_mae"}
    assert stages <= set(one.curves)


def test_later_readings_reach_nothing(target, source):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    one, two = (make_task(city, [source]) for city in (target, with_content_hash(other)))
    made = [transgtr.fit(t, SMALL, 0, None)(one, one.test[:9]) for t in (one, two)]
    assert torch.equal(*made)


def test_what_is_refused(target, source):
    """Its graph is made of the target's days."""
    with pytest.raises(DataError, match="target: no source city"):
        transgtr.fit(make_task(target), SMALL, 0, None)
    with pytest.raises(DataError, match="target: 0 days may be seen, 3 are read"):
        transgtr.fit(make_task(target, [source], days=0), SMALL, 0, None)
    with pytest.raises(DataError, match="2 days may be seen, 3 are read"):
        transgtr.fit(make_task(target, [source], days=2), SMALL, 0, None)
    with pytest.raises(ValueError, match="leave nothing of a slice"):
        Generator(replace(SMALL, kernel=40))
