"""Which runs the tables ask for: rows as printed, equal settings trained once, nothing unknown."""

from types import SimpleNamespace

import pytest

from stflow_lib import finegrained
from stflow_lib.data.catalog import index as registry
from stflow_lib.finegrained import plan as plans
from stflow_lib.finegrained import tables
from stflow_lib.finegrained.plan import Plan
from stflow_lib.runs import profiles
from stflow_lib.verdicts import claims

SCHEDULE = {"training": {"epochs": 3}}
SIZE = {
    "cities": ["taxi-sf-64", "bikenyc-p6"],
    "seeds": [0, 1, 2],
    "fractions": [20, 100],
    "methods": {name: {} for name in tables.PAPER}
    | {
        "UrbanSTC": {
            "channels": 16,
            "activation": "shifted",
            "freeze_epochs": 1,
            "regional": {**SCHEDULE, "threshold": 1e-4},
            "inference": SCHEDULE,
        },
        "UrbanFM": SCHEDULE,
        "ShareNet": {"channels": 8, **SCHEDULE},
    },
}
VARIED = [
    "UrbanFM+E", "UrbanPy+E", "FODE+E", "UrbanSTC+E", "UrbanSTC+log", "UrbanSTC+DM", "ShareNet",
    "end-to-end",
]  # fmt: skip


@pytest.fixture
def lab(monkeypatch) -> str:
    """The lab profile as above; a method that is not there yet takes UrbanSTC's settings."""
    stand_in = finegrained.METHODS["UrbanSTC"]
    for name in {*tables.PAPER, *VARIED} - set(finegrained.METHODS):
        monkeypatch.setitem(finegrained.METHODS, name, stand_in)
    monkeypatch.setattr(profiles, "table", lambda wing, profile: SIZE)
    absent = SimpleNamespace(files=lambda: None)
    monkeypatch.setattr(registry, "entries", lambda: dict.fromkeys(registry_names(), absent))
    return "lab"


def registry_names():
    return [*plans.ORIGINALS.values(), *SIZE["cities"]]


def keys(runs):
    return {run.key for run in runs}


def places(runs):
    return {(run.city, run.scarcity, run.seed) for run in runs}


@pytest.mark.parametrize("table", ["7", "8", "9"])
def test_rows_are_the_printed_ones(lab, table):
    """A label that differs from the printed table's would stand beside no number."""
    printed = set(claims.reported("urbanstc", table)["method"])
    ours = set(tables.LABELLED[f"table{table}"](lab))
    assert printed <= ours
    own = {"7": {"random encoders"}, "8": {f"end_to_end, weights {w}" for w in ("0.1", "0.01")}}
    assert ours - printed == own.get(table, {"UrbanFM", "UrbanPy", "FODE"})


@pytest.mark.parametrize("table, without", [("table3", set()), ("table11", {"DeepSD"})])
def test_tables_have_the_papers_methods_and_no_others(lab, table, without):
    """A variant or a network of ours inside Table 3 would pass for the paper's."""
    methods = {run.method for run in tables.table_runs(table, lab)}
    assert methods == set(claims.reported("urbanstc", table[5:])["method"])
    assert methods == set(tables.PAPER) - without


def test_runs_with_equal_settings_are_one_run(lab):
    """Naming a default in the settings would train the same network a second time."""
    tabled = {c: keys(r for r in tables.table_runs(t, lab) if r.city == c and r.seed == 0)
              for t, c in (("table3", "taxi-sf-64"), ("table11", "bikenyc-p6"))}  # fmt: skip
    rows = {name: table(lab) for name, table in tables.LABELLED.items()}
    for name, label in (
        ("table7", "reg+inf+tcs"), ("figure7a", "1.0e-04"), ("figure8", "16"),
        ("constraint", "VDSR, m2"), ("variants", "as in the tables"), ("table9", "FODE"),
    ):  # fmt: skip
        first = [run for run in rows[name][label] if run.seed == 0]
        assert first and keys(first) <= tabled["taxi-sf-64"], (name, label)
    both_ends = [r for r in rows["figure6"]["weight"] if r.scarcity in ("20", "100")]
    assert keys(both_ends) <= keys(tables.table_runs("table3", lab))
    assert keys(rows["figure6"]["hard"]) & keys(rows["variants"]["hard triplets"])
    assert keys(rows["table9"]["UrbanSTC+E"]) < keys(rows["table8"]["two_stage"])
    wanted = keys(r for r in rows["beyond"]["UrbanSTC"] if r.seed < 3)
    own = [*tables.table_runs("table3", lab), *tables.table_runs("table11", lab)]
    assert wanted == keys(run for run in own if run.method == "UrbanSTC")


def test_rows_of_a_table_differ(lab):
    """Two labels for one run would show the same number as two results."""
    for name, table in tables.LABELLED.items():
        runs = [run for row in table(lab).values() for run in row]
        assert len(keys(runs)) == len(runs), name
        assert [run.key for run in tables.TABLES[name](lab)] == [run.key for run in runs]


