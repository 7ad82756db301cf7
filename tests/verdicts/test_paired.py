"""Differences of two groups of runs: same seeds only, in percent, judged by their interval."""

from types import SimpleNamespace

import numpy as np
import pytest

from stflow_lib.verdicts import paired, statistics


@pytest.fixture
def group(monkeypatch):
    """A group of runs from {(city, scarcity, seed): error}; None marks a collapsed one."""
    monkeypatch.setattr(paired.runs, "records", lambda group: [run.record for run in group])

    def build(errors, epochs=1, **more):
        return [
            SimpleNamespace(record={"city": c, "scarcity": a, "seed": s, "metric_rmse": e or 0.0,
                                    "part_half_rmse": 2 * (e or 0.0), "epochs": epochs,
                                    "notes": {"collapsed": e is None}, **more})
            for (c, a, s), e in errors.items()
        ]  # fmt: skip

    return build


def seeds(city, values, amount="20"):
    return {(city, amount, seed): value for seed, value in enumerate(values)}


def test_only_seeds_of_both_are_compared(group):
    """Five seeds against the mean of three would no longer be paired."""
    ours, base = group(seeds("a", [1.0, 2.0, 9.0])), group(seeds("a", [2.0, 4.0]))
    (row,) = paired.paired_gains(ours, base, ["rmse"]).itertuples()
    assert row.gain == pytest.approx(50) and row.n == 2  # 1 and 2 less, of 3 on average
    low, high = statistics.interval([100 / 3, 200 / 3])
    assert (row.low, row.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    "ours, verdict",
    [([1.0, 1.1, 1.0], "confirmed"), ([3.0, 3.1, 3.0], "opposite"),
     ([1.0, 3.0, 2.0], "open"), ([1.999, 2.001, 2.0], "equal within 1 %")],
)  # fmt: skip
def test_the_whole_interval_decides(group, ours, verdict):
    """A mean on the right side is not yet a finding."""
    theirs = seeds("a", [2.0, 2.0, 2.0])
    for converged, word in ((True, verdict), (False, "not converged")):
        sides = group(seeds("a", ours), converged=True), group(theirs, converged=converged)
        (row,) = paired.paired_gains(*sides, ["rmse"]).itertuples()
        assert (row.so_far, row.verdict) == (verdict, word)
    (row,) = paired.paired_gains(group(seeds("a", ours)), group(theirs), ["rmse"]).itertuples()
    assert row.verdict == "not converged"  # a record of before the rule


def test_one_seed_has_no_interval(group):
    judged = paired.paired_gains(group(seeds("a", [1.0])), group(seeds("a", [2.0])), ["rmse"])
    assert judged["verdict"].tolist() == ["one seed"] and judged["low"].isna().all()


def test_collapsed_and_unmatched_runs_are_left_out(group):
    """A collapsed run's error is no error of the method, and no city is compared with another."""
    ours = group(seeds("a", [None, 1.0]) | seeds("b", [1.0]))
    base = group(seeds("a", [2.0, 2.0]) | seeds("c", [1.0]))
    judged = paired.paired_gains(ours, base, ["rmse"])
    assert judged[["city", "n"]].values.tolist() == [["a", 1]]
    assert paired.paired_gains([], base, ["rmse"]).empty


@pytest.mark.filterwarnings("error")
def test_nothing_to_compare_with_is_no_difference_and_no_warning(group):
    """A page is built while the other method's runs are still missing."""
    assert paired.paired_gains(group(seeds("a", [1.0, 2.0])), [], ["rmse"]).empty
    assert paired.paired_gains([], [], ["rmse"]).empty


def test_places_come_in_the_order_of_the_other_runs(group):
    """Aligned series sort: 100 % came before 20 %, bicycles before taxis."""
    errors = seeds("b", [2.0]) | seeds("a", [2.0], "20") | seeds("a", [2.0], "100")
    less = {place: 1.0 for place in reversed(errors)}
    judged = paired.paired_gains(group(less), group(errors), ["rmse"])
    assert judged[["city", "scarcity"]].values.tolist() == [
        ["b", "20"],
        ["a", "20"],
        ["a", "100"],
    ]


