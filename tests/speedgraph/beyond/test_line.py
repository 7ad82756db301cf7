"""A map of graph lags shrunk to the sources': its features one by one, and both ends of a hold."""

import math

import pytest
import torch

from stflow_lib.speedgraph import Choices, make_task
from stflow_lib.speedgraph.beyond.line import (
    Line,
    LineSettings,
    Moments,
    changes,
    chosen_counts,
    count,
    drawn,
    features,
    lent_line,
    no_change,
    own_line,
)


def test_features_against_loops(task):
    """In a ring sensor n hears n + 1 along the way and n - 1 against it."""
    city = task.target
    t, n = int(city.known[40]), 2
    got = features(city, torch.tensor([t]))[0, n]
    last = city.scaled[t - 1, n].item()
    wanted = [city.scaled[t - k, m].item() - last for m in (n + 1, n - 1, n)
              for k in range(12, 0, -1)][:-1]  # fmt: skip
    now, before = city.scaled[t - 1].mean().item(), city.scaled[t - 4].mean().item()
    hour = [float(h == t % 144 // 6) for h in range(24)]
    wanted += [now - last, now - before, last, *hour, *(h * last for h in hour)]
    assert len(got) == count(city) and got.tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_window_counts_if_all_its_labels_were_measured(task):
    city, steps = task.target, task.target.train[:50]
    change, whole = changes(city, steps)
    for b, t in enumerate(steps.tolist()):
        for n in range(5):
            seen = city.seen[t : t + 6, n].all()
            assert whole[b, n].item() == float(seen)
            then = (city.speed[t + 5, n].double() - city.mean) / city.deviation
            wanted = then - city.scaled[t - 1, n] if seen else torch.zeros(())
            assert change[b, n, 5].item() == pytest.approx(wanted.item(), abs=1e-5)


def test_moments_are_means_over_measured_windows(task):
    city, steps = task.target, task.target.train[:40]
    x, (y, whole) = features(city, steps)[whole_of(city, steps)], changes(city, steps)
    got = Moments.of(city, steps)
    assert torch.allclose(got.gram, x.T @ x / len(x))
    assert torch.allclose(got.moment, x.T @ y[whole > 0] / len(x))


def whole_of(city, steps):
    return changes(city, steps)[1] > 0


def test_both_ends_of_a_hold(task):
    """Counting infinitely the sources' map stays; counting nothing it is forgotten."""
    city, settings = task.target, LineSettings(windows=30)
    prior = lent_line(task.sources, settings)
    assert own_line(prior, city, city.known, math.inf) is prior
    firm = own_line(prior, city, city.known, 1e12)
    assert torch.allclose(firm.weights, prior.weights, atol=1e-6)
    moments = Moments.of(city, city.known)
    x = features(city, city.known)[whole_of(city, city.known)]
    one, two = (moments.after(p, 1e-9) for p in (prior, no_change(city)))
    assert torch.allclose(x @ one.weights, x @ two.weights, atol=1e-3)
    assert not no_change(city)(city, city.known[:3]).any()


def test_a_prior_counts_as_windows(task):
    """Every window twice and a prior of twice as many: the same map; of as many: another one."""
    city, steps = task.target, task.target.train[:40]
    prior = Line(no_change(city).weights + 0.1)
    once = own_line(prior, city, steps, 10.0)
    assert torch.allclose(own_line(prior, city, steps.repeat(2), 20.0).weights, once.weights)
    assert not torch.allclose(
        own_line(prior, city, steps.repeat(2), 10.0).weights, once.weights
    )


def test_the_target_decides_how_much_the_sources_count(make_speed):
    """Where it obeys their law they stay, where it obeys the contrary they do not."""
    task = make_task(make_speed(), [make_speed("source", seed=1, days=8)],
                     choices=Choices(blocks=1))  # fmt: skip
    prior, settings = lent_line(task.sources, LineSettings()), LineSettings(own=(1.0, math.inf))
    wrong = Line(prior.weights + 0.3)
    assert chosen_counts(wrong, task.target, settings) == 1.0
    right = own_line(prior, task.target, task.target.valid, 1e-6)
    assert chosen_counts(right, task.target, settings) == math.inf


def test_windows_are_drawn_once(task):
    steps = task.sources[0].train
    some = drawn(steps, 9)
    assert torch.equal(some, drawn(steps, 9)) and len(some) == 9 and (some.diff() > 0).all()
    assert set(some.tolist()) <= set(steps.tolist())
    assert torch.equal(drawn(steps, 10**6), steps)
