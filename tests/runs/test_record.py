"""What is read as a record is one: complete, of the right types, in range, of its run."""

import json

import pytest

from stflow_lib import runs
from stflow_lib.data.errors import DataError
from stflow_lib.runs import store
from stflow_lib.runs.publish import results_folder
from stflow_lib.runs.record import checked, from_json

WRONG = {
    "no mapping": (lambda r: [1], "no record but list"),
    "a missing field": (lambda r: without(r, "parameters"), "'parameters' is missing"),
    "no metric": (lambda r: without(r, "metric_rmse", "metric_mae"), "no metric"),
    "an unknown field": (lambda r: r | {"metrc_rmse": 1.0}, "'metrc_rmse' is no field"),
    "NaN": (lambda r: r | {"metric_rmse": float("nan")}, "metric_rmse nan"),
    "infinity": (lambda r: r | {"part_north_rmse": float("inf")}, "part_north_rmse inf"),
    "a negative error": (lambda r: r | {"metric_mae": -1.0}, "metric_mae -1.0"),
    "text for a number": (lambda r: r | {"metric_rmse": "1.0"}, "metric_rmse '1.0'"),
    "truth for a number": (lambda r: r | {"epochs": True}, "epochs True"),
    "negative seconds": (lambda r: r | {"fit_seconds": -1.0}, "fit_seconds -1.0"),
    "half a parameter": (lambda r: r | {"parameters": 7.5}, "parameters 7.5"),
    "another profile": (lambda r: r | {"profile": "big"}, "profile 'big' is no one of smoke"),
    "no date": (lambda r: r | {"date": "yesterday"}, "date 'yesterday'"),
    "a date without zone": (lambda r: r | {"date": "2026-01-01T00:00:00"}, "date '2026"),
    "no thread": (lambda r: r | {"threads": 0}, "threads 0"),
    "an empty hash": (lambda r: r | {"source_hash": ""}, "source_hash ''"),
    "curves of text": (lambda r: r | {"curves": {"loss": ["a"]}}, "curves {'loss': ['a']}"),
    "another seed": (lambda r: r | {"seed": 1}, "but its run has"),
    "other settings": (lambda r: r | {"settings": {"offset": 9.0}}, "but its run has"),
}  # fmt: skip


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def renamed(record, run):
    """The record as if it were of `run`."""
    return record | {"wing": run.wing, "method": run.method, "key": run.key}


@pytest.fixture
def record(toy):
    runs.ensure(toy.run())
    return store.read(toy.run())


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_record_is_refused_by_its_field(record, kind):
    change, words = WRONG[kind]
    with pytest.raises(DataError, match="here: ") as error:
        checked(change(record), "here")
    assert words in str(error.value)


@pytest.mark.parametrize("kind", WRONG)
def test_the_store_names_it_sets_it_aside_and_computes_anew(record, toy, kind):
    """Any JSON was taken: NaN would have been averaged into a table."""
    path = store.record_file(toy.run())
    path.write_text(text := json.dumps(WRONG[kind][0](record)))
    with pytest.warns(UserWarning, match="counts as not run") as warned:
        assert store.read(toy.run()) is None
        assert store.read_all("toy") == []
        assert runs.ensure(toy.run())["metric_rmse"] == record["metric_rmse"]
    assert all(str(warning.message).startswith(str(path)) for warning in warned)
    assert path.with_name(path.name + ".damaged").read_text() == text
    assert runs.state(toy.run()) == "done"


def test_another_runs_record_is_none(record, toy):
    """Copied or renamed by hand, it would answer for a training that never was."""
    other = toy.run(seed=1)
    store.record_file(other).write_text(json.dumps(record))
    with pytest.warns(UserWarning, match="the record of another run"):
        assert store.read(other) is None
        assert runs.ensure(other)["seed"] == 1


