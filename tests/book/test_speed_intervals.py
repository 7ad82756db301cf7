"""Intervals of speeds: that they hold, what calibrates them, what is judged."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.book import speed_intervals
from stflow_lib.book.intervals_ahead import CALIBRATED, COLUMNS, OURS, QUANTILES
from stflow_lib.book.speed_intervals import (
    SPREAD,
    calibrated,
    conformal,
    evenly,
    judged,
    main,
    measured,
    outcomes,
    said,
    sides,
    table,
)
from stflow_lib.data.schema import graph_city, with_content_hash
from stflow_lib.runs import Run
from stflow_lib.speedgraph import Choices, make_task
from stflow_lib.speedgraph.beyond.quantile_trees import fitted
from stflow_lib.training.interval_score import Outcome
from stflow_lib.training.method import Predictor
from stflow_lib.training.trees import Boosting

NODES, DAY, AT = 12, 144, [0, 2, 5]  # the steps that are reported
STUMPS = Boosting(trees=4, patience=2, leaves=4, smallest=20)
SMALL = {"booster": {"trees": 2, "leaves": 4}, "windows": 20, "rows": 400}
RUN = Run("speedgraph", OURS, "a>b", "P10-blocks1", "3", "test", 0, SMALL)


def rhythm(steps):
    """The true mean of every sensor, which changes by 16 miles an hour within a day."""
    return 50 + 8 * torch.sin(steps / DAY * 2 * torch.pi)


def city_of(name: str, seed: int, spoilt: int = 10**6):
    """Noise of 1 to 6 miles an hour, sensor by sensor; readings missing; after `spoilt`: 7."""
    random = np.random.default_rng(seed)
    speed = rhythm(torch.arange(9 * DAY)).numpy()[:, None].repeat(NODES, 1)
    speed += random.normal(0, np.linspace(1, 6, NODES), speed.shape)
    speed[random.random(speed.shape) < 0.05] = np.nan
    speed[spoilt:] = 7
    time = pd.date_range("2024-01-01", periods=len(speed), freq="10min")
    ring, where = np.roll(np.eye(NODES, dtype=np.float32), 1, 1), np.linspace(34, 34.1, NODES)
    city = graph_city(speed.astype(np.float32), time, ring, where, where - 152, name=name,
                      zone="Etc/GMT+8", step_minutes=10, unit="mph", source="made for a test",
                      licence="MIT")  # fmt: skip
    return with_content_hash(city)


def task_of(spoilt: int = 10**6):
    return make_task(city_of("b", 0, spoilt), [city_of("a", 1)], choices=Choices(blocks=1))


@pytest.fixture(scope="module")
def task():
    return task_of()


def true_mean(task, steps):
    return rhythm(steps[:, None] + torch.arange(6))[:, None].expand(-1, NODES, -1)


TRUE = Predictor(true_mean, 0)


def narrow(city, steps):
    """Quantiles that are a tenth as far from the truth's mean as they should be."""
    mean = true_mean(None, steps)[..., AT]
    off = 0.1645 * torch.linspace(1, 6, NODES)[:, None]
    return mean - off, mean + off


