"""A table's runs on a registered city or a city's file, as if the table had it."""

import pytest

from stflow_lib import runs
from stflow_lib.__main__ import main, table_runs
from stflow_lib.data import DataError, load, register, write_city
from stflow_lib.data.schema import with_content_hash
from stflow_lib.gridflow.problem import from_run
from stflow_lib.runs import staleness, store
from stflow_lib.runs.own_city import placed


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path / "results"))
    staleness.city_hash.cache_clear()


@pytest.fixture
def town(tmp_path):
    """A copy of a simulated city under a name and in a file."""
    city = load("sim-grid-c")
    register("my-town", city)
    return write_city(city, tmp_path / "town.nc")


def places(found):
    return {(run.method, run.city, run.protocol, run.scarcity, run.seed) for run in found}


def test_the_same_methods_amounts_seeds_and_settings(town):
    table = table_runs("gridflow.table2", "smoke")
    moved = placed(table, ["sim-grid-b>my-town"])
    (pair,) = {run.city for run in table if ">" in run.city}
    assert pair == "sim-grid-a>sim-grid-c"
    want = {
        (m, c.replace(pair, "sim-grid-b>my-town").replace("sim-grid-c", "my-town"), "P59", a, s)
        for m, c, _, a, s in places(table)
    }
    assert places(moved) == want
    assert {r.method: r.settings for r in moved} == {r.method: r.settings for r in table}


def test_what_a_table_has_is_narrowed_and_not_moved(town):
    table = table_runs("gridflow.table2", "smoke")
    alone = [run for run in table if run.city == "sim-grid-c"]
    assert placed(table, ["sim-grid-c"]) == alone != []
    both = placed(table, ["sim-grid-c", "my-town"])
    assert len(both) == len(alone) + len(placed(table, ["my-town"]))


def test_a_name_alone_takes_the_target_s_place(town):
    """Left without sources, most methods of the table would fail, one by one."""
    moved = placed(table_runs("gridflow.table2", "smoke"), ["my-town"])
    assert {run.city for run in moved} == {"my-town", "sim-grid-a>my-town"}


def test_words_of_a_table_stay_behind_the_protocol(town):
    """Those of the city's own usual protocol do not: they belong to its kind in the profile."""
    usual, random = (
        runs.Run("gridflow", "STBaT", "jonas-nyc-taxi>jonas-dc-taxi", f"P90-maximum{word}", "3",
                 "lab", 0) for word in ("", "-dirichlet")
    )  # fmt: skip
    moved = placed([usual, random], ["sim-grid-b>my-town"])
    assert [run.protocol for run in moved] == ["P59", "P59-dirichlet"]


def test_a_file_has_its_full_path_in_a_run(town, monkeypatch):
    """A worker in another folder, or the same command there, must mean the same city."""
    monkeypatch.chdir(town.parent)
    moved = placed(table_runs("gridflow.table2", "smoke"), ["sim-grid-b>town.nc"])
    assert {run.city for run in moved} == {str(town), f"sim-grid-b>{town}"}


@pytest.mark.parametrize("name, words", [
    ("my-twon", ["my-twon", "the table has sim-grid", "*.nc", "sim-grid-a, ", "my-town"]),
    ("gone.nc", ["gone.nc", "no such file"]), ("sim-grid-b>nowhere", ["nowhere"]),
    ("a>", ["want SOURCE>TARGET"]),
])  # fmt: skip
def test_a_name_that_is_no_city_lists_those_there_are(town, name, words):
    with pytest.raises(DataError) as error:
        placed(table_runs("gridflow.table2", "smoke"), [name])
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("form", ["name", "path"])
def test_the_command_computes_a_city_of_one_s_own(town, form, capsys):
    """The line that a reader types; the second time it is done."""
    name = "my-town" if form == "name" else str(town)
    argv = ["run", "--table", "gridflow.table2", "--profile", "smoke", "--only"]
    alone, lent = ["Previous hour", "--city", name], ["Linear", "--city", f"sim-grid-b>{name}"]
    assert main(argv + alone) == 0 and main(argv + lent) == 0
    found = {(r["method"], r["city"]) for r in store.read_all("gridflow")}
    assert found == {("Previous hour", name), ("Linear", f"sim-grid-b>{name}")}
    capsys.readouterr()
    assert main(argv + alone) == 0 and "1 done, 0 to compute" in capsys.readouterr().out


def test_a_file_with_other_hours_makes_its_records_stale(town):
    """A path says nothing of what lies there."""
    (run,) = [r for r in placed(table_runs("gridflow.table2", "smoke"), [str(town)])
              if r.method == "Previous hour"]  # fmt: skip
    runs.ensure(run)
    assert runs.state(run) == "done"
    write_city(load("sim-grid-b"), town)
    for kept in (staleness.city_hash, staleness._hash, from_run._city):  # of this process
        kept.cache_clear()
    assert runs.state(run) == "stale"


def test_fine_maps_need_a_factor(town, tmp_path):
    register("fine", load("sim-fine"), factor=2)
    table = table_runs("finegrained.table3", "smoke")
    assert {(r.city, r.protocol) for r in placed(table, ["fine"])} == {("fine", "x2")}
    with pytest.raises(ValueError, match=r"town.nc: the catalogue states .* register\(name"):
        placed(table, [str(town)])


def test_speeds_that_fit_no_ten_minutes_keep_their_own_steps(tmp_path):
    """15-minute speeds were refused by P10 in the middle of a table."""
    city = load("sim-speed-c")
    for name, every in (("five", 1), ("fifteen", 3)):
        part = city.isel(time=slice(0, None, every))
        register(name, with_content_hash(part, step_minutes=5 * every))
    table = [run for run in table_runs("speedgraph.table2", "smoke") if run.method == "HA"]
    assert {r.protocol for r in placed(table, ["five"])} == {"P10"}
    (run,) = placed(table, ["fifteen"])
    assert run.protocol == "native" and runs.ensure(run)["metric_mae"] > 0
