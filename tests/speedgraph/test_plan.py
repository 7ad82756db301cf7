"""What a profile asks of each target."""

import dataclasses
import re

import pytest

from stflow_lib.speedgraph import METHODS
from stflow_lib.speedgraph.plan import DETERMINISTIC, FEW_SHOT_ONLY, TARGET_ONLY, Plan


def test_protocol_of_a_target():
    """The lab asks for changes; the paper's sizes follow the bare protocol."""
    assert Plan.of("lab").protocol("la") == "P10-change1"
    assert Plan.of("lab").protocol("aarhus") == "P10-every24-change1"
    assert {Plan.of("paper").protocol(t) for t in ("la", "aarhus")} == {"P10"}


def test_lists_of_methods_are_names_of_methods():
    """A misspelt name would run a rule three times or give it a source."""
    assert set(TARGET_ONLY) | set(DETERMINISTIC) | set(FEW_SHOT_ONLY) <= set(METHODS)


@pytest.mark.parametrize(
    "method, city, days",
    [
        ("Graph ridge", "c", {"3"}),
        ("Trees", "c", {"3"}),
        ("Trees(pooled)", "a+b>c", {"3", "0"}),
        ("Trees(told)", "a+b>c", {"3"}),
        ("Boosted line", "a+b>c", {"3", "0"}),
    ],
)
def test_closed_forms_and_trees_run_once(method, city, days):
    """The same with every seed; alone on the target, or with its sources and without its days."""
    plan = Plan("lab", ["a+b>c"], [0, 1], [3, 0], {method: {}})
    runs = plan.runs([method], plan.cities, plan.fractions)
    assert {(run.city, run.seed) for run in runs} == {(city, 0)}
    assert {run.scarcity for run in runs} == days


NETWORKS = ("Target only", "Joint", "TSJT", "TSJT in Reptile", "Fine-tuned", "Zero-shot")


@pytest.mark.parametrize("profile", ["smoke", "bench"])
def test_every_way_to_learn_has_both_backbones(profile):
    """A way on one network only mixes the gain of a network with that of a way."""
    plan = Plan.of(profile)
    on = {"TSJT": ("TSJT(STGCN)", "TSJT(GWN)"),
          "TSJT in Reptile": ("TSJT in Reptile", "TSJT(GWN) in Reptile")}  # fmt: skip
    for name in NETWORKS:
        pair = [plan.settings(m) for m in on.get(name, (name, f"{name}(GWN)"))]
        one, two = (dataclasses.asdict(settings) for settings in pair)
        assert "variant" in one.pop("backbone") and "skip" in two.pop("backbone")
        assert one == two, name


def test_bench_has_every_method_and_one_rule_for_dropout():
    """None drops anything, as no rule says who should; all follow one protocol."""
    plan = Plan.of("bench")
    assert set(plan.methods) == set(METHODS)
    assert {plan.protocol(t).partition("-weekday1")[2] for t in plan.switches} == {
        "-blocks1-squares200-change1"
    }
    for method in plan.methods:
        dropped = [*dropouts(dataclasses.asdict(plan.settings(method)))]
        unused = "prompting" if method.startswith("Target only") else ""
        assert not any(value for path, value in dropped if unused not in path or not unused)


def dropouts(settings, path=""):
    """(path, value) of every dropout, at any depth."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from dropouts(value, f"{path}.{name}")
        elif name == "dropout":
            yield path, value


def test_scored_windows_of_bench_meet_every_hour():
    """Windows a divisor of a day apart begin at the same hours every day; each has an hour."""
    for target, words in Plan.of("bench").switches.items():
        every = int((re.findall(r"every(\d+)", words) or [1])[0])
        hours = {(3 * 144 + 12 + n * every + k) // 6 % 24 for n in range(288) for k in range(6)}
        assert hours == set(range(24)), target
