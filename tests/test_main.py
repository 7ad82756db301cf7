"""The command line: it fills the store, says what is there, and ends badly in one clear line."""

import dataclasses
import functools
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import types
import zlib
from pathlib import Path

import pytest
import yaml

from stflow_lib import runs
from stflow_lib.__main__ import main
from stflow_lib.runs import profiles, store
from stflow_lib.runs.failure import Bar

spec = importlib.util.spec_from_file_location(
    "toy_wing", Path(__file__).parent / "runs" / "toy_wing.py"
)
toy = importlib.util.module_from_spec(spec)
sys.modules["toy_wing"] = toy
spec.loader.exec_module(toy)


@pytest.fixture(autouse=True)
def wing(tmp_path, monkeypatch):
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("STFLOW_TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(profiles, "wings", lambda: ["toy"])
    return toy.register()


def test_run_fills_the_store_and_a_second_run_finds_it_done(capsys, tmp_path):
    assert main(["run", "--table", "toy.table1", "--profile", "lab"]) == 0
    out = capsys.readouterr().out
    assert "4 runs, 0 done, 4 to compute" in out and "NOISE on toytown" in out and "rmse" in out
    assert [runs.state(run) for run in toy.table1("lab")] == ["done"] * 4
    before = (tmp_path / "log").read_text()
    assert main(["run", "--table", "toy.table1", "--profile", "lab"]) == 0
    assert "4 done, 0 to compute" in capsys.readouterr().out
    assert (tmp_path / "log").read_text() == before


def test_run_can_be_narrowed(capsys):
    argv = [
        "run",
        "--table",
        "toy.table1",
        "--only",
        "NOISE",
        "--seed",
        "1",
        "--city",
        "toytown",
    ]
    assert main(argv) == 0
    assert [r["method"] + str(r["seed"]) for r in store.read_all("toy")] == ["NOISE1"]


@pytest.mark.parametrize(
    "argv, words",
    [
        (["run", "--table", "toy.table9"], ["toy.table9", "toy.table1"]),
        (["run", "--table", "tory.table1"], ["'tory'", "toy"]),
        (["run", "--table", "toy.table1", "--only", "NOIZE"], ["--only NOIZE", "NOISE"]),
        (["run", "--table", "toy.table1", "--seed", "7"], ["--seed 7", "[0, 1]"]),
        (["publish", "tory"], ["tory", "toy"]),
        (["run", "--table", "toy.table1", "--part", "valid", "--workers", "2"], ["--part"]),
    ],
)
def test_a_wrong_name_is_one_line_and_exit_2(capsys, argv, words):
    assert main(argv) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("stflow_lib: ") and len(error.splitlines()) == 1
    assert all(word in error for word in words)


def test_a_failing_run_is_named_and_the_others_are_kept(capsys, wing):
    wing.TABLES = {"table1": lambda p: [toy.run("BROKEN"), toy.run(seed=3)]}
    assert main(["run", "--table", "toy.table1"]) == 2
    assert "BROKEN" in capsys.readouterr().err
    assert runs.state(toy.run(seed=3)) == "done"


def test_status_counts_done_stale_and_missing(capsys):
    runs.ensure(toy.run(seed=0))
    old = runs.ensure(toy.run(seed=1))
    store.write(toy.run(seed=1), {**old, "source_hash": "old"})
    assert main(["status"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["toy.table1", "lab", "1", "1", "2"] in [line[:5] for line in lines]
    assert ["toy.table1", "paper", "0", "0", "4"] in [line[:5] for line in lines]


def test_status_counts_core_hours(capsys):
    """Seconds of a run times its threads; what is stale is to be done again."""
    cost = {"fit_seconds": 3599.0, "predict_seconds": 1.0, "threads": 2}
    for seed, change in ((0, {}), (1, {"source_hash": "old"})):
        run = toy.run(seed=seed)
        store.write(run, runs.ensure(run) | cost | change)
    assert main(["status"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["toy.table1", "lab", "1", "1", "2", "2.0", "6.0"] in lines  # three runs are left
    assert ["toy.table1", "paper", "0", "0", "4", "0.0", "0.0?"] in lines


def test_tables_are_computed_in_the_order_in_which_they_are_named(capsys, wing):
    """And what two of them share is computed once, with the first."""
    first, shared, second = (toy.run(seed=seed) for seed in (8, 3, 1))
    wing.TABLES = {"b": lambda p: [first, shared], "a": lambda p: [shared, second]}
    assert main(["run", "--table", "toy.b", "toy.a"]) == 0
    out = capsys.readouterr().out
    assert "3 runs, 0 done" in out
    named = [line.partition(": ")[0] for line in out.splitlines() if "NOISE" in line]
    assert named == [str(first), str(shared), str(second)]


def test_the_validation_part_is_printed_and_nothing_is_stored(capsys, wing, tmp_path):
    """A score of the test part that chooses a setting is none."""

    @dataclasses.dataclass(frozen=True)
    class Task:
        data_hash: str = "d0"
        city: str = "toytown"
        test: tuple = (1, 2)
        valid: tuple = (3,)

    def score(task, predictor):
        assert task.test == (3,)
        return {"metrics": {"rmse": predictor.value}}

    score.__module__ = "stflow_lib.toy_parts"
    rule = types.SimpleNamespace(
        settings=dict, fit=lambda *_: types.SimpleNamespace(value=0.25)
    )
    wing.METHODS["RULE"] = rule
    wing.BAR, wing.score = Bar("rmse", {"RULE": 1.0}), score
    wing.open_task = functools.partial(lambda run: Task())
    functools.update_wrapper(wing.open_task, toy.open_task)
    value = toy.fit_noise(Task(), toy.Settings(), 0, tmp_path).value
    wing.TABLES = {"table1": lambda p: [toy.run("BROKEN"), toy.run()]}
    assert main(["run", "--table", "toy.table1", "--part", "valid"]) == 2
    out, err = capsys.readouterr()
    assert f"{value:.4g}  {toy.run()}; RULE 0.25" in out
    assert "BROKEN" in err and "no taxis" in err
    assert not (tmp_path / "runs").exists()


def test_nothing_heavy_is_imported_for_help(root):
    """`import torch` alone takes seconds; of dask only a cluster has use."""
    heavy = {"torch", "numba", "pandas", "scipy", "dask", "distributed"}
    for code in ("import stflow_lib", "from stflow_lib.__main__ import main; main(['--help'])"):
        code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {code}"
        done = subprocess.run([sys.executable, "-c", code], cwd=root, env=path_of(root),
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0 and "stflow_lib" in done.stdout, done.stderr
        assert not heavy & set(done.stdout.split())


def test_dask_is_imported_for_a_cluster_alone(root, tmp_path):
    code = (
        "import sys; from stflow_lib.__main__ import main\n"
        "assert main(['run', '--table', 'finegrained.table3', '--profile', 'smoke', '--only',"
        " 'MEAN']) == 0\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=path_of(root),
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "torch" in done.stdout.split() and "distributed" not in done.stdout.split()


def path_of(root):
    return os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def test_help_names_the_profiles_and_the_wings(capsys, monkeypatch):
    """They are written there, for to ask for them takes seconds."""
    monkeypatch.undo()
    for argv, names in ((["run"], profiles.PROFILES), (["publish"], profiles.wings())):
        with pytest.raises(SystemExit):
            main([*argv, "--help"])
        assert set(names) <= set(re.findall(r"\w+", capsys.readouterr().out))


def test_publish_says_what_and_where(capsys, tmp_path):
    runs.ensure(toy.run())
    assert main(["publish", "toy"]) == 0
    assert "1 records in" in capsys.readouterr().out
    assert (tmp_path / "results" / "toy" / "toytown.csv").exists()


def test_book_and_fetch_are_handed_on(monkeypatch, capsys):
    called = []
    book = types.ModuleType("stflow_lib.book.build")
    book.main = lambda argv: called.append(argv) or 3
    monkeypatch.setitem(sys.modules, "stflow_lib.book.build", book)
    monkeypatch.setattr("stflow_lib.book.build", book, raising=False)
    assert main(["book", "--profile", "lab"]) == 3 and called == [["--profile", "lab"]]
    monkeypatch.setattr("stflow_lib.data.fetch", lambda name: [Path(name) / "file"])
    assert main(["fetch", "toytown"]) == 0
    assert capsys.readouterr().out == "toytown/file\n"


def test_catalog_lists_the_simulated_cities(capsys):
    assert main(["catalog"]) == 0
    assert "sim-fine" in capsys.readouterr().out


@pytest.mark.parametrize(
    "error", [KeyError("rmse"), TypeError("a\nb"), MemoryError(), zlib.error("bad"),
              yaml.YAMLError("bad"), RecursionError("deep")],
)  # fmt: skip
def test_an_error_that_nobody_foresaw_is_one_line_with_its_traceback_in_a_file(
    error, monkeypatch, capsys, tmp_path
):
    """A page of traceback on the screen, or a bare 'rmse', tells the reader nothing."""

    def fail(*_):
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("stflow_lib.data.fetch", fail)
    assert main(["fetch", "toytown"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"stflow_lib: fetch toytown: {type(error).__name__}")
    path = line.rpartition("traceback in ")[2].rstrip(")")
    assert "Traceback" in Path(path).read_text() and path.startswith(str(tmp_path))


def test_the_book_fails_in_one_line_too(monkeypatch, capsys):
    book = types.ModuleType("stflow_lib.book.build")
    book.main = lambda argv: {}["page"]
    monkeypatch.setitem(sys.modules, "stflow_lib.book.build", book)
    monkeypatch.setattr("stflow_lib.book.build", book, raising=False)
    assert main(["book"]) == 2
    assert capsys.readouterr().err.startswith("stflow_lib: book: KeyError: 'page'")


@pytest.mark.parametrize("text", ["two", "0", "-1", "1.5"])
def test_a_number_of_threads_that_is_none_is_named(monkeypatch, capsys, text):
    monkeypatch.setenv("STFLOW_THREADS", text)
    assert main(["run", "--table", "toy.table1"]) == 2
    assert f"STFLOW_THREADS={text}" in capsys.readouterr().err


def test_a_bad_published_row_ends_status_in_one_line(capsys, tmp_path):
    runs.ensure(toy.run())
    path = runs.publish("toy") / "toytown.csv"
    path.write_text(path.read_text() + "<<<<<<< HEAD\n")
    assert main(["status"]) == 2
    assert f"{path}, line 3: a merge conflict" in capsys.readouterr().err
