"""What a profile runs here: protocols by the target, methods by what they need."""

import pytest

from stflow_lib.gridflow import METHODS, PROTOCOLS
from stflow_lib.gridflow.baselines import rules
from stflow_lib.gridflow.plan import (
    DETERMINISTIC,
    FEW_SHOT_ONLY,
    PROTOCOL_OF,
    RULES,
    TARGET_ONLY,
    Plan,
)

PAIRS = ["jonas-nyc-taxi>jonas-dc-taxi", "sim-grid-a>sim-grid-c"]
PLAN = Plan("lab", PAIRS, [0, 1], [3, 0], {name: {} for name in METHODS if name != "MAML"})


def test_lists_of_methods_are_names_of_methods():
    """A misspelt name would run a rule five times or give it a source."""
    assert set(TARGET_ONLY) | set(DETERMINISTIC) | set(FEW_SHOT_ONLY) <= set(METHODS)
    assert RULES == tuple(rule.name for rule in rules.RULES)


def test_methods_without_a_size_take_no_part():
    """A method that a profile does not name must not run at its full size."""
    assert not PLAN.runs(["MAML"], PAIRS, [3])
    assert PLAN.runs(["Finetuned"], PAIRS, [3])


def test_each_kind_of_target_has_a_protocol_that_exists():
    """A word that is no protocol would fail only when the run is due, hours later."""
    assert set(PROTOCOL_OF.values()) <= set(PROTOCOLS)
    assert Plan.protocol("jonas-dc-taxi") == "P90" and Plan.protocol("taxi-sf-trips") == "P24"


@pytest.mark.parametrize(
    "method, cities, days, seeds",
    [
        ("Previous hour", {"jonas-dc-taxi", "sim-grid-c"}, {"3"}, {0}),
        ("ARIMA", {"jonas-dc-taxi", "sim-grid-c"}, {"3"}, {0}),
        ("PDFormer", {"jonas-dc-taxi", "sim-grid-c"}, {"3"}, {0, 1}),
        ("CrossTReS", set(PAIRS), {"3"}, {0, 1}),
        ("Linear", set(PAIRS), {"3", "0"}, {0}),
        ("Trees", {"jonas-dc-taxi", "sim-grid-c"}, {"3"}, {0}),
        ("Trees(pooled)", set(PAIRS), {"3", "0"}, {0}),
        ("STBaT", set(PAIRS), {"3", "0"}, {0, 1}),
    ],
)
def test_who_runs_where_and_how_often(method, cities, days, seeds):
    """By what transfers, what needs days and what is the same with every seed."""
    runs = PLAN.runs([method], PAIRS, PLAN.fractions)
    assert {r.city for r in runs} == cities and {r.seed for r in runs} == seeds
    assert {r.scarcity for r in runs} == days
    assert len(runs) == len(cities) * len(days) * len(seeds) == len({r.key for r in runs})


def test_validation_at_bench_sees_every_hour_of_the_day():
    """Every sixth label would see hours 0, 6, 12 and 18 only, and choose epochs by them."""
    plan = Plan.of("bench")
    for name in plan.methods:
        settings = plan.settings(name)
        for stage in ("source", "target", "align", "training"):
            schedule = getattr(settings, stage, None)
            if schedule is not None:
                assert len({step % 24 for step in range(0, 720, schedule.valid_every)}) == 24, (
                    name
                )
