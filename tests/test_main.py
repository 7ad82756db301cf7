"""The command line: it fills the store, says what is there, and ends badly in one clear line."""

import importlib.util
import sys
import tempfile
import types
import zlib
from pathlib import Path

import pytest
import yaml

from stflow_lib import runs
from stflow_lib.__main__ import Seconds, main
from stflow_lib.runs import profiles, store

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
    assert ["toy.table1", "lab", "1", "1", "2"] in lines
    assert ["toy.table1", "paper", "0", "0", "4"] in lines


def test_publish_says_what_and_where(capsys, tmp_path):
    runs.ensure(toy.run())
    assert main(["publish", "toy"]) == 0
    assert "1 records in" in capsys.readouterr().out
    assert (tmp_path / "results" / "toy" / "toytown.csv").exists()


def test_time_left_comes_from_the_most_similar_runs():
    """A run on a big city must not be estimated from seconds spent on a small one, if avoidable."""
    for city, seconds in (("toytown", 10.0), ("bigtown", 100.0)):
        run = toy.run(city=city)
        cost = {"fit_seconds": seconds, "predict_seconds": 1.0}
        store.write(run, runs.ensure(run) | cost)
    known = Seconds([toy.run()])
    assert known.of(toy.run(seed=8)) == 11.0
    assert known.of(toy.run(city="bigtown", seed=8)) == 101.0
    assert known.of(toy.run(city="elsewhere")) == 56.0
    assert known.of(toy.run(profile="paper")) is None
    both = [toy.run(city="bigtown", seed=8), toy.run(profile="paper")]
    assert known.left(both) == "about 2 min and 1 runs of unknown length left"


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
