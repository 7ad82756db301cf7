"""What a profile runs here: protocols by the target, methods by what they need."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from stflow_lib.gridflow import METHODS, PROTOCOLS, make_task
from stflow_lib.gridflow.baselines import rules
from stflow_lib.gridflow.plan import (
    DETERMINISTIC,
    FEW_SHOT_ONLY,
    PROTOCOL_OF,
    RULES,
    TARGET_ONLY,
    Plan,
)
from stflow_lib.gridflow.problem.protocol import by_sixths, protocol_of
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.runs.pair import target_of

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
    assert PLAN.protocol("jonas-dc-taxi") == "P90" and PLAN.protocol("taxi-sf-trips") == "P24"
    other = replace(PLAN, switches={"jonas": "-maximum"})
    assert other.protocol("jonas-dc-taxi") == "P90-maximum" and other.protocol("sim-a") == "P60"


def test_without_a_day_regiontrans_runs_as_finetuned():
    """Nothing to match with: a training of its own would only be a second name for one."""
    own = PLAN.runs(["RegionTrans"], PAIRS, [3, 0])
    assert {(r.method, r.scarcity) for r in own} == {("RegionTrans", "3"), ("Finetuned", "0")}
    keys = {r.key for r in PLAN.runs(["Finetuned"], PAIRS, [0])}
    assert {r.key for r in own if r.scarcity == "0"} == keys
    both = PLAN.runs(["Finetuned", "RegionTrans"], PAIRS, [0])
    assert [r.key for r in both] == [r.key for r in PLAN.runs(["Finetuned"], PAIRS, [0])]
    lacking = replace(PLAN, methods={"Finetuned": {}})
    assert not lacking.runs(["RegionTrans"], PAIRS, [0])


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
        ("Boosted line", set(PAIRS), {"3", "0"}, {0}),
        ("Ensemble", set(PAIRS), {"3", "0"}, {0, 1}),
        ("STBaT", set(PAIRS), {"3", "0"}, {0, 1}),
    ],
)
def test_who_runs_where_and_how_often(method, cities, days, seeds):
    """By what transfers, what needs days and what is the same with every seed."""
    runs = PLAN.runs([method], PAIRS, PLAN.fractions)
    assert {r.city for r in runs} == cities and {r.seed for r in runs} == seeds
    assert {r.scarcity for r in runs} == days
    assert len(runs) == len(cities) * len(days) * len(seeds) == len({r.key for r in runs})


STAGES = ("source", "target", "align", "training")


@pytest.mark.parametrize("name", [name for name in METHODS if name not in DETERMINISTIC])
def test_validation_at_bench_sees_every_hour_of_the_day(name, make_grid, monkeypatch):
    """Every sixth label would see hours 0, 6, 12 and 18 only, and choose epochs by them.

    Of every stage that a method trains, in a month with five days of validation.
    """
    seen = []
    pick = Schedule.validation
    monkeypatch.setattr(
        Schedule, "validation", lambda s, v: seen.append(pick(s, v)) or seen[-1]
    )
    task = make_task(make_grid("c", 720), [make_grid("a", 720, seed=2)], by_sixths(30))
    METHODS[name].fit(task.only(0), brief(Plan.of("bench").settings(name)), 0, None)
    hours = {frozenset((labels % 24).tolist()) for labels in seen}
    assert hours == {frozenset(range(24))} and seen


def brief(settings):
    """The same stages, one step each."""
    if hasattr(settings, "network"):
        return replace(settings, network=brief(settings.network))
    stages = {n: getattr(settings, n) for n in STAGES if hasattr(settings, n)}
    one = dict(epochs=1, epoch_steps=1, batch=4, plateau=0)
    found = replace(settings, **{n: replace(s, **one) for n, s in stages.items()})
    chosen = getattr(found, "selection", None)
    return replace(found, selection=replace(chosen, first=1)) if chosen else found


def test_validation_at_bench_is_long_enough_for_its_stride():
    """Every fifth of 96 labels would leave four hours of the day out."""
    plan = Plan.of("bench")
    for pair in plan.cities:
        cut = protocol_of(plan.protocol(target_of(pair)))
        parts = cut.test - cut.valid, cut.source_steps - cut.source_valid
        for name in plan.methods:
            stages = [getattr(plan.settings(name), stage, None) for stage in STAGES]
            for stage, steps in product(filter(None, stages), parts):
                assert len({int(t) % 24 for t in stage.validation(torch.arange(steps))}) == 24


def test_networks_at_bench_have_one_rule_one_unit_and_the_last_value():
    """What page 03 says of them: the same steps, stops and scale for all."""
    plan = Plan.of("bench")
    of = {name: plan.settings(name) for name in plan.methods if name not in DETERMINISTIC}
    assert of.pop("Ensemble").network == of["MLP"]
    targets = {n: getattr(s, "target", None) or s.training for n, s in of.items()}
    rule = {(t.epochs, t.epoch_steps, t.plateau, t.minutes, t.valid_every, t.keep_start)
            for t in [*targets.values(), of["ST-DAAN"].align]}  # fmt: skip
    assert len(rule) == 1
    unit = of["Finetuned"].backbone.unit
    assert of["MLP"].unit == unit and of["MLP"].last_value and of["PDFormer"].last_value
    assert all(s.backbone.last_value for n, s in of.items() if n not in ("MLP", "PDFormer"))
    assert {of[n].source for n in of if hasattr(of[n], "source")} == {of["STBaT"].source}
    pdformer, others = of["PDFormer"].training, of["STBaT"].target
    assert (pdformer.batch, others.batch, pdformer.weight_decay) == (16, 32, 0)
    assert pdformer.clip != others.clip and pdformer.learning_rate != others.learning_rate


@pytest.mark.parametrize("profile", ["lab", "bench"])
def test_of_networks_on_windows_the_mlp_alone_is_told_the_hour(profile):
    """Page 03 said that it is not; PDFormer learns rows for the time, the others are told none."""
    plan = Plan.of(profile)
    told = {n for n in plan.methods if getattr(plan.settings(n), "clock", False)}
    assert told == {"MLP"}


def test_lab_stays_what_it_is():
    """Its records were made by these: each mended definition has its old value there."""
    plan = Plan.of("lab")
    assert {plan.protocol(target_of(p)) for p in plan.cities} == {"P90-maximum"}
    of = {name: plan.settings(name) for name in plan.methods if name not in DETERMINISTIC}
    for name, s in of.items():
        assert not any(getattr(s, stage).keep_start for stage in STAGES if hasattr(s, stage)), (
            name
        )
    assert not any(of[n].meta.validate_adapted for n in ("MAML", "MetaST"))
    assert (
        of["MLP"].unit == 1 and of["ST-DAAN"].error == "mse" and not of["PDFormer"].last_value
    )
    assert of["RegionTrans"].strength == 1e-3
    assert (of["CrossTReS"].selection.first, of["CrossTReS"].selection.least) == (0, 0.0)
