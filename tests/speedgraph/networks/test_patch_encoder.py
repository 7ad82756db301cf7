"""Long windows and masked patches: counts of two releases, the past only, what is hidden is."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.networks.patch_encoder import (
    PatchEncoder,
    PatchEncoderSize,
    mask_indices,
    patchify,
)
from stflow_lib.speedgraph.problem.long_windows import (
    WEEK,
    as_short_predictor,
    visible_window,
    with_long_windows,
)
from stflow_lib.speedgraph.training.masked_pretraining import (
    pretrained,
    sample_windows,
    training_cities,
)
from stflow_lib.training.loop import Training
from stflow_lib.training.method import Predictor, count_parameters

SMALL = PatchEncoderSize(width=8, heads=2, layers=1, hidden=8, places=WEEK, dropout=0.0)


@pytest.mark.parametrize(
    "size, count",
    [
        (PatchEncoderSize(), 1_139_212),
        (PatchEncoderSize(width=96, hidden=384, norms=True), 667_404),
    ],
)
def test_counts_of_the_releases(size, count):
    """TPB's encoder and TransGTR's teacher, patches of twelve steps."""
    assert count_parameters(PatchEncoder(12, size)) == count


def test_long_windows_lie_inside_what_may_be_seen(target, source):
    """A day before the labels, from the first visible step on; the parts stay apart."""
    task = make_task(target, [source])
    long = with_long_windows(task, 1)
    for city, last in ((long.target, 3 * 144), (long.sources[0], 8 * 144)):
        assert city.lags == 144 and int(city.known[0]) == 144
        assert int(city.known[-1]) + city.ahead == last
    assert torch.equal(long.target.valid, task.target.valid)
    assert torch.equal(long.target.train, task.target.train[task.target.train >= 144])
    x = long.target.windows(task.test[:2])
    assert torch.equal(x[:, :, -12:, 0], task.target.windows(task.test[:2])[..., 0])


def test_fewer_days_reach_back_to_their_first(target):
    task = with_long_windows(make_task(target, days=2), 1)
    assert int(task.target.known[0]) == 2 * 144
    assert len(task.target.train) and int(task.target.train[0]) == 2 * 144


def test_days_too_short_for_a_window(target, source, make_speed):
    """Named before training; none at all is another matter, for then nothing is learned there."""
    with pytest.raises(DataError, match="target: 1 days hold no window with 1 days before it"):
        with_long_windows(make_task(target, days=1), 1)
    with pytest.raises(DataError, match="source: no window with 8 days"):
        with_long_windows(make_task(target, [source], days=0), 8)
    assert not len(with_long_windows(make_task(target, [source], days=0), 1).target.known)


def test_hours_of_the_week(make_speed):
    """2024-01-03 is a Wednesday: its midnight is hour 48; a patch has the hour it begins in."""
    task = with_long_windows(make_task(make_speed(days=9, start="2024-01-03")), 1)
    x = task.target.windows(torch.tensor([144 + 3, 6 * 144]))
    hours, when = patchify(x, 6)
    assert hours.shape == (2 * 5, 24, 6)
    assert when[0].tolist() == [48 + k for k in range(24)]
    assert when[5].tolist() == [(48 + 5 * 24 + k) % WEEK for k in range(24)]
    assert torch.equal(hours[0, 0], x[0, 0, :6, 0]) and torch.equal(
        hours[1, 2], x[0, 1, 12:18, 0]
    )


def test_visible_days_end_where_the_test_part_begins(target):
    """The last of the three, label steps included; more than there are is an error."""
    task = make_task(target)
    for days in (3, 1):
        want = task.target.scaled[(3 - days) * 144 : 3 * 144].T
        assert torch.equal(visible_window(task, days)[0, ..., 0], want)
    with pytest.raises(DataError, match="target: 1 days may be seen, 2 are read"):
        visible_window(make_task(target, days=1), 2)


def test_hidden_patches_reach_no_guess():
    """What is hidden may be anything; what is shown counts."""
    torch.manual_seed(0)
    net = PatchEncoder(6, SMALL).eval()
    x, marks = torch.randn(3, 24, 6), net.places(torch.arange(24))[None]

    def guess(x):
        torch.manual_seed(1)
        return net.reconstruct(x, marks)

    first, hidden = guess(x)
    assert first.shape == (3, 18, 6) and len(hidden) == 18
    other = x.clone()
    other[:, hidden] += 5
    assert torch.equal(guess(other)[0], first)
    shown = [k for k in range(24) if k not in hidden.tolist()]
    other[:, shown[0]] += 5
    assert not torch.allclose(guess(other)[0], first)


@pytest.mark.parametrize("norms", [False, True])
def test_last_token_alone(norms):
    """What all tokens are worked out for, with two layers and behind a norm."""
    torch.manual_seed(0)
    net = PatchEncoder(6, replace(SMALL, layers=2, norms=norms))
    x, marks = torch.randn(3, 24, 6), net.places(torch.arange(24))[None]
    torch.testing.assert_close(net.last(x, marks), net(x, marks)[:, -1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("count, share, hidden", [(24, 0.75, 18), (2, 0.9, 1), (5, 0.01, 1)])
def test_split_leaves_neither_side_empty(count, share, hidden):
    got = mask_indices(count, share)
    assert len(got[0]) == hidden and sorted(torch.cat(got).tolist()) == list(range(count))


def test_drawn_windows_are_of_some_sensors(target):
    """The same sensors in each, in the order that is told."""
    city = make_task(target).target
    x, nodes = sample_windows(city, city.train[:1], 2, 3)
    assert x.shape == (2, 3, 12, 2) and len(set(nodes.tolist())) == 3
    assert torch.equal(x, city.windows(city.train[:1])[:, nodes].expand(2, -1, -1, -1))
    assert sample_windows(city, city.train, 1, 0)[0].shape[1] == 5


def test_pretraining_learns_and_can_be_resumed(target, source, tmp_path):
    """Validation error falls; a finished stage is loaded."""
    task = with_long_windows(make_task(target, [source]), 1)
    plan = Training(epochs=4, epoch_steps=10, batch=2, learning_rate=1e-2, halve_every=0)

    def learned(seed):
        torch.manual_seed(seed)
        net = PatchEncoder(6, SMALL)

        def error(city, steps):
            hours, when = patchify(sample_windows(city, steps, 2, 3)[0], 6)
            guess, hidden = net.reconstruct(hours, net.places(when))
            return (guess - hours[:, hidden]).square().mean()

        return net, pretrained(net, error, training_cities(task), plan, 0, tmp_path, "hours")

    (one, history), (two, _) = learned(0), learned(1)
    assert min(history.curves["valid_error"]) < history.curves["valid_error"][0]
    assert all(
        torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True)
    )


def test_a_predictor_of_long_windows_takes_the_task(target):
    """And what comes after a window's labels does not reach it."""
    own = Predictor(lambda task, steps: task.target.windows(steps)[..., 0].mean(2))
    task = make_task(target)
    got = as_short_predictor(own, 1)(task, task.test[:3])
    steps = task.test[:3]
    want = torch.stack([task.target.scaled[t - 144 : t].mean(0) for t in steps.tolist()])
    torch.testing.assert_close(got, want)
    other = target.copy(deep=True)
    other.speed.values[int(steps[-1]) :] += 30
    assert torch.equal(
        as_short_predictor(own, 1)(make_task(with_content_hash(other)), steps), got
    )
    assert replace(own).parameters == 0
