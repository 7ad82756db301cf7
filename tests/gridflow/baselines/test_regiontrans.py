"""Matching regions: by hand, at the same hour of the week, and the penalty it brings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.baselines.regiontrans import (
    RegionTransSettings,
    matched,
    matching_loss,
    week_shift,
)
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.plan import Plan
from stflow_lib.gridflow.training.schedule import Schedule, squared_error

TINY = Backbone(channels=2, blocks=0, hidden=2)
SHORT = Schedule(epochs=1, epoch_steps=2, batch=8, learning_rate=0.01)
SETTINGS = RegionTransSettings(TINY, SHORT, SHORT, strength=0.5)


@pytest.fixture(scope="module")
def task(make_grid, twelve):
    cities = [make_grid("a", seed=2), make_grid("b", rows=2, cols=3, seed=3)]
    return make_task(make_grid("c", rows=3, seed=4), cities, twelve).only(0)


def later(city, hours):
    return replace(city, time=city.time + np.timedelta64(hours, "h"))


@pytest.mark.parametrize("hours, want", [(0, 0), (24, 24), (-48, -48), (120, -48), (-150, 18)])
def test_shift_keeps_hour_and_weekday(task, hours, want):
    """The target's clock is ahead by `hours`: same calendar hour if the source has it."""
    target, source = later(task.target, hours), task.sources[0]
    shift = week_shift(target, source)
    assert shift == want
    one = pd.DatetimeIndex(target.time[target.train])
    two = pd.DatetimeIndex(source.time[target.train + shift])
    assert (one.hour == two.hour).all() and (one.dayofweek == two.dayofweek).all()
    assert int(target.train[0]) + shift >= source.lags


def test_a_source_too_short_for_weeks_is_an_error(task):
    city = task.sources[0]
    parts = {name: getattr(city, name)[:100] for name in ("flow", "scaled", "time")}
    short = replace(city, **parts)
    with pytest.raises(DataError, match="a: too short to be aligned with c"):
        week_shift(task.target, short)


def test_series_match_is_the_best_correlation_of_all_sources(task):
    match = matched(task, "series")
    hours, target = task.target.train, task.target
    own = target.flow[hours, 0].flatten(1)[:, target.cells()].T
    others = torch.cat([s.flow[hours, 0].flatten(1)[:, s.cells()].T for s in task.sources])
    table = np.corrcoef(np.concatenate([own, others]))[: len(own), len(own) :]
    np.testing.assert_allclose(match.value, table.max(1).clip(0), atol=1e-5)
    cells = torch.cat([s.cells() for s in task.sources])[table.argmax(1)]
    assert torch.equal(match.cell, cells)
    border = int(task.sources[0].mask.sum())
    assert torch.equal(match.city, torch.from_numpy(table.argmax(1) >= border).long())


def test_a_city_matches_itself(task):
    twin = replace(task, sources=(task.target,))
    match = matched(twin, "series")
    assert torch.equal(match.cell, task.target.cells())
    torch.testing.assert_close(match.value, torch.ones(len(match.cell)))


def test_match_by_poi(task):
    match = matched(task, "poi")
    assert (match.value > 0).all() and match.value.max() <= 1 + 1e-6
    twin = matched(replace(task, sources=(task.target,)), "poi")
    torch.testing.assert_close(twin.value, torch.ones(len(twin.cell)))
    bare = replace(task, target=replace(task.target, poi=None))
    with pytest.raises(DataError, match="c: no POI to match"):
        matched(bare, "poi")


def test_penalty_by_hand(task):
    """Sum over cells of c |z - z*|^2, mean over windows; a city matched with itself pays 0."""
    torch.manual_seed(0)
    network, steps = STNet(TINY), task.target.train[:5]
    match = matched(task, "series")
    plain = squared_error(network, task.target, steps)
    want = 0.0
    z = network.features(task.target.windows(steps)[:, :, 0], task.target.cells())
    for r in range(z.shape[1]):
        k = int(match.city[r])
        windows = task.sources[k].windows(steps + match.shifts[k])[:, :, 0]
        star = network.features(windows, match.cell[r : r + 1])[:, 0]
        want = want + match.value[r] * (z[:, r] - star).square().sum(1).mean()
    got = matching_loss(network, task, match, 0.5, task.target, steps)
    torch.testing.assert_close(got, plain + 0.5 * want)
    twin = replace(task, sources=(task.target,))
    own = matching_loss(network, twin, matched(twin, "series"), 0.5, task.target, steps)
    torch.testing.assert_close(own, plain)


def test_zero_shot_is_finetuned(make_grid, receiver, lender, twelve):
    """Nothing to match with: the same network."""
    zero = make_task(receiver, [lender], twelve, days=0)
    few = make_task(receiver, [lender], twelve)
    got = {
        (name, t.days): METHODS[name].fit(t, SETTINGS, 0, None)(t, t.test)
        for name in ("Finetuned", "RegionTrans")
        for t in (zero, few)
    }
    assert torch.equal(got["Finetuned", 0], got["RegionTrans", 0])
    assert not torch.equal(got["Finetuned", 3], got["RegionTrans", 3])


def test_strength_is_one_for_all_tasks():
    """The decade that validated best; lab has that of the released code."""
    assert RegionTransSettings().strength == 1e-5
    assert Plan.of("bench").settings("RegionTrans").strength == 1e-5
    assert Plan.of("lab").settings("RegionTrans").strength == 1e-3


def test_unknown_match_is_an_error():
    with pytest.raises(ValueError, match="match 'name'"):
        RegionTransSettings(match="name")
