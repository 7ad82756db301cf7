"""TPB: counts of the release, the bank, attention by hand, and a fit from end to end."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines import tpb
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.patch_encoder import PatchEncoder, PatchEncoderSize
from stflow_lib.speedgraph.problem.long_windows import with_long_windows
from stflow_lib.speedgraph.training.finetune import sample_steps, supports_by_city
from stflow_lib.speedgraph.training.losses import masked_mae
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHORT = Training(epochs=2, epoch_steps=2, batch=2, halve_every=0)
SMALL = tpb.TPBSettings(
    encoder=PatchEncoderSize(8, 2, 1, 8, dropout=0.0), sensors=3, hours=SHORT, patterns=3,
    bank_windows=4, wave=gwn.GWNSize(4, 6, 5, 0.0, "none"), inner=2, windows=2,
    meta=replace(SHORT, batch=1), target=SHORT,
)  # fmt: skip


def test_counts_of_the_release(make_speed):
    """567,884 less what the release never uses: two maps, and dead parts of Graph WaveNet."""
    task = make_task(make_speed(days=6, minutes=5, nodes=2), (), "P5")
    net = tpb.Forecaster(torch.zeros(10, 128), task, tpb.TPBSettings())
    assert count_parameters(net.day) == 99_584 and count_parameters(net.head) == 50_956
    unused_maps = 2 * (128 * 128 + 128)
    dead = 8 * (32 * 32 + 32) + (5 * 32 * 32 + 32) + 2 * 32
    assert count_parameters(net.wave) + dead == 348_352
    assert count_parameters(net) + unused_maps + dead == 567_884


def network(task, settings=SMALL):
    torch.manual_seed(0)
    return tpb.Forecaster(torch.randn(3, 8), task, settings)


def test_hours_become_patterns_by_hand(task):
    """A key that answers one pattern only: every token is that pattern."""
    net = network(task).eval()
    torch.nn.init.zeros_(net.query.weight)
    torch.nn.init.ones_(net.query.bias)
    with torch.no_grad():
        net.keys.zero_()
        net.keys[:, 1] = 100
    x = torch.randn(2, 5, 144, 2)
    want = net.day(net.bank[1].expand(1, 24, 8))[:, -1]
    torch.testing.assert_close(net.kind(x), want.expand(2, 5, 8))


def test_graph_by_hand(task):
    net, kind = network(task), torch.randn(2, 5, 8)
    got = net.alike(kind)
    torch.testing.assert_close(got.sum(2), torch.ones(2, 5))
    scores = net.sender(kind[1, 2]) @ net.receiver(kind[1]).T / 8**0.25
    torch.testing.assert_close(got[1, 2], scores.softmax(0))


def test_order_of_nodes_does_not_matter(task):
    net, order = network(task).eval(), torch.tensor([3, 1, 4, 0, 2])
    x = torch.randn(2, 5, 144, 2)
    torch.testing.assert_close(net(x[:, order]), net(x)[:, order])


def test_bank_is_of_means_of_alike_hours(task, monkeypatch):
    """Two directions far apart: two patterns, whatever their lengths."""
    tokens = torch.tensor([[1.0, 0], [3, 0.1], [0, 2], [0.1, 5]])
    monkeypatch.setattr(tpb, "_tokens", lambda encoder, city, settings: tokens)
    encoder = PatchEncoder(6, SMALL.encoder)
    bank = tpb.pattern_bank(encoder, task, replace(SMALL, patterns=2), 0)
    got = sorted(bank.tolist())
    torch.testing.assert_close(torch.tensor(got), torch.tensor([[0.05, 3.5], [2.0, 0.05]]))


def test_meta_gradient_is_of_the_adapted_weights(task):
    """A step of length 0: the plain gradient of fresh windows; the network itself stays."""
    long = with_long_windows(task, 1)
    net = network(long).eval()
    graphs = supports_by_city(net, long)
    still = replace(SMALL, rate=0.0, inner=1)
    before = [p.detach().clone() for p in net.parameters()]
    torch.manual_seed(1)
    tpb.adapted_error(net, long, graphs, still).backward()
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    got = [p.grad.clone() for p in net.parameters()]
    torch.manual_seed(1)
    city = long.sources[int(torch.randint(1, ()))]
    sample_steps(city, 2)
    error = masked_mae(net, city, graphs, sample_steps(city, 2))
    for one, two in zip(got, torch.autograd.grad(error, [*net.parameters()]), strict=True):
        torch.testing.assert_close(one, two)


def test_fits_and_repeats(task):
    one, two = (tpb.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert {"hours_loss", "meta_valid_mae", "target_valid_mae"} <= set(one.curves)


def test_later_readings_reach_nothing(target, source):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    one, two = (make_task(city, [source]) for city in (target, with_content_hash(other)))
    made = [tpb.fit(t, SMALL, 0, None)(one, one.test[:9]) for t in (one, two)]
    assert torch.equal(*made)


def test_zero_shot_and_what_is_refused(target, source):
    """Without days the sources alone teach; one day holds no window of a day."""
    zero = make_task(target, [source], days=0)
    assert "target_loss" not in tpb.fit(zero, SMALL, 0, None).curves
    with pytest.raises(DataError, match="target: no source city"):
        tpb.fit(make_task(target), SMALL, 0, None)
    with pytest.raises(DataError, match="hold no window with 1 days before it"):
        tpb.fit(make_task(target, [source], days=1), SMALL, 0, None)
