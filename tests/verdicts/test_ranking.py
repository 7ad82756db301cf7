"""Who is best where: the lowest mean, within one profile, without failed and capped runs."""

import pytest

from stflow_lib import runs
from stflow_lib.finegrained import TABLES
from stflow_lib.runs import store
from stflow_lib.runs.publish import published, write_files
from stflow_lib.verdicts import ranking
from stflow_lib.verdicts.evidence import Evidence, collect
from stflow_lib.verdicts.statistics import CONFIRMED, OPEN

DAYS = {f"2026-01-{day:02d}": {"all": [10, 10.0, 10.0 + day]} for day in range(1, 13)}


@pytest.fixture
def evidence():
    return Evidence()


@pytest.fixture
def put(evidence):
    """put(method, [errors by seed]): records of a city; None is a failed run."""

    def record(
        method, errors, city="x>y", profile="lab", amount="3", epochs=1, converged=True, **more
    ):
        evidence.cities.setdefault((city, profile), {})[method] = None
        for seed, error in enumerate(errors):
            if error is None:
                key = (city, profile, amount, method)
                evidence.collapsed.setdefault(key, set()).add(seed)
                continue
            found = evidence.setdefault((city, profile, amount), {}).setdefault(method, {})
            found[seed] = {
                "metric_rmse": error, "epochs": epochs, "converged": converged,
                "seconds_per_epoch": 2.0, "fit_seconds": 1.0, "parameters": 5,
                "peak_memory_mb": 7.0, "notes": {},
            } | more  # fmt: skip

    return record


def one(evidence, least=2):
    (found,) = ranking.standings(evidence, "rmse", least)
    return found


def test_the_lowest_mean_is_first_and_gains_are_its_own(evidence, put):
    """A gain over another's mean must be in percent of that other."""
    put("A", [2.0, 2.2, 2.1])
    put("B", [1.0, 1.1, 1.0])
    put("C", [4.0])
    found = one(evidence)
    assert list(found.rows.index) == ["B", "A", "C"] and found.best == "B"
    gain, low, high = found.rows.loc["A", ["gain", "low", "high"]]
    assert gain == pytest.approx(100 * (1.0 + 1.1 + 1.1) / 3 / 2.1)
    assert low > 0 and found.rows.loc["A", "so_far"] == CONFIRMED and high > gain
    assert found.rows["low"].isna().tolist() == [True, False, True]  # itself, and one seed
    assert found.level == [] and found.cheapest == "B"


def test_where_the_interval_includes_zero_the_fastest_is_named(evidence, put):
    """The lowest mean of three seeds is no finding; the fast one may be taken."""
    put("A", [1.0, 1.3, 1.1], seconds_per_epoch=50.0)
    put("B", [1.2, 1.1, 1.2])
    put("C", [9.0, 9.1, 9.2], seconds_per_epoch=0.1)
    found = one(evidence)
    assert found.best == "A" and found.rows.loc["B", "so_far"] == OPEN
    assert found.level == ["B"] and found.cheapest == "B"


def test_who_failed_in_some_seeds_is_not_named_for_being_fast(evidence, put):
    """The mean of the seeds that are left flatters it; whoever trains it may meet the failure."""
    put("A", [1.0, 1.3, 1.1], seconds_per_epoch=50.0)
    put("B", [1.2, 1.1, None])
    put("C", [1.2, 1.1, 1.2], seconds_per_epoch=20.0)
    found = one(evidence)
    assert set(found.level) == {"B", "C"} and found.left_out == {"B": "1 failed of 3"}
    assert found.cheapest == "C"


def test_a_fast_method_is_not_named_where_it_may_be_much_worse_or_is_hardly_faster(
    evidence, put
):
    """One wide interval includes zero for a rule that errs by half as much again."""
    put("A", [1.0, 1.3, 1.1], seconds_per_epoch=50.0)
    put("Rule", [1.2, 2.6, 1.1], epochs=0)
    put("B", [1.2, 1.1, 1.2], seconds_per_epoch=26.0)
    found = one(evidence)
    assert set(found.level) == {"Rule", "B"} and found.cheapest == "A"
    put("B", [1.2, 1.1, 1.2], seconds_per_epoch=24.0)
    assert one(evidence).cheapest == "B"


