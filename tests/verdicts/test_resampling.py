"""Intervals over seeds and days: closed forms, coverage, and what may not change them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stflow_lib.verdicts import resampling, statistics
from stflow_lib.verdicts.resampling import combine, interval, sample, seeds_to_settle

DAYS = [f"2020-01-{day:02d}" for day in range(1, 32)]


def record(errors, seed=0, epochs=5, layers=("a",), count=4, names=DAYS) -> dict:
    """A record whose MAE of each day is given: [day] for one layer, else [layer, day]."""
    errors = np.broadcast_to(errors, (len(layers), np.shape(errors)[-1]))
    sums = count * np.stack([np.ones_like(errors), errors, errors**2], 2)  # [layer, day, 3]
    days = {day: dict(zip(layers, sums[:, k].tolist(), strict=True))
            for k, day in enumerate(names[: errors.shape[1]])}  # fmt: skip
    return {"seed": seed, "epochs": epochs, "metric_mae": errors.mean(), "days": days,
            "metric_rmse": np.mean((errors**2).mean(1) ** 0.5)}  # fmt: skip


def design(seeds, days, generator, of_seed=1.0, of_day=2.0, noise=0.0):
    """Errors [seed, day] with an effect of each."""
    sizes = (of_seed, (seeds, 1)), (of_day, (1, days)), (noise, (seeds, days))
    return 50 + sum(size * generator.normal(size=shape) for size, shape in sizes)


def mae(errors) -> resampling.Sample:
    return sample({seed: record(own, seed) for seed, own in enumerate(errors)}, "mae")


def parts(errors) -> tuple[float, float]:
    """The two variances of a balanced additive design's mean, in closed form."""
    seeds, days = np.shape(errors)
    return errors.mean(1).var(ddof=1) / seeds, errors.mean(0).var(ddof=1) / days


@pytest.mark.parametrize("days", [10, 31])
def test_balanced_design_in_closed_form(days):
    """Variance of seeds over n plus variance of days over m; t with Satterthwaite's freedom."""
    errors = design(4, days, np.random.default_rng(1))
    got, (across, over) = interval(mae(errors)), parts(errors)
    assert got.seeds == pytest.approx(across) and got.days == pytest.approx(over, rel=0.1)
    freedom = (across + over) ** 2 / (across**2 / 3 + over**2 / (days - 1))
    half = stats.t.ppf(0.975, freedom) * (across + over) ** 0.5
    ends = errors.mean() - half, errors.mean() + half
    assert got[:2] == pytest.approx(ends, abs=0.06 * half)
    assert got.share_of_days == pytest.approx(over / (across + over), abs=0.03)


def test_below_ten_days_students_t_has_the_smaller_number_of_them():
    """Nine days and four seeds: three degrees of freedom, not those of the larger sample."""
    errors = design(4, 9, np.random.default_rng(2))
    got = interval(mae(errors))
    half = stats.t.ppf(0.975, 3) * (got.seeds + got.days) ** 0.5
    assert got[:2] == pytest.approx((errors.mean() - half, errors.mean() + half))
    rule = interval(sample({0: record(errors[0], epochs=0)}, "mae"))
    assert (rule.high - rule.low) / 2 == pytest.approx(stats.t.ppf(0.975, 8) * rule.days**0.5)


def test_without_days_the_interval_is_over_seeds_alone():
    """Records from before the sums were kept."""
    errors = design(4, 20, np.random.default_rng(3))
    records = {seed: record(own, seed) | {"days": None} for seed, own in enumerate(errors)}
    got = interval(sample(records, "mae"))
    assert got[:2] == pytest.approx(statistics.interval(errors.mean(1)))
    assert np.isnan([got.days, got.share_of_days]).all()
    mixed = interval(sample(records | {1: record(errors[1], 1)}, "mae"))
    assert mixed[:2] == got[:2]


def test_what_is_not_trained_has_days_alone():
    errors = design(1, 31, np.random.default_rng(4))
    rule = sample({0: record(errors[0], epochs=0)}, "mae")
    got = interval(rule)
    assert got.seeds == 0 and got.share_of_days == 1 and got.low < errors.mean() < got.high
    bare = interval(sample({0: record(errors[0], epochs=0) | {"days": None}}, "mae"))
    assert np.isnan(bare[:2]).all()
    assert np.isnan(interval(sample({0: record(errors[0])}, "mae"))[:2]).all()  # one seed


