"""Trees on cells: what they are told of a cell's days, and that no label is among it."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.gridflow import ALL_DAYS, METHODS, make_task, score
from stflow_lib.gridflow.beyond.trees import (
    Part,
    PooledSettings,
    TreesSettings,
    features,
    fit_alone,
    fit_pooled,
    lent_parts,
    neighbour_sum,
    own_parts,
    usual_demand,
    visible_days,
)
from stflow_lib.training.method import NoSettings
from stflow_lib.training.trees import Boosting

SMALL = Boosting(trees=40, patience=5, rate=0.2, leaves=6, smallest=10)
POOLED = PooledSettings(SMALL, spans=4, labels=30)
FITS = {"alone": (fit_alone, TreesSettings(SMALL)), "pooled": (fit_pooled, POOLED)}


@pytest.fixture(scope="module")
def both(lender, receiver, twelve):
    """Pick-ups and drop-offs of a source and a target with three days."""
    return make_task(receiver, [lender], twelve)


def fitted(kind, task, seed=0):
    fit, settings = FITS[kind]
    return fit(task, settings, seed, None)


def test_usual_demand_against_loops():
    """Days that begin at any hour: the label's hour is found in them, and the hours around."""
    flow = torch.randn(96, 2, 3, generator=torch.Generator().manual_seed(0))
    told, steps = torch.arange(7, 55).view(2, 24), torch.tensor([60, 71, 95])
    got = usual_demand(flow, told, steps, 24)
    for b, t in enumerate(steps.tolist()):
        assert torch.allclose(got[b, 0], flow[7:55].mean(0), atol=1e-6)
        for k in (-1, 0, 1):
            alike = [s for s in range(7, 55) if s % 24 == (t + k) % 24]
            assert torch.allclose(got[b, 2 + k], flow[alike].mean(0), atol=1e-6)
    assert usual_demand(flow, told[:0], steps, 24).isnan().all()


def test_neighbours_are_the_eight_around():
    maps = torch.arange(12.0).view(1, 1, 3, 4)
    got = neighbour_sum(maps)[0, 0]
    assert got[0, 0].item() == 1 + 4 + 5 and got[1, 1].item() == sum((0, 1, 2, 4, 6, 8, 9, 10))


