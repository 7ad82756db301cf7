"""profiles.yaml: every mistake is an error that names the place, and the book's own file holds."""

import dataclasses
import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

from stflow_lib.runs import build_settings, profiles
from stflow_lib.training.loop import Training

spec = importlib.util.spec_from_file_location(
    "toy_wing", Path(__file__).with_name("toy_wing.py")
)
toy = importlib.util.module_from_spec(spec)
sys.modules["toy_wing"] = toy
spec.loader.exec_module(toy)

GOOD = """
notebooks:
  data/01_cities:
    smoke: {minutes: 1, parameters: {days: 3}}
tables:
  toy:
    lab:
      cities: [sim-fine]
      seeds: [0, 1]
      fractions: [20, 100]
      methods: {NOISE: {offset: 1, plan: {epochs: 5}}}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that puts a text in the place of profiles.yaml."""
    toy.register()
    path = tmp_path / "profiles.yaml"
    monkeypatch.setattr(profiles, "FILE", path)
    profiles.read.cache_clear()
    yield path.write_text
    profiles.read.cache_clear()


def test_what_is_written_is_read(write):
    write(GOOD)
    assert profiles.notebooks() == ["data/01_cities"] and profiles.wings() == ["toy"]
    assert profiles.notebook("data/01_cities", "smoke") == {
        "minutes": 1,
        "parameters": {"days": 3},
    }
    table = profiles.table("toy", "lab")
    assert table["fractions"] == [20, 100]
    assert table["methods"] == {"NOISE": {"offset": 1, "plan": {"epochs": 5}}}


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("tables:", "table:", ["profiles.yaml", "'table'"]),
        ("smoke:", "smok:", ["notebooks.data/01_cities", "'smok'"]),
        ("minutes: 1", "minute: 1", ["notebooks.data/01_cities.smoke", "'minute'"]),
        ("minutes: 1, ", "", ["notebooks.data/01_cities.smoke", "'minutes' is missing"]),
        ("minutes: 1", "minutes: 0", ["notebooks.data/01_cities.smoke.minutes", "0"]),
        ("{days: 3}", "[3]", ["notebooks.data/01_cities.smoke.parameters", "[3]"]),
        ("seeds:", "seed:", ["tables.toy.lab", "'seed'"]),
        ("[0, 1]", "3", ["tables.toy.lab.seeds", "3"]),
        ("seeds:", "switches: P10\n      seeds:", ["tables.toy.lab.switches", "'P10'"]),
        ("[0, 1]", "[]", ["tables.toy.lab.seeds", "[]"]),
        ("[0, 1]", "[0, 0]", ["line 9: tables.toy.lab.seeds", "0 stands twice"]),
        ("[0, 1]", "[0, -1]", ["line 9: tables.toy.lab.seeds", "-1"]),
        ("[0, 1]", "[0, 1.5]", ["line 9: tables.toy.lab.seeds", "1.5"]),
        ("[0, 1]", "[true]", ["line 9: tables.toy.lab.seeds", "True"]),
        ("[0, 1]", "['0']", ["line 9: tables.toy.lab.seeds", "'0'"]),
        ("[20, 100]", "[900 %]", ["line 10: tables.toy.lab.fractions", "'900 %'"]),
        ("[20, 100]", "[-20]", ["line 10: tables.toy.lab.fractions", "-20"]),
        ("[20, 100]", "[.nan]", ["line 10: tables.toy.lab.fractions", "nan"]),
        ("[20, 100]", "[[20]]", ["line 10: tables.toy.lab.fractions", "[20]"]),
        ("[sim-fine]", "[7]", ["line 8: tables.toy.lab.cities", "7"]),
        ("minutes: 1", "minutes: .nan", ["line 4", "smoke.minutes", "nan"]),
        ("minutes: 1", "minutes: true", ["line 4", "smoke.minutes", "True"]),
        ("seeds:", "seeds: [7]\n      seeds:", ["line 10: tables.toy.lab.seeds", "twice"]),
        ("offset: 1,", "offset: 1, offset: 2,", ["line 11", "NOISE.offset", "twice"]),
        ("notebooks:", "tables: {}\nnotebooks:", ["profiles.yaml", "tables: 'tables' stands"]),
        ("tables:", "tables: [", ["profiles.yaml: while parsing", "line "]),
        (GOOD, "", ["profiles.yaml", "no mapping"]),
        (GOOD, "notebooks:\ntables:\n", ["line 1: notebooks", "no mapping"]),
        (
            "{NOISE: {offset: 1, plan: {epochs: 5}}}",
            "{NOISE: }",
            ["tables.toy.lab.methods.NOISE"],
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(write, old, new, words):
    """A misspelt profile or budget that is skipped leaves a page at its default size, unseen."""
    assert old in GOOD
    write(GOOD.replace(old, new))
    with pytest.raises(profiles.ProfileError) as error:
        profiles.notebooks()
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("offset", "ofset", ["tables.toy.lab.methods", "NOISE", "'ofset'", "offset"]),
        ("NOISE", "NOIZE", ["tables.toy.lab.methods", "'NOIZE'", "NOISE, BROKEN"]),
        ("epochs: 5", "rate: 1e-3", ["line 11: ", "NOISE.plan.rate", "1.0e-3"]),
        ("epochs: 5", "epochs: 0", ["line 11: ", "NOISE.plan.epochs", "0"]),
        ("epochs: 5", "epochs: -5", ["line 11: ", "NOISE.plan.epochs", "-5"]),
        ("sim-fine", "sim-fime", ["line 8: tables.toy.lab.cities", "'sim-fime'"]),
        ("sim-fine", "'>sim-fine'", ["line 8: tables.toy.lab.cities", "want SOURCE>TARGET"]),
    ],
)
def test_an_override_that_does_not_fit_its_method_is_named(write, old, new, words):
    write(GOOD.replace(old, new))
    with pytest.raises(profiles.ProfileError) as error:
        profiles.table("toy", "lab")
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda: profiles.notebook("data/01_cities", "lab"),
            "data/01_cities: nothing for profile 'lab'",
        ),
        (
            lambda: profiles.notebook("data/09", "smoke"),
            "no 'data/09', there are data/01_cities",
        ),
        (lambda: profiles.table("toy", "big"), "profile 'big': want smoke, lab, bench, paper"),
    ],
)
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(write, call, words):
    write(GOOD)
    with pytest.raises(profiles.ProfileError, match=words):
        call()