@pytest.mark.parametrize("method, words", [("NOIZE", "no method 'NOIZE'")])
def test_a_method_that_nobody_has_is_refused(record, toy, method, words):
    with pytest.raises(DataError, match=words):
        checked(renamed(record, toy.run(method)), "here")


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1, "a": 2}', "{"])
def test_json_has_no_nan_and_no_name_twice(text):
    with pytest.raises(ValueError, match=r"NaN|Infinity|twice|Expecting"):
        from_json(text)


def test_threads_are_read_out_of_an_older_device(record):
    """883 published records say "..., 1 threads": nothing of that is lost."""
    old = without(record, "threads") | {"device": "AMD EPYC, 64 cores, 12 threads"}
    found = checked(old, "here")
    assert (found["device"], found["threads"]) == ("AMD EPYC, 64 cores", 12)
    assert "threads" not in checked(old | {"device": "NVIDIA H100"}, "here")


@pytest.fixture
def published_file(record, toy):
    runs.ensure(toy.run(seed=1))
    return runs.publish("toy") / "toytown.csv"


def cell(text, name, value):
    """The published text with one cell of its second row changed."""
    head, one, two, *rest = text.split("\n")
    at = head.split(",").index(name)
    cells = two.split(",")  # of the toy: a comma stands in no cell before the settings' end
    return "\n".join([head, one, ",".join([*cells[:at], value, *cells[at + 1 :]]), *rest])


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda t: t + "<<<<<<< HEAD\n", "line 4: a merge conflict"),
        (lambda t: t.replace("\ntoy", "\n=======\ntoy", 1), "line 2: a merge conflict"),
        (lambda t: "<<<<<<< HEAD\n" + t, "line 1: a merge conflict"),
        (lambda t: t + "toy,NOISE\n", "line 4: 2 fields, the header has"),
        (lambda t: t.replace("\ntoy", ",x\ntoy", 2).replace(",x", "", 1), "fields, the header"),
        (lambda t: t + t.split("\n")[1] + "\n", "line 4: key"),
        (lambda t: cell(t, "seed", "x"), "line 3: seed 'x'"),
        (lambda t: cell(t, "seed", "7"), "line 3: key"),
        (lambda t: cell(t, "method", "NOIZE"), "line 3: key"),
        (lambda t: cell(t, "wing", "finegrained"), "line 3: key"),
        (lambda t: cell(t, "metric_rmse", "nan"), "line 3: metric_rmse nan"),
        (lambda t: cell(t, "metric_rmse", "1,5"), "line 3:"),
        (lambda t: cell(t, "settings", "{"), "line 3: settings '{'"),
        (lambda t: t.replace("metric_mae", "metric_rmse", 1), "line 1: column 'metric_rmse' st"),
        (lambda t: t.replace("source_hash", "sourcehash", 1), "line 1: column 'sourcehash'"),
        (lambda t: "", "line 1: an empty file"),
        (lambda t: t + '"toy', "line 4: unexpected end of data"),
        (lambda t: t + "\udcff\n", "can't decode"),
    ],
)  # fmt: skip
def test_a_bad_published_row_is_named_with_file_and_line(published_file, toy, change, words):
    """A broken row of results named neither file nor line."""
    text = published_file.read_text()
    published_file.write_bytes(change(text).encode("utf-8", "surrogateescape"))
    for reading in (lambda: runs.published("toy"), lambda: runs.find(toy.run())):
        with pytest.raises(DataError) as error:
            reading()
        assert str(published_file) in str(error.value) and words in str(error.value)


@pytest.mark.parametrize("wing, count", [("finegrained", 311), ("gridflow", 330),
                                         ("speedgraph", 234)])  # fmt: skip
def test_the_books_records_are_records(wing, count, monkeypatch):
    monkeypatch.delenv("STFLOW_RESULTS", raising=False)
    found = runs.published(wing)
    assert results_folder(wing).exists() and len(found) >= count
    assert all(record["threads"] >= 1 for record in found.values())