def test_days_narrow_what_seeds_leave_open(evidence, put):
    """Rules and closed forms get an interval from the days that both have."""
    put("A", [1.0], epochs=0, days=DAYS)
    put(
        "B",
        [1.1],
        epochs=0,
        days={d: {"all": [10, 10.0, 20.0 + s]} for s, d in enumerate(DAYS)},
    )
    assert one(evidence).rows.loc["B", "low"] > 0


def test_failed_and_capped_runs_are_marked_and_never_ranked(evidence, put):
    put("A", [None, 1.0, 1.1], profile="bench")
    put("B", [2.0, 2.0], profile="bench")
    put("C", [0.1, 0.2], profile="bench", converged=False)
    put("D", [None], profile="bench")
    found = one(evidence)
    assert list(found.rows.index) == ["A", "B"] and found.rows["seeds"].tolist() == [2, 2]
    assert found.left_out == {
        "A": "1 failed of 3", "C": "2 ended by the cap of 2", "D": "1 failed of 1",
    }  # fmt: skip
    assert found.known == 4


def test_a_short_fixed_schedule_is_no_cap(evidence, put):
    put("A", [1.0], converged=False)
    put("B", [2.0], converged=False)
    found = one(evidence)
    assert list(found.rows.index) == ["A", "B"] and not found.left_out
    assert not found.converged


def test_longer_schedules_replace_the_short_one_where_they_compare(evidence, put):
    """One bench record beside none is no ranking; profiles are never mixed."""
    put("A", [3.0])
    put("B", [2.0])
    put("A", [1.0], profile="bench")
    assert one(evidence).profile == "lab" and one(evidence).best == "B"
    put("B", [1.5], profile="bench")
    found = one(evidence)
    assert (found.profile, found.best, found.known) == ("bench", "A", 2)
    assert found.rows.loc["B", "error"] == 1.5


def test_what_learns_nothing_by_steps_counts_at_every_profile(evidence, put):
    put("Rule", [1.2], epochs=0)
    put("A", [3.0])
    put("A", [1.0], profile="bench")
    found = one(evidence)
    assert found.profile == "bench" and list(found.rows.index) == ["A", "Rule"]


def test_what_learns_nothing_by_steps_has_its_records_of_the_longest_profile(evidence, put):
    """Its hours that choose differ by profile; one of two must stand beside all."""
    put("Rule", [1.2], epochs=0)
    put("Rule", [1.1], epochs=0, profile="bench")
    put("A", [3.0])
    found = one(evidence)
    assert found.profile == "lab" and found.trained and found.rows.loc["Rule", "error"] == 1.1


def test_failures_of_a_longer_schedule_are_told_where_the_short_one_is_ranked(evidence, put):
    put("Rule", [1.2], epochs=0)
    put("A", [3.0])
    put("A", [None], profile="bench")
    assert one(evidence).left_out == {"A at bench": "1 failed of 1"}


def test_rules_alone_are_compared_on_the_short_schedule(evidence, put):
    """Where every training failed the rules are what remains."""
    put("R", [1.0], epochs=0)
    put("S", [2.0], epochs=0)
    put("A", [None, None])
    found = one(evidence, least=3)
    assert list(found.rows.index) == ["R", "S"] and found.left_out == {"A": "2 failed of 2"}
    assert not found.trained


def test_places_with_few_methods_and_simulated_cities_are_no_advice(evidence, put):
    for city in ("x>y", "x>sim-grid-c"):
        put("A", [1.0], city=city)
        put("B", [2.0], city=city)
    assert ranking.standings(evidence, "rmse", 3) == []
    assert [s.city for s in ranking.standings(evidence, "rmse", 2)] == ["x>y"]


