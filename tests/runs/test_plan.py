"""What a profile runs in a wing: which combinations, under which names, with which settings."""

from dataclasses import dataclass

import pytest

from stflow_lib.runs import plan, profiles

SIZE = {
    "cities": ["a+b>c", "b>d"],
    "seeds": [0, 1],
    "fractions": [3, 0],
    "methods": {"NOISE": {"plan": {"epochs": 2}}, "NAN": {}, "COLLAPSES": {"offset": 1.0}},
}


@dataclass(frozen=True)
class ToyPlan(plan.TransferPlan):
    WING = "toy"
    TARGET_ONLY, FEW_SHOT_ONLY, DETERMINISTIC = ("NAN",), ("NAN",), ("COLLAPSES",)

    def protocol(self, city):
        return f"x{city}"


@pytest.fixture
def toy_plan(wing, monkeypatch):
    monkeypatch.setattr(profiles, "table", lambda wing, profile: SIZE)
    return ToyPlan.of("lab")


def places(runs):
    return [(run.method, run.city, run.protocol, run.scarcity, run.seed) for run in runs]


def test_a_target_alone_where_nothing_is_transferred(toy_plan):
    """Run for each pair, the same training would have as many names as there are sources."""
    assert places(toy_plan.runs(["NOISE", "NAN"], ["a+b>c"], [3], [5])) == [
        ("NOISE", "a+b>c", "xc", "3", 5), ("NAN", "c", "xc", "3", 5),
    ]  # fmt: skip


def test_zero_days_leave_out_who_needs_one(toy_plan):
    runs = toy_plan.runs(["NOISE", "NAN"], ["b>d"], toy_plan.fractions)
    assert [run.method for run in runs] == ["NOISE", "NOISE", "NAN", "NAN", "NOISE", "NOISE"]
    assert [run.scarcity for run in runs] == ["3"] * 4 + ["0"] * 2
    assert toy_plan.few == [3]


def test_once_where_no_seed_matters_and_never_without_a_size(toy_plan):
    runs = toy_plan.runs(["COLLAPSES", "BROKEN"], SIZE["cities"], [3])
    assert [(run.method, run.seed) for run in runs] == [("COLLAPSES", 0)] * 2


def test_any_iterable_will_do(toy_plan):
    """A generator read once per city would leave the later cities without runs."""
    lists = (["NOISE"], SIZE["cities"], [3, 0], [0, 1])
    once = toy_plan.runs(*(iter(values) for values in lists))
    assert once == toy_plan.runs(*lists) and len(once) == 8


def test_a_change_without_effect_is_the_same_run(toy_plan):
    """Else the same training would be done twice under two keys."""
    (plain,) = toy_plan.runs(["NOISE"], ["b>d"], [3], [0])
    (same,) = toy_plan.runs(["NOISE"], ["b>d"], [3], [0], {"offset": 0.0})
    (other,) = toy_plan.runs(["NOISE"], ["b>d"], [3], [0], {"plan": {"rate": 0.5}})
    assert same.key == plain.key != other.key
    assert other.settings == {"plan": {"epochs": 2, "rate": 0.5}}
    assert plain.settings == SIZE["methods"]["NOISE"]


def test_a_switch_stands_behind_the_protocol(toy_plan):
    (run,) = toy_plan.runs(["NOISE"], ["b>d"], [3], [0], switch="-odd")
    assert (run.wing, run.protocol, run.profile) == ("toy", "xd-odd", "lab")


def test_settings_are_the_profiles_with_changes(toy_plan):
    settings = toy_plan.settings("NOISE", {"plan": {"rate": 0.5}, "offset": 2})
    assert (settings.plan.epochs, settings.plan.rate, settings.offset) == (2, 0.5, 2.0)
    assert toy_plan.settings("NOISE").plan.epochs == 2
    assert toy_plan.entry("NOISE").name == "NOISE"


def test_a_wing_without_pairs_names_its_cities(wing):
    """The base says nothing about targets; a wing must say how it cuts a city."""
    base = plan.Plan("lab", ["a"], [0], [100], {})
    assert base.place("NOISE", "a") == "a" and base.applies("NOISE", 0)
    with pytest.raises(NotImplementedError):
        base.protocol("a")


def test_more_data_than_there_are_is_refused(toy_plan, monkeypatch):
    """900 per cent of the training part trained on all of it, under the name 900."""
    monkeypatch.setattr(ToyPlan, "MOST", 3)
    assert ToyPlan.of("lab").fractions == [3, 0]
    monkeypatch.setitem(SIZE, "fractions", [3, 900])
    with pytest.raises(profiles.ProfileError, match="tables.toy.lab.fractions: 900"):
        ToyPlan.of("lab")