def test_features_against_loops(both):
    """Each number of one row of drop-offs."""
    city, t, day = both.target, 200, both.day
    told = visible_days(both)
    cell = int(city.cells(1)[3])
    got = features(city, 1, torch.tensor([t]), told, day)[0, 3].double()
    maps = city.scaled.flatten(2).double()
    last = maps[t - 1, 1, cell]
    own = [maps[t - k, d, cell] - last for k in range(6, 0, -1) for d in (0, 1)]
    around = [9 * torch.nn.functional.avg_pool2d(city.scaled[t - 1 : t, d], 3, 1, 1).flatten()[cell]
              - maps[t - 1, d, cell] for d in (0, 1)]  # fmt: skip
    total = [maps[t - k, d].mean() for k in range(6, 0, -1) for d in (0, 1)]
    hour = t % 24
    weekend = float(t // 24 % 7 > 4)  # from a Monday on
    clock = [np.sin(np.pi * hour / 12), np.cos(np.pi * hour / 12), hour, weekend]
    usual = usual_demand(city.scaled[:, 1], told, torch.tensor([t]), day)[0].flatten(1)[:, cell]
    wanted = [last, *own, *around, *total, *clock, *(usual.double() - last)]
    assert got.tolist() == pytest.approx([float(x) for x in wanted], abs=1e-5)


@pytest.mark.parametrize("days", [3, 1, ALL_DAYS])
def test_own_labels_are_told_of_the_other_days(both, lender, receiver, twelve, days):
    """The mean of a day that holds the label gives the label away."""
    task = make_task(receiver, [lender], twelve, days=days)
    parts, shown = own_parts(task), visible_days(task)
    assert torch.equal(torch.cat([part.steps for part in parts]), task.target.train)
    assert int(shown[-1, -1]) == twelve.valid - 1
    assert len(parts) == len(shown) == (twelve.valid // 24 if days == ALL_DAYS else days)
    for part in parts:
        assert not set(part.steps.tolist()) & set(part.told.flatten().tolist())
        assert part.told.shape == (len(parts) - 1, 24)


@pytest.mark.parametrize("days", [3, 0, ALL_DAYS])
def test_a_source_is_told_what_a_target_would_know(both, lender, receiver, twelve, days):
    """As many days, in a row, before its validation part, and none with the label."""
    task = make_task(receiver, [lender], twelve, days=days)
    (city,) = task.sources
    parts = lent_parts(task, city, POOLED)
    assert len(parts) == 4 and len({int(p.told[0, 0]) for p in parts if days}) == 4 * bool(days)
    for part in parts:
        told = part.told.flatten()
        assert len(part.told) == {3: 3, 0: 0, ALL_DAYS: 4}[days]
        assert (told.diff() == 1).all() and (told < twelve.source_valid).all()
        assert not set(part.steps.tolist()) & set(told.tolist())
        assert len(set(part.steps.tolist())) == 30
        assert set(part.steps.tolist()) <= set(city.train.tolist())


def test_labels_are_changes_of_valid_cells(both):
    part = Part(both.target, both.target.train[:5], visible_days(both), both.day)
    wanted = [
        (
            both.target.scaled[t, 0].flatten()[c] - both.target.scaled[t - 1, 0].flatten()[c]
        ).item()
        for t in part.steps.tolist()
        for c in both.target.cells(0).tolist()
    ]
    assert part.changes(0) == pytest.approx(wanted)
    assert len(part.features(0)) == len(wanted)


@pytest.mark.parametrize("kind", FITS)
def test_nothing_after_the_window_is_read(kind, lender, receiver, twelve):
    """Validation and test days, changed after a label of validation, change no forecast of it."""
    step = torch.tensor([twelve.test])
    flow = receiver.flow.values.copy()
    flow[int(step) :] = 3
    other = with_content_hash(receiver.assign(flow=(receiver.flow.dims, flow)))
    one, two = (make_task(city, [lender], twelve) for city in (receiver, other))
    assert torch.equal(fitted(kind, one)(one, step), fitted(kind, two)(two, step))


def test_zero_shot_learns_nothing_of_the_target(both, lender, receiver, twelve):
    """Neither labels nor usual demand; the sources' validation parts choose."""
    task = make_task(receiver, [lender], twelve, days=0)
    with pytest.raises(DataError, match="receiver: no training day"):
        fitted("alone", task)
    found = fitted("pooled", task)
    assert not len(found.predict.told)
    blank = replace(task, target=replace(task.target, scaled=task.target.scaled * 0))
    assert torch.equal(found(task, task.test), fitted("pooled", blank)(task, task.test))
    with pytest.raises(DataError, match="no source city"):
        fitted("pooled", make_task(receiver, protocol=twelve))


@pytest.mark.parametrize("kind", FITS)
def test_a_seed_changes_nothing_and_a_predictor_travels(kind, both):
    """It is run once in the tables; it holds trees and steps, no task."""
    one, two = (fitted(kind, both, seed) for seed in (0, 1))
    assert torch.equal(one(both, both.test), two(both, both.test))
    assert torch.equal(pickle.loads(pickle.dumps(one))(both, both.test), one(both, both.test))
    assert one.parameters == sum(b.leaves for b in one.predict.boosters) > 0
    assert one.notes["pickup"]["trees"] == one.predict.boosters[0].trees


@pytest.mark.parametrize("kind", FITS)
def test_it_learns_more_than_the_previous_hour(kind, both):
    """Counts around a rhythm: the previous hour is noisy twice and an hour late."""
    last = METHODS["Previous hour"].fit(both, NoSettings(), 0, None)
    ours, plain = (score(both, p)["metrics"] for p in (fitted(kind, both), last))
    assert ours["rmse"] < 0.85 * plain["rmse"] and ours["mae"] < 0.85 * plain["mae"]