def test_the_transfer_with_all_sources_stands_for_its_target(evidence, put):
    """Fewer sources, and the target alone, are rows of other tables."""
    for city in ("a+b>y", "a>y", "b>y", "y", "y>a"):
        put("A", [1.0], city=city)
        put("B", [2.0], city=city)
    assert [s.city for s in ranking.standings(evidence, "rmse", 2)] == ["a+b>y", "y>a"]


def test_amounts_are_in_order_and_rows_of_tables_are_no_methods(evidence, put):
    for amount in ("14", "3", "0.25"):
        put("A", [1.0], amount=amount)
        put("B", [2.0], amount=amount)
        put("table7:reg", [0.1], amount=amount)
        put("Hour-of-week mean", [0.1], amount=amount, epochs=0)
    found = ranking.standings(evidence, "rmse", 2)
    assert [s.scarcity for s in found] == ["0.25", "3", "14"]
    assert {s.best for s in found} == {"A"} and {s.known for s in found} == {2}


def test_costs_are_medians_and_count_stages_of_others(evidence, put):
    """A run that found its source stage done took no time for it, but somebody did."""
    put("A", [1.0], epochs=10, fit_seconds=0.1)
    put("B", [2.0, 2.0, 2.0], fit_seconds=90.0, parameters=6)
    rows = one(evidence).rows
    assert rows.loc["A", ["seconds", "parameters", "memory"]].tolist() == [20, 5, 7]
    assert rows.loc["B", ["seconds", "parameters"]].tolist() == [90, 6]


@pytest.mark.filterwarnings("error")
def test_without_common_seeds_nothing_is_compared(evidence, put):
    put("A", [1.0, None])
    put("B", [None, 2.0])
    assert one(evidence).rows.loc["B", ["gain", "low"]].isna().all()


def made_up(method, error, stopped="settled"):
    """Stores a bench record of each seed of a method on taxi-sf-64 with all data."""
    planned = [
        run for run in TABLES["table3"]("bench")
        if (run.method, run.city, run.scarcity) == (method, "taxi-sf-64", "100")
    ]  # fmt: skip
    like = next(r for r in runs.published("finegrained").values() if r["method"] == method)
    for run in planned:
        record = like | vars(run) | {
            "key": run.key, "metric_rmse": error + run.seed / 100,
            "stages": {"fit": {"stopped": stopped}}, "converged": stopped == "settled",
            "valid_error": 1.0, "rule_valid_error": {"HA": 2.0, "MEAN": 3.0},
        }  # fmt: skip
        store.write(run, record)
    return len(planned)


def test_bench_records_replace_the_short_schedule_place_by_place(tmp_path, monkeypatch):
    """Two of many methods have a long training on one city so far; a cap ended a third."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path))
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "no data"))
    short = [r for r in published("finegrained").values() if r["profile"] == "lab"]
    write_files(tmp_path / "results/finegrained", short)
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path / "results"))
    before = {place for place in map(brief, ranking.standings(collect("finegrained"), "rmse"))}
    assert {profile for *_, profile in before} == {"lab"}
    assert (
        made_up("UrbanFM", 1.7) == made_up("UrbanSTC", 1.5) == made_up("FODE", 1.0, "minutes")
    )
    found = ranking.standings(collect("finegrained"), "rmse")
    (long,) = [one for one in found if one.profile == "bench"]
    assert (long.city, long.scarcity, long.best) == ("taxi-sf-64", "100", "UrbanSTC")
    assert long.rows.loc["UrbanFM", "low"] > 0 and "HA" in long.rows.index
    assert long.left_out == {"FODE": "3 ended by the cap of 3"}
    assert long.converged >= {"UrbanFM", "UrbanSTC"} and long.known > len(long.rows)
    assert len(found) == len(before)


def brief(one):
    return one.city, one.scarcity, one.profile