def test_the_order_of_days_and_seeds_changes_nothing():
    errors = design(3, 31, np.random.default_rng(5), noise=1.0)
    want = interval(mae(errors))
    turned = {seed: record(errors[seed, ::-1], seed, names=DAYS[::-1]) for seed in (2, 0, 1)}
    assert interval(sample(turned, "mae")) == pytest.approx(want, rel=1e-12)


def test_pairs_share_their_days():
    """A hard day is hard for both: its error cancels, and the interval is of the difference."""
    random = np.random.default_rng(6)
    hard = 30 * random.random(31)
    mine, theirs = (
        mae(design(3, 31, random, 0.1, 0) + hard),
        mae(design(3, 31, random, 0.1, 0) + hard),
    )
    found = interval(combine(lambda a, b: b - a, mine, theirs))
    assert found.days < 1e-20 and found.high - found.low < 1
    alone = interval(mine)
    assert alone.share_of_days > 0.9


def test_only_seeds_and_days_of_both_are_combined():
    errors = design(3, 31, np.random.default_rng(7))
    mine, fewer = mae(errors), mae(errors[:2])
    both = combine(lambda a, b: b - a, mine, fewer)
    assert both.values.tolist() == [0, 0] and both.drawn.shape == (resampling.DRAWS, 2)
    rule = sample({7: record(errors[0], epochs=0)}, "mae")
    assert combine(lambda a, b: b - a, mine, rule).values.index.tolist() == [0, 1, 2]
    assert combine(lambda a, b: b - a, rule, rule).fixed
    other = mae(errors[:, :30])
    assert combine(lambda a, b: b - a, mine, other).drawn is None
    nothing = sample({}, "mae")
    assert combine(lambda a, b: b - a, mine, nothing).values.empty


def test_metrics_are_pooled_over_the_days_of_a_draw():
    """One by one: each draw's days are written out and pooled as the score pools them."""
    errors = design(2, 12, np.random.default_rng(8))  # two layers
    days = record(errors, layers=("x", "y"))["days"]
    for metric, layers in (("rmse", [0, 1]), ("mae", [0, 1]), ("y_rmse", [1])):
        names, drawn = resampling.resampled(days, metric)
        assert names == tuple(DAYS[:12])
        for draw in (0, 1, 999):
            chosen = np.repeat(np.arange(12), resampling._weights(12)[draw])
            own = errors[layers][:, chosen]
            want = own.mean(1) if "mae" in metric else (own**2).mean(1) ** 0.5
            assert drawn[draw] == pytest.approx(want.mean())
    for metric in ("mape", "kind_3_rmse", "z_mae", "params_m"):
        assert resampling.resampled(days, metric)[0] == ()
    assert resampling._weights(12).sum(1).tolist() == [12] * resampling.DRAWS


@pytest.mark.parametrize(
    "seeds, days, of_seed, of_day",
    [(3, 30, 1.0, 2.0), (3, 12, 0.3, 2.0), (5, 40, 1.0, 0.5), (3, 6, 1.0, 2.0)],
)
def test_coverage(seeds, days, of_seed, of_day):
    """Of 300 simulated sets of records 95 in a hundred intervals hold the truth, or some more."""
    random, names = (
        np.random.default_rng(9),
        tuple(DAYS[:days]) if days < 31 else tuple(map(str, range(days))),
    )
    weights, inside = resampling._weights(days) / days, 0
    for _ in range(300):
        errors = design(seeds, days, random, of_seed, of_day, noise=0.5)
        found = resampling.Sample(pd.Series(errors.mean(1)), names, weights @ errors.T)
        low, high, *_ = interval(found)
        inside += low < 50 < high
    assert 0.92 * 300 <= inside  # 95 % less two and a half standard errors


def test_seeds_that_would_settle():
    """Spread 1, mean 0.5: t * 1 / sqrt n falls below 0.5 at 18 seeds; days alone may forbid it."""
    values = pd.Series([-0.5, 0.5, 1.5])
    assert seeds_to_settle(resampling.Sample(values), margin=0.0) == 18
    assert stats.t.ppf(0.975, 17) / 18**0.5 < 0.5 < stats.t.ppf(0.975, 16) / 17**0.5
    level = pd.Series([-1.0, 0.0, 1.0])
    assert seeds_to_settle(resampling.Sample(level), margin=0.5) == 18
    assert seeds_to_settle(resampling.Sample(level), margin=0.0) is None
    swings = np.random.default_rng(10).normal(size=(resampling.DRAWS, 1)) + np.zeros(3)
    assert seeds_to_settle(resampling.Sample(values, tuple(DAYS), swings), margin=0.0) is None
