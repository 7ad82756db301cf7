"""Intervals of demand hours ahead: where they are judged, that they hold, what calibrates them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.book import demand_intervals, intervals_ahead
from stflow_lib.book.demand_intervals import (
    AHEAD,
    BUSY,
    ENSEMBLE,
    HOURS,
    Guess,
    around,
    busy,
    conformal,
    deviation,
    judged,
    main,
    measured,
    overdispersion,
    quantiles,
    said,
    table,
)
from stflow_lib.book.intervals_ahead import (
    CALIBRATED,
    COLUMNS,
    LEVELS,
    OURS,
    QUANTILES,
)
from stflow_lib.data.schema import grid_city, with_content_hash
from stflow_lib.gridflow import make_task
from stflow_lib.gridflow.beyond.quantile_trees import fitted
from stflow_lib.gridflow.beyond.trees import PooledSettings
from stflow_lib.gridflow.problem.protocol import by_sixths
from stflow_lib.runs import Run
from stflow_lib.training.method import Predictor
from stflow_lib.training.trees import Boosting

ROWS, COLS, DAYS = 5, 6, 30
STUMPS = PooledSettings(Boosting(trees=5, leaves=4), spans=2, labels=10)


def city_of(name: str, seed: int, spread: float = 0.0):
    """Counts of cells with means of 1 to 40, alike in all hours; variance m + spread m^2."""
    random = np.random.default_rng(seed)
    mean = np.linspace(1, 40, 2 * ROWS * COLS).reshape(1, 2, ROWS, COLS).repeat(DAYS * 24, 0)
    rate = random.gamma(1 / spread, mean * spread) if spread else mean
    time = pd.date_range("2015-11-02", periods=len(rate), freq="h")
    city = grid_city(random.poisson(rate), time, ("in", "out"), name=name, step_minutes=60,
                     zone="America/New_York", unit="trips per hour", source="made for a test",
                     licence="MIT")  # fmt: skip
    poi = np.ones((14, ROWS, COLS), np.float32)
    return with_content_hash(city.assign(poi=(("category", "row", "col"), poi)))


def task_of(days: int, spread: float = 0.0):
    cities = [city_of(name, seed, spread) for seed, name in enumerate(("target", "source"))]
    return make_task(cities[0], cities[1:], by_sixths(DAYS), days=days)


def true_mean(task, labels):
    mean = torch.linspace(1, 40, 2 * ROWS * COLS).view(1, 2, ROWS, COLS)
    return mean.expand(len(labels), -1, -1, -1)


HEAD = Predictor(true_mean, 0)


@pytest.mark.parametrize("days", (3, 0))
def test_cells_that_are_judged_against_loops(days):
    task = task_of(days)
    hours = range(408, 480) if days else range(6, 480)
    for cell, is_busy in enumerate(busy(task).flatten()):
        usual = sum(task.target.flow[t].flatten()[cell].item() for t in hours) / len(hours)
        assert bool(is_busy) == (usual >= BUSY)


@pytest.mark.parametrize("days", (3, 0))
@pytest.mark.parametrize("spread", (0.0, 0.3))
def test_intervals_around_the_true_mean_hold_nine_tenths(days, spread):
    task = task_of(days, spread)
    found = judged(busy(task), conformal(task, HEAD))
    assert found["n"] == busy(task).sum() * len(task.test)
    assert found["inside"] == pytest.approx(0.9 if spread else 0.91, abs=0.012)
    assert max(found["below"], found["above"]) < 0.065


@pytest.mark.parametrize("spread", (0.0, 0.3))
def test_overdispersion_of_drawn_counts_is_found(spread):
    task = task_of(3, spread)
    truth, mean = task.target.flow, true_mean(task, task.target.flow)
    guess = Guess(truth, mean, torch.ones_like(mean), task.target.mask)
    assert overdispersion([guess]).tolist() == pytest.approx([spread] * 2, abs=0.02)
    assert deviation(mean, torch.tensor([0.0, spread]))[0, :, 0, 0].tolist() == pytest.approx(
        [1.25**0.5, (m := mean[0, 1, 0, 0].item()) and (m + spread * m * m + 0.25) ** 0.5]
    )


def test_errors_are_put_around_forecasts_in_their_units():
    mask, mean = torch.ones(2, 3, 4, dtype=torch.bool), torch.rand(50, 2, 3, 4) * 9
    unit = 1 + torch.rand_like(mean)
    off = torch.tensor([2.0, 3.0])[:, None, None]  # by direction
    held = Guess(mean + off * unit, mean, unit, mask)
    test = Guess(mean, mean.flip(0), unit.flip(1), mask)
    found = around(test, [held])
    for end in (found.lower, found.upper):
        assert torch.allclose(end, test.mean + off * test.unit, atol=1e-4)
    low = around(test, [replace(held, truth=mean - 30 * unit)])
    assert (low.lower == 0).all() and (low.upper == 0).all()


def other_hours(task, hours):
    """The task with other counts in some hours of the target."""
    target = task.target
    flow = target.flow.clone()
    flow[hours] = flow[hours].flip(0) * 3 + 1
    return replace(task, target=replace(target, flow=flow))


@pytest.mark.parametrize("days", (3, 0))
def test_no_test_hour_reaches_the_ends(days):
    task, trees = task_of(days), fitted(task_of(days), LEVELS, STUMPS)
    same, changed = [
        (conformal(t, HEAD), *quantiles(t, trees)) for t in (task, other_hours(task, task.test))
    ]
    for one, other in zip(same, changed, strict=True):
        assert torch.equal(one.lower, other.lower) and torch.equal(one.upper, other.upper)
        assert not torch.equal(one.truth, other.truth)


@pytest.mark.parametrize("days", (3, 0))
def test_validation_hours_of_the_target_calibrate_where_days_are_seen(days):
    task = task_of(days)
    one, other = (conformal(t, HEAD) for t in (task, other_hours(task, task.target.valid)))
    assert torch.equal(one.upper, other.upper) == (days == 0)


def test_calibrated_quantiles_hold_nine_tenths():
    task = task_of(3)
    plain, mended = quantiles(task, fitted(task, LEVELS, STUMPS))
    assert judged(busy(task), mended)["inside"] == pytest.approx(0.905, abs=0.02)
    assert torch.equal(plain.mean, mended.mean)


def test_every_method_is_measured_at_every_horizon(monkeypatch):
    monkeypatch.setattr(demand_intervals, "fitted", lambda *a: fitted(*a, STUMPS, most=200))
    small = {"booster": {"trees": 2}, "spans": 2, "labels": 10, "lent": 300}
    run = Run("gridflow", OURS, "sim-grid-a>sim-grid-c", "P60", "0", "test", 0, small)
    found = pd.DataFrame(measured([run]))
    assert list(found.columns) == COLUMNS
    assert [*zip(found["ahead"], found["method"], strict=True)] == [
        (ahead, method) for ahead in AHEAD for method in (OURS, QUANTILES, CALIBRATED)
    ]


def test_the_ensemble_is_measured_for_the_next_hour(monkeypatch):
    monkeypatch.setattr(demand_intervals, "fitted", pytest.fail)  # no trees a second time
    booster = {"trees": 2, "leaves": 4}
    small = {"line": {"booster": booster, "spans": 2, "labels": 10, "lent": 300},
             "pooled": {"booster": booster, "spans": 2, "labels": 10},
             "network": {"source": {"epochs": 1, "epoch_steps": 1},
                         "target": {"epochs": 1, "epoch_steps": 1}}}  # fmt: skip
    run = Run("gridflow", ENSEMBLE, "sim-grid-a>sim-grid-c", "P60", "3", "test", 0, small)
    (row,) = measured([run])
    assert (row["ahead"], row["method"]) == (1, ENSEMBLE)


def rows(scores: dict[str, float], city: str = "a>b", share: float = 0.9) -> pd.DataFrame:
    lines = [{"city": city, "scarcity": "3", "ahead": ahead, "method": name, "inside": share,
              "score": score * ahead, "n": 10}
             for ahead in (1, 24) for name, score in scores.items()]  # fmt: skip
    return pd.DataFrame(lines, columns=COLUMNS)


def test_the_sentence_counts():
    found = pd.concat([rows({OURS: 8.0, QUANTILES: 10.0, CALIBRATED: 4.0}),
                       rows({OURS: 9.0, QUANTILES: 6.0, CALIBRATED: 6.0}, "b>a", 0.8)])  # fmt: skip
    assert said(found, "3") == (
        "With 3 days, 90 % intervals of Boosted line hold 80.0 to 90.0 % of cells with at least "
        "5 trips an hour; of 2 pairs 88 to 92 % in 1 at 1 h, 1 at 24 h. Their score is below that "
        "of quantiles of trees in 2 of 4 settings (ratio 0.80 to 1.50). Their score is below that "
        "of quantiles of trees, calibrated in 0 of 4 settings (ratio 1.50 to 2.00)."
    )
    again = pd.concat([found, rows({ENSEMBLE: 2.0})])
    assert "of Ensemble hold 90.0 to 90.0 %" in (text := said(again, "3", ENSEMBLE))
    assert "of 1 pair 88 to 92 % in 1 at 1 h." in text and "1 of 1 settings (ratio 0.20" in text
    assert said(found, "3", ENSEMBLE) == "Nothing was measured yet."
    assert said(found, "0") == said(found[:0], "3") == "Nothing was measured yet."


def test_a_pair_that_is_measured_again_replaces_its_rows(tmp_path, monkeypatch):
    path = tmp_path / "demand.csv"
    again = rows({OURS: 3.0}).to_dict("records")
    monkeypatch.setattr(demand_intervals, "measured", lambda runs: again)
    rows({OURS: 1.0, QUANTILES: 2.0}).to_csv(path, index=False)
    main(["a>b"], path)
    assert table(path)[["scarcity", "ahead", "score"]].to_numpy().tolist() == [
        ["3", 1, 3.0], ["3", 24, 72.0]]  # fmt: skip


def test_what_is_published_has_every_method_at_every_horizon():
    found = table()
    assert len(found) and found["ahead"].isin(AHEAD).all()
    places = found.groupby(["city", "scarcity", "ahead"])["method"].agg(set)
    for (*_, ahead), methods in places.items():
        both = {name for name, hours in HOURS.items() if ahead in hours}
        assert methods == both | {QUANTILES, CALIBRATED}
    assert np.allclose(found[["inside", "below", "above"]].sum(axis=1), 1, atol=1e-3)


def test_what_is_published_is_better_than_quantiles_of_trees_with_days_of_pairs_held_out():
    few = table().query("scarcity == '3'")
    held = intervals_ahead.ratio(few[few["city"].str.startswith(("didi", "bikes"))], "h")
    assert held.shape == (3, len(AHEAD)) and (held < 1).all(axis=None)
