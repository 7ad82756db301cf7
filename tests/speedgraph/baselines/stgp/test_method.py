"""STGP: errors of hidden cells, and only prompts learn on the target."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.stgp import method as stgp
from stflow_lib.speedgraph.baselines.stgp.network import STGP, STGPSize
from stflow_lib.speedgraph.problem.long_windows import with_long_windows
from stflow_lib.speedgraph.training import finetune
from stflow_lib.training.loop import Training

SHORT = Training(epochs=2, epoch_steps=2, batch=2, halve_every=0)


TINY = STGPSize(8, 2, 1, 8, channels=4, skip=6, prompts=3, dropout=0.0)


SMALL = stgp.STGPSettings(TINY, sensors=4, hours=SHORT, domain=SHORT, target=SHORT)


def test_hidden_error_counts_hidden_cells_only(task, monkeypatch):
    """A network right where shown and one off elsewhere has error one."""
    long, net = with_long_windows(task, 1), STGP(6, 6, TINY).eval()

    def reconstruct(speed, when, graph, nodes, hours):
        guess = speed + 1
        guess[:, nodes[:, None], hours] -= 1
        return guess

    monkeypatch.setattr(net, "reconstruct", reconstruct)
    got = stgp.hidden_error(net, SMALL, 2, long.target, long.target.train)
    assert got.item() == pytest.approx(1)


def test_only_prompts_learn_on_the_target(target, source, monkeypatch):
    """The rest is what the sources taught."""
    kept = {}
    built = finetune.build_predictor
    monkeypatch.setattr(
        stgp,
        "build_predictor",
        lambda net, *a: kept.setdefault(len(kept), net) and built(net, *a),
    )
    for days in (3, 0):
        stgp.fit(make_task(target, [source], days=days), SMALL, 0, None)
    ours, zero = ({n: p for n, p in net.named_parameters()} for net in kept.values())
    moved = {n.split(".")[0] for n in ours if not torch.equal(ours[n], zero[n])}
    assert moved == {"domain", "task"}


def test_fits_and_repeats(task):
    one, two = (stgp.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert {"hours_loss", "domain_loss", "target_valid_mae"} <= set(one.curves)


def test_later_readings_reach_nothing(target, source):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    one, two = (make_task(city, [source]) for city in (target, with_content_hash(other)))
    made = [stgp.fit(t, SMALL, 0, None)(one, one.test[:9]) for t in (one, two)]
    assert torch.equal(*made)


def test_no_source_is_an_error(target):
    with pytest.raises(DataError, match="target: no source city"):
        stgp.fit(make_task(target), SMALL, 0, None)