def test_a_merged_mapping_may_be_overridden(write):
    """`<<` gives defaults; what stands beside it is no name that stands twice."""
    methods = (
        "{NOISE: &a {offset: 1}, NAN: &b {<<: *a, offset: 2}, BROKEN: {<<: *b, offset: 3}}"
    )
    write(GOOD.replace("{NOISE: {offset: 1, plan: {epochs: 5}}}", methods))
    methods = profiles.table("toy", "lab")["methods"]
    assert [methods[m]["offset"] for m in ("NOISE", "NAN", "BROKEN")] == [1, 2, 3]


def test_the_books_profiles_hold():
    """Every override in the committed file fits its method; smoke never needs real data."""
    profiles.read.cache_clear()
    for wing in profiles.wings():
        methods = importlib.import_module(f"stflow_lib.{wing}").METHODS
        for size in profiles.PROFILES:
            table = profiles.table(wing, size)
            for name, overrides in table["methods"].items():
                assert dataclasses.is_dataclass(build_settings(methods[name], overrides))
        assert all(c.startswith("sim-") for c in profiles.table(wing, "smoke")["cities"])
    for page in profiles.notebooks():
        assert [profiles.notebook(page, size)["minutes"] > 0 for size in profiles.PAGES]
        assert profiles.notebook(page, "smoke")["minutes"] <= 1


def stages(settings):
    """Every training inside a method's settings."""
    if isinstance(settings, Training):
        yield settings
    elif dataclasses.is_dataclass(settings):
        for part in dataclasses.fields(settings):
            yield from stages(getattr(settings, part.name))


@pytest.mark.parametrize("wing", ["finegrained", "gridflow", "speedgraph"])
def test_bench_has_one_rule_for_every_stage(wing):
    """A stage with another patience or cap would be judged by its schedule, not by its idea."""
    methods = importlib.import_module(f"stflow_lib.{wing}").METHODS
    for name, overrides in profiles.table(wing, "bench")["methods"].items():
        for stage in stages(build_settings(methods[name], overrides)):
            rule = (stage.epochs, stage.epoch_steps, stage.plateau, stage.minutes)
            assert rule == (400, 50, 10, 60), name  # at most 20,000 steps; 500 without a gain
            assert (stage.patience, stage.halve_every, stage.precision) == (0, 0, "float32"), (
                name
            )


def test_settings_at_a_profile_are_the_methods_own_where_it_has_no_size():
    from stflow_lib.gridflow import METHODS

    sized = profiles.settings_of("gridflow", "smoke", METHODS["Finetuned"])
    assert sized.backbone.channels == 2
    changed = profiles.settings_of(
        "gridflow", "smoke", METHODS["Finetuned"], {"backbone": {"channels": 3}}
    )
    assert changed.backbone.channels == 3 and changed.backbone.hidden == sized.backbone.hidden
    absent = next(m for name, m in METHODS.items()
                  if name not in profiles.table("gridflow", "smoke")["methods"])  # fmt: skip
    assert profiles.settings_of("gridflow", "smoke", absent) == absent.settings()