def test_runs_on_the_target_alone_face_every_source(group):
    """ST-net knows no source: under the target's own name it would be compared with nothing."""
    ours = group(seeds("x>a", [1.0, 2.0]) | seeds("y>a", [3.0, 3.0]) | seeds("x>b", [1.0]))
    judged = paired.paired_gains(ours, group(seeds("a", [2.0, 4.0])), ["rmse"])
    assert judged[["city", "n"]].values.tolist() == [["x>a", 2], ["y>a", 2]]
    assert judged["gain"].tolist() == pytest.approx([50, 0])


@pytest.mark.parametrize("epochs, n", [(0, 3), (1, 1)])
def test_what_is_not_trained_counts_for_every_seed(group, epochs, n):
    """A rule is run once; a network's one seed must not stand for the others."""
    ours, rule = group(seeds("a", [1.0, 2.0, 3.0])), group(seeds("a", [4.0]), epochs)
    assert paired.paired_gains(ours, rule, ["rmse"])["n"].tolist() == [n]
    assert paired.paired_gains(rule, ours, ["rmse"])["n"].tolist() == [n]


def test_a_rule_with_sources_counts_for_every_seed_of_the_target_alone(group):
    """Trees of pooled cities are run once: the network's other seeds face them as well."""
    alone = group(seeds("a", [1.0, 2.0, 3.0]))
    pooled = group(seeds("x+y>a", [4.0]) | seeds("x+y>b", [4.0]), epochs=0)
    trained = group(seeds("x+y>a", [4.0]))
    for sides in ((alone, pooled), (pooled, alone)):
        judged = paired.paired_gains(*sides, ["rmse"])
        assert judged[["city", "n"]].values.tolist() == [["x+y>a", 3]]
    for sides in ((alone, trained), (trained, alone)):
        assert paired.paired_gains(*sides, ["rmse"])["n"].tolist() == [1]


def test_parts_are_compared_like_the_whole(group):
    """Errors by kind of region; a part that no record has is left out."""
    ours, base = group(seeds("a", [1.0, 2.0])), group(seeds("a", [2.0, 4.0]))
    assert paired.errors(ours, "half_rmse").tolist() == [2.0, 4.0]
    judged = paired.paired_gains(ours, base, ["half_rmse", "kind_3_rmse"])
    assert judged[["metric", "gain"]].values.tolist() == [["half_rmse", 50.0]]


def days(errors) -> dict:
    """Sums by day of a record whose RMSE on each day is given."""
    return {
        "days": {f"2020-01-{d:02d}": {"all": [1, e, e**2]} for d, e in enumerate(errors, 10)}
    }


def test_two_rules_have_an_interval_over_days(group):
    """Nothing is trained, so the days are all that could have been others."""
    hard = np.linspace(1, 9, 12)
    rmse = (hard**2).mean() ** 0.5
    ours = group(seeds("a", [0.9 * rmse]), epochs=0, **days(0.9 * hard))
    rule = group(seeds("a", [rmse]), epochs=0, **days(hard))
    (row,) = paired.paired_gains(ours, rule, ["rmse"]).itertuples()
    assert (row.n, row.verdict, row.share_of_days) == (1, "confirmed", 1.0)
    assert (row.low, row.gain, row.high) == pytest.approx((9.15, 10, 10.85), abs=0.9)
    bare = group(seeds("a", [rmse]), epochs=0)
    (row,) = paired.paired_gains(ours, bare, ["rmse"]).itertuples()
    assert np.isnan(row.low) and (row.so_far, row.verdict) == ("", "open")


def test_a_gain_that_two_days_make_is_not_sure(group):
    """Three seeds agree, on one test set; twelve days do not."""
    theirs, ours = np.full(12, 2.0), np.full(12, 2.1)
    ours[:2] = 0.1
    values = [(ours**2).mean() ** 0.5 + s for s in (0, 0.001, -0.001)]
    sides = (
        group(seeds("a", values), **days(ours)),
        group(seeds("a", [2.0] * 3), **days(theirs)),
    )
    (row,) = paired.paired_gains(*sides, ["rmse"]).itertuples()
    assert row.low < 0 < row.gain and row.so_far == "open" and row.share_of_days > 0.99
    without = [group(seeds("a", v)) for v in (values, [2.0] * 3)]
    assert paired.paired_gains(*without, ["rmse"])["so_far"].tolist() == ["confirmed"]
