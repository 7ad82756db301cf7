"""Which runs the tables ask for: the paper's methods, equal settings once, nothing unknown."""

import pytest

from stflow_lib import finegrained
from stflow_lib.finegrained import tables
from stflow_lib.finegrained.plan import ORIGINALS, Plan, factor_of
from stflow_lib.runs import merged, profiles
from stflow_lib.runs.patience import PATIENT, twice
from stflow_lib.verdicts import claims


def keys(runs):
    return {run.key for run in runs}


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


def test_the_bench_has_every_method_of_the_paper_on_every_city():
    """A method without a size is left out of a table without a word."""
    plan, ours = Plan.of("bench"), {"ShareNet", "MultinomialNet", "Trees"}
    extra = {name + "+E" for name in ("UrbanFM", "UrbanPy", "FODE", "UrbanSTC")}
    assert all(map(plan.has, {*tables.PAPER, *ours, *extra, "end-to-end"}))
    for table, cities in (("table3", {"taxi-sf-64"}), ("table11", {"bikenyc-p6", "nyc-2016"})):
        found = {(r.city, r.method) for r in tables.table_runs(table, "bench")}
        methods = set(tables.PAPER) - ({"DeepSD"} if table == "table11" else set())
        assert {f for f in found if f[0] in plan.cities} == {
            (c, m) for c in cities for m in methods
        }
    small = [r for r in tables.table_runs("table11", "bench") if r.city == "nyc-2016"]
    assert {r.seed for r in small if r.method == "UrbanSTC"} == set(range(5))


def test_rows_of_a_table_differ(lab):
    """Two labels for one run would show the same number as two results."""
    for name, table in tables.LABELLED.items():
        runs = [run for row in table(lab).values() for run in row]
        assert len(keys(runs)) == len(runs), name
        assert [run.key for run in tables.TABLES[name](lab)] == [run.key for run in runs]


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_every_run_of_the_book_has_a_method_and_a_size(profile):
    """The command line would stop at the first run that nobody can build."""
    plan = Plan.of(profile)
    for name, table in tables.TABLES.items():
        for run in table(profile):
            assert run.method in finegrained.METHODS and plan.settings(run.method) is not None
            assert run.city in (*plan.cities, *ORIGINALS.values()), name
            assert run.protocol == f"x{factor_of(run.city)}" and run.profile == profile


def test_twice_the_patience_is_all_that_differs():
    """Of every stage, also of the pretexts; seed by seed."""
    rows = tables.TABLES["patience"].rows("bench")
    for plain, patient in zip(rows["UrbanSTC"], rows[PATIENT.format("UrbanSTC")], strict=True):
        assert (plain.city, plain.scarcity, plain.seed) == (
            patient.city, patient.scarcity, patient.seed,
        )  # fmt: skip
        assert patient.settings == merged(plain.settings, twice(plain.settings))
        waits = [patient.settings[name]["training"] for name in ("regional", "temporal")]
        assert {one["plateau"] for one in (*waits, patient.settings["training"])} == {20}