def test_windows_that_are_judged_lie_evenly():
    assert evenly(torch.arange(100, 109), 5).tolist() == [100, 102, 104, 106, 108]
    assert evenly(torch.arange(7), 200).tolist() == [*range(7)]
    hours = (evenly(torch.arange(0, 670 * 6, 6), 200) // 6 % 24).bincount(minlength=24)
    assert hours.sum() == 200 and hours.min() >= 7


@pytest.mark.parametrize("at", range(3))
def test_errors_around_the_true_mean_hold_nine_tenths(task, at):
    found = judged(task, conformal(task, TRUE, TRUE), at)
    assert found["inside"] == pytest.approx(0.9, abs=0.02)
    assert max(found["below"], found["above"]) < 0.07


def quantiles(task):
    held, (plain, half) = sides(task, (narrow, narrow))
    return plain, calibrated(task, held, (plain, half))


def test_calibrated_quantiles_hold_nine_tenths(task):
    plain, mended = (judged(task, found, 1) for found in quantiles(task))
    assert plain["inside"] == pytest.approx(0.13, abs=0.02) and plain["mae"] == mended["mae"]
    assert mended["inside"] == pytest.approx(0.9, abs=0.02)


def test_errors_of_the_first_fit_are_put_around_the_second(task):
    """The first is wrong by the step ahead, the second says 30: 30 minus 1, 3 and 6."""
    step = torch.arange(1.0, 7)
    apart = Predictor(lambda task, steps: task.target.labels(steps)[0] + step, 0)
    whole = Predictor(lambda task, steps: torch.full((len(steps), NODES, 6), 30.0), 0)
    found = conformal(task, apart, whole)
    for end in (found.lower, found.upper):
        assert ((found.mean - end) / step[AT] - 1).abs().max() < 0.05


def test_errors_are_counted_in_the_spread_that_trees_say(task):
    """The first fit is wrong by half the spread everywhere, so every interval begins there."""
    ends = lambda city, steps: (
        torch.zeros(len(steps), NODES, 3),
        torch.arange(2.0, 2 * NODES + 2, 2)[:, None].expand(len(steps), -1, 3),
    )
    (held, unit), (plain, half) = sides(task, (ends, ends))
    wrong = replace(held, mean=held.truth - unit / 2)
    found = calibrated(
        task, (wrong, unit), (replace(plain, mean=torch.full_like(half, 30.0)), half)
    )
    assert torch.allclose(found.lower, 30 + half / 2, atol=1e-3)
    assert torch.allclose(found.upper, 30 + half / 2, atol=1e-3)


def other_steps(task, steps):
    """The task with other labels at some steps, its inputs untouched."""
    speed = task.target.speed.clone()
    speed[steps] = speed[steps].flip(0) * 0.5 + 1
    return replace(task, target=replace(task.target, speed=speed))


def ends_of(task):
    return [conformal(task, TRUE, TRUE), quantiles(task)[1]]


def test_windows_that_choose_calibrate_and_test_windows_do_not(task):
    valid = task.target.valid
    for one, other in zip(ends_of(task), ends_of(other_steps(task, task.test)), strict=True):
        assert torch.equal(one.lower, other.lower) and torch.equal(one.upper, other.upper)
        assert not torch.equal(one.truth, other.truth)
    for one, other in zip(ends_of(task), ends_of(other_steps(task, valid)), strict=True):
        assert not torch.equal(one.upper, other.upper)


def test_no_reading_after_its_inputs_reaches_an_interval(task, monkeypatch):
    monkeypatch.setattr(speed_intervals, "fitted", lambda *a: fitted(*a, STUMPS, most=300))
    first = task.test[:1]
    pairs = [outcomes(replace(t, test=first), RUN) for t in (task, task_of(int(first)))]
    for (name, one), (_, other) in zip(*pairs, strict=True):
        assert torch.equal(one.lower, other.lower) and torch.equal(one.upper, other.upper), name
        assert not torch.equal(one.truth, other.truth)


def test_what_is_judged_against_loops(task):
    truth, seen = (part[..., AT] for part in task.target.labels(task.test))
    mean = true_mean(task, task.test)[..., AT]
    found = judged(task, Outcome(truth, mean, mean - 2, mean + 1), 2)
    off = [(truth[b, n, 2] - mean[b, n, 2]).item() for b, n in seen[..., 2].nonzero().tolist()]
    assert found["n"] == len(off) < truth[..., 2].numel()
    assert found["below"] == pytest.approx(sum(x < -2 for x in off) / len(off), abs=1e-4)
    assert found["above"] == pytest.approx(sum(x > 1 for x in off) / len(off), abs=1e-4)
    price = [3 + 20 * max(-2 - x, 0, x - 1) for x in off]
    assert found["score"] == pytest.approx(sum(price) / len(price), rel=1e-5)
    assert found["mae"] == pytest.approx(np.mean(np.abs(off)), rel=1e-5)


def test_every_method_is_measured_at_the_steps_reported(task, monkeypatch):
    monkeypatch.setattr(speed_intervals, "fitted", lambda *a: fitted(*a, STUMPS, most=300))
    monkeypatch.setattr(speed_intervals, "open_task", lambda run: task)
    found = pd.DataFrame(measured(RUN))
    assert list(found.columns) == COLUMNS
    assert [*zip(found["ahead"], found["method"], strict=True)] == [
        (ahead, name)
        for ahead in (10, 30, 60)
        for name in (OURS, QUANTILES, CALIBRATED, SPREAD)
    ]
    assert found["n"].max() <= 200 * NODES


def rows(scores: dict[str, float], city: str = "a+c>b", days: str = "3") -> list[dict]:
    return [{"city": city, "scarcity": days, "ahead": ahead, "method": name, "inside": 0.9,
             "score": score * ahead, "n": 10}
            for ahead in (10, 60) for name, score in scores.items()]  # fmt: skip


def test_a_pair_that_is_measured_again_replaces_its_rows(tmp_path, monkeypatch):
    path = tmp_path / "speeds.csv"
    pd.DataFrame(rows({OURS: 1.0}), columns=COLUMNS).to_csv(path, index=False)
    pair, again = "san-diego+bay-i680+aarhus>la", rows({OURS: 3.0}, "x>la")
    monkeypatch.setattr(speed_intervals, "measured", lambda run: [
        row | {"city": run.city, "scarcity": run.scarcity} for row in again])  # fmt: skip
    main([pair], path)
    main([pair], path)
    assert table(path)[["city", "scarcity", "ahead", "score"]].to_numpy().tolist() == [
        ["b", "3", 10, 10.0], ["b", "3", 60, 60.0],
        *(["la", days, ahead, 3.0 * ahead] for days in ("0.25", "1", "3") for ahead in (10, 60)),
    ]  # fmt: skip
    assert table(tmp_path / "none.csv").empty


def test_the_sentence_counts():
    found = pd.DataFrame(rows({OURS: 8.0, QUANTILES: 10.0, CALIBRATED: 4.0}, days="0.25"))
    assert said(found, "0.25") == (
        "With 6 hours, 90 % intervals of Boosted line hold 90.0 to 90.0 % of the speeds measured; "
        "of 1 target 88 to 92 % in 1 at 10 min, 1 at 60 min. Their score is below that of "
        "quantiles of trees in 2 of 2 settings (ratio 0.80 to 0.80). Their score is below that of "
        "quantiles of trees, calibrated in 0 of 2 settings (ratio 2.00 to 2.00)."
    )
    assert said(found, "3") == "Nothing was measured yet."
