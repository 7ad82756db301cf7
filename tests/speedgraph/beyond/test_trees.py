"""Trees on lags: what they read, that nothing of it lies ahead, and what they learn from."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import METHODS, Choices, make_task, score
from stflow_lib.speedgraph.beyond import trees
from stflow_lib.speedgraph.beyond.trees import (
    Part,
    PooledSettings,
    Table,
    TreesSettings,
    features,
    fit_alone,
    fit_pooled,
    neighbour_mean,
    sensor_level,
)
from stflow_lib.training.method import NoSettings

SMALL = trees.MEDIAN(trees=30, patience=5, rate=0.2, leaves=6, smallest=20)
FITS = {"alone": (fit_alone, TreesSettings(SMALL)),
        "pooled": (fit_pooled, PooledSettings(SMALL, windows=40))}  # fmt: skip


def fitted(kind, task, seed=0):
    fit, settings = FITS[kind]
    return fit(task, settings, seed, None)


def test_features_against_loops(target):
    """Each number of one row, its lags and its neighbours' taken one by one."""
    city = make_task(target).target
    t, n = int(city.known[40]), 2
    level = torch.arange(5.0)
    got = features(city, torch.tensor([t]), level)[0, n]
    last = city.scaled[t - 1, n]
    read = lambda m, k: city.scaled[k, m] - last if city.seen[k, m] else torch.tensor(np.nan)
    assert len(got) == 3 * 12 + 6 and got[0] == last and got[1] == 2 - last
    for k in range(12):  # in a ring n hears n + 1 along the way and n - 1 against it
        step = t - 12 + k
        for block, sensor in enumerate((n, n + 1, n - 1)):
            assert torch.allclose(got[2 + 12 * block + k], read(sensor, step), equal_nan=True)
    angle = 2 * np.pi * (t % 144) / 144
    clock = [np.sin(angle), np.cos(angle), (t % 144) / 6, (t // 144) % 7]  # from a Monday on
    assert got[-4:].tolist() == pytest.approx(clock, abs=1e-6)


def test_neighbours_without_a_reading_do_not_count():
    ways = torch.tensor([[0.0, 0.75, 0.25], [0, 0, 1], [0, 0, 0]])
    readings = torch.tensor([[[1.0, 2.0, 6.0], [1.0, torch.nan, 6.0], [1.0, 2.0, torch.nan]]])
    wanted = [[[3.0, 6.0, torch.nan], [6.0, 6.0, torch.nan], [2.0, torch.nan, torch.nan]]]
    got = neighbour_mean(ways, readings)
    assert torch.allclose(got, torch.tensor(wanted), equal_nan=True)


def test_rows_are_the_measured_labels_as_changes(target):
    """A gap is stored as zero: learned from, it would be a standstill."""
    city = make_task(target).target
    part = Part(city, city.train[:50], torch.zeros(5))
    for ahead in (0, 5):
        rows, wanted = Table([part, part]).measured(ahead), []
        for t in city.train[:50].tolist():
            for n in range(5):
                if city.seen[t + ahead, n]:
                    now = (city.speed[t + ahead, n] - city.mean) / city.deviation
                    wanted.append((now - city.scaled[t - 1, n]).item())
        assert rows.y == pytest.approx(2 * wanted, abs=1e-5)
        assert len(rows.x) == len(rows.y) < 2 * 50 * 5
        assert rows.weights is None


def test_level_is_the_mean_of_readings_in_the_windows(target):
    city = make_task(target).target
    first, end = int(city.train[0]) - 12, int(city.train[-1]) + 6
    got = sensor_level(city, city.train)
    for n in range(5):
        values = [city.scaled[t, n].item() for t in range(first, end) if city.seen[t, n]]
        assert got[n].item() == pytest.approx(np.mean(values), abs=1e-5)
    assert sensor_level(city, city.train[:0]).isnan().all()


def test_a_level_leaves_out_readings_between_windows(target):
    """Windows on both sides of a block that chooses: its readings are told to nobody."""
    city = make_task(target, choices=Choices(blocks=1)).target
    rows = sorted({r for t in city.train.tolist() for r in range(t - 12, t + 6)})
    spoilt = city.scaled + 100
    spoilt[rows] = city.scaled[rows]
    got = sensor_level(replace(city, scaled=spoilt), city.train)
    assert torch.equal(got, sensor_level(city, city.train)) and got.abs().max() < 10


@pytest.mark.parametrize("kind", FITS)
def test_nothing_after_the_window_is_read(kind, target, source):
    """What comes later, test days included, changes neither the fit nor the forecast."""
    task = make_task(target, [source])
    step = task.test[:1]
    later = target.speed.values.copy()
    later[int(step) :] = 7
    other = with_content_hash(target.assign(speed=(target.speed.dims, later)))
    twin = make_task(other, [source])
    assert torch.equal(fitted(kind, task)(task, step), fitted(kind, twin)(twin, step))


def test_zero_shot_is_told_no_level_and_learns_nothing_of_the_target(target, source):
    """The target's scale is known, its days are not."""
    task = make_task(target, [source], days=0)
    with pytest.raises(DataError, match="target: no day"):
        fitted("alone", task)
    found = fitted("pooled", task)
    assert found.predict.level.isnan().all()
    assert torch.isfinite(found(task, task.test[:4])).all()
    city = task.target
    blank = replace(task, target=replace(city, speed=city.speed * 0, scaled=city.scaled * 0))
    same = fitted("pooled", blank)
    assert torch.equal(found(task, task.test[:4]), same(task, task.test[:4]))


def test_drawn_windows_are_some_of_those_allowed(task):
    """In zero-shot a level of the sources would be an input that the target never has."""
    (city,) = task.sources
    few, every = (trees.drawn(city, city.train, most, True) for most in (40, 10**6))
    assert torch.equal(every.steps, city.train) and len(few.steps) == 40
    assert set(few.steps.tolist()) < set(city.train.tolist())
    assert torch.equal(few.level, sensor_level(city, city.known))
    assert trees.drawn(city, city.train, 40, False).level.isnan().all()


def test_pooled_needs_a_source_and_uses_it(task, target):
    with pytest.raises(DataError, match="no source city"):
        fitted("pooled", make_task(target))
    alone, pooled = (fitted(kind, task)(task, task.test[:9]) for kind in FITS)
    assert not torch.equal(alone, pooled)


@pytest.mark.parametrize("kind", FITS)
def test_a_seed_changes_nothing_and_a_predictor_travels(kind, task):
    """It is run once in the tables; it holds trees and levels, no task."""
    one, two = (fitted(kind, task, seed) for seed in (0, 1))
    steps = task.test[:5]
    assert torch.equal(one(task, steps), two(task, steps))
    assert torch.equal(pickle.loads(pickle.dumps(one))(task, steps), one(task, steps))
    assert one.parameters == sum(b.leaves for b in one.predict.boosters) > 0
    assert one.notes["trees"] == [b.trees for b in one.predict.boosters]


@pytest.mark.parametrize("kind", FITS)
def test_it_learns_more_than_the_last_value(kind, task):
    """Noise of three miles an hour around a rhythm: the last value is wrong twice."""
    last = score(task, METHODS["Last value"].fit(task, NoSettings(), 0, None))["metrics"]
    ours = score(task, fitted(kind, task))["metrics"]
    assert ours["mae"] < 0.85 * last["mae"] and ours["rmse"] < 0.85 * last["rmse"]