def test_each_ablation_has_the_documented_places(lab):
    """A page that promises an interval needs the seeds; a sweep must not cost three times."""
    taxi, bike = SIZE["cities"]
    seeds, ends = (0, 1, 2), ("20", "100")
    rows = {name: table(lab) for name, table in tables.LABELLED.items()}
    assert places(rows["table7"]["inf+tcs"]) == {(taxi, "100", s) for s in seeds}
    for label in ("reg+inf+tcs", "random encoders"):
        assert places(rows["table7"][label]) == {(taxi, f, s) for f in ends for s in seeds}
    assert places(rows["table8"]["end_to_end"]) == {
        (c, "100", s) for c in (taxi, bike) for s in seeds
    }
    assert places(rows["table8"]["end_to_end, weights 0.1"]) == {(taxi, "100", 0)}
    assert places(rows["table9"]["UrbanPy+E"]) == {(taxi, "100", s) for s in seeds}
    assert places(rows["budget"]["UrbanSTC, 4 x"]) == {(taxi, "20", s) for s in seeds}
    amounts = [str(f) for f in (20, 40, 60, 80, 100)]
    assert places(rows["figure6"]["hard"]) == {(taxi, f, s) for f in amounts for s in seeds}
    assert places(rows["figure7b"]["5.0e-05"]) == {(bike, "100", 0)}
    assert list(rows["figure8"]) == ["8", "16", "32"]
    assert places(rows["beyond"]["ShareNet"]) == {
        (c, f, s) for c in (taxi, bike) for f in ends for s in range(5)
    }
    assert {run.seed for run in tables.table_runs("table3", lab) if run.method == "HA"} == {0}


def test_subsets_and_sweeps_change_what_they_name(lab):
    """A misspelt or reordered setting would train something else under the label."""
    rows = {name: table(lab) for name, table in tables.LABELLED.items()}
    settings = rows["table7"]["reg+tcs"][0].settings
    assert settings == {**SIZE["methods"]["UrbanSTC"], "encoders": ["tcs", "reg"]}
    regional = rows["figure7b"]["7.0e-05"][0].settings["regional"]
    assert regional == {**SCHEDULE, "threshold": 7e-5}
    assert rows["constraint"]["SRCNN, none"][0].settings == {"constraint": "none"}
    assert rows["beyond"]["ShareNet"][0].settings == {"channels": 8, **SCHEDULE}
    longer = rows["budget"]["UrbanSTC, 4 x"][0].settings
    assert longer["regional"]["training"]["epochs"] == 4 * SCHEDULE["training"]["epochs"]
    assert rows["budget"]["random encoders, 4 x"][0].settings == longer | {"pretrain": False}


def test_trained_at_once_a_pretext_has_no_schedule(lab):
    """The pretexts' epochs in its settings would make it a new run whenever they change."""
    rows = tables.LABELLED["table8"](lab)["end_to_end"]
    own = {"channels": 16, "activation": "shifted", "regional": {"threshold": 1e-4}}
    assert [run.settings for run in rows if run.seed == 0] == [own | {"external": True}, own]


def test_the_papers_sets_take_part_where_they_are(lab, monkeypatch):
    """As printed: taxis with external factors in Table 8, bicycles without, P1 to P4 apart."""
    here = SimpleNamespace(files=list)
    monkeypatch.setattr(registry, "entries", lambda: dict.fromkeys(registry_names(), here))
    rows = tables.LABELLED["table8"](lab)["two_stage"]
    methods = {run.city: run.method for run in rows}
    assert methods == {f"taxibj-p{n}": "UrbanSTC+E" for n in (1, 2, 3, 4)} | {
        "taxi-sf-64": "UrbanSTC+E", "bikenyc-2019": "UrbanSTC", "bikenyc-p6": "UrbanSTC",
    }  # fmt: skip
    assert Plan.of("smoke").originals("table3") == []


def test_a_method_without_a_size_is_left_out_or_named(lab, monkeypatch):
    """A profile may leave methods out; asking for one must say which name is missing."""
    less = {**SIZE, "methods": {"MEAN": {}, "UrbanSTC": {}}}
    monkeypatch.setattr(profiles, "table", lambda wing, profile: less)
    assert {run.method for run in tables.table_runs("table3", lab)} == {"MEAN", "UrbanSTC"}
    assert set(tables.LABELLED["table9"](lab)) == {"UrbanSTC", "UrbanSTC+E"}
    with pytest.raises(ValueError, match="neither FODE.E nor FODE in its methods"):
        Plan.of(lab).settings("FODE+E")


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_every_run_of_the_book_has_a_method_and_a_size(profile):
    """The command line would stop at the first run that nobody can build."""
    plan = Plan.of(profile)
    for name, table in tables.TABLES.items():
        for run in table(profile):
            assert run.method in finegrained.METHODS and plan.settings(run.method) is not None
            assert run.city in (*plan.cities, *plans.ORIGINALS.values()), name
            assert run.protocol == f"x{plans.factor_of(run.city)}" and run.profile == profile
