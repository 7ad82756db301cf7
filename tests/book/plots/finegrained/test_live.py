"""What can be drawn where, and that nothing live passes for a result."""

import json
from types import SimpleNamespace

import pytest

from stflow_lib.book.plots.finegrained import live
from stflow_lib.finegrained.plan import Plan
from stflow_lib.runs import Run, execute, store


def run(method="UrbanFM", city="sim-fine") -> Run:
    return Run("finegrained", method, city, "x4", "100", "lab", 0)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """kept(run, source): a store with a record of code "new", its checkpoint of code `source`."""
    records = {}
    monkeypatch.setattr(store, "read", lambda run: records.get(run.key))
    monkeypatch.setattr(store, "folder_of", lambda run: tmp_path / run.key)

    def keep(run, source="new"):
        records[run.key] = {"source_hash": "new"}
        folder = tmp_path / run.key
        folder.mkdir()
        if source:
            (folder / store.STAMP).write_text(json.dumps({"source_hash": source}))

    return keep


def test_only_a_network_of_the_records_code_is_a_checkpoint(kept):
    """Drawing another one would train for minutes, in a page that says it trains nothing."""
    for number, (source, there) in enumerate((("new", True), ("old", False), ("", False))):
        method = ("UrbanFM", "FODE", "UrbanPy")[number]
        kept(run(method), source)
        assert live.has_checkpoint(run(method)) is there
    assert not live.has_checkpoint(run("SRCNN")) and live.has_checkpoint(run("HA"))


def test_an_example_says_that_it_is_one():
    """A map of a simulated city must not pass for a result on a real one."""
    said = live.example_sentence("Maps are", ["sim-fine"])
    assert "live example" in said and "simulated city sim-fine" in said


def test_a_computed_run_has_a_checkpoint(tmp_path, monkeypatch):
    """Of the store as it is, not as the fixture says."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path))
    plan = Plan.of("smoke")
    (small,) = plan.runs(["ESPCN"], plan.cities, plan.fractions[:1])
    assert not live.has_checkpoint(small)
    execute.compute(small)
    assert live.has_checkpoint(small)


def test_real_maps_take_files_and_every_checkpoint(kept, monkeypatch):
    here = {"sim-fine": [], "taxi-sf-64": None}
    found = {name: SimpleNamespace(files=lambda f=files: f) for name, files in here.items()}
    monkeypatch.setattr(live, "entries", lambda: found)
    kept(run())
    away = run("HA", "taxi-sf-64")
    assert live.drawable("lab", [run(), run("HA")]) == "lab"
    assert live.drawable("lab", [run(), run("SRCNN")]) == "smoke"
    assert live.drawable("lab", [run(), run("SRCNN")], train=True) == "lab"
    assert live.drawable("lab", [away], train=True) == "smoke"
    assert live.drawable("lab", [], train=True) == "smoke"


def test_a_caption_says_live_at_smoke_size_only():
    assert live.caption("bench", "Errors") == "Errors"
    assert live.caption("smoke", "Errors").startswith(
        "Errors. Live: simulated city, smoke size"
    )
    assert live.title("lab", "Errors") == "Errors"
    assert live.title("smoke", "Errors") == f"Errors\n{live.NOTE}"


def test_a_sentence_says_live_at_smoke_size_only(capsys):
    live.say("lab", "gap:", 3)
    live.say("smoke", "gap:", 3)
    assert capsys.readouterr().out == "gap: 3\nlive, smoke size: gap: 3\n"


def test_rows_keep_the_order_of_methods():
    first, second, third = run("HA"), run(), run("HA", "other")
    assert live.by_method([first, second, third]) == {"HA": [first, third], "UrbanFM": [second]}


@pytest.fixture
def rows(recorded):
    """Two amounts of a network that failed, and a row without a record."""
    make = lambda rmse, amount: recorded(
        "FODE", "sim", {"rmse": rmse, "mae": rmse / 2, "fit_seconds": 1.5}, 0, amount,
        notes={"collapsed": True},
    )  # fmt: skip
    return {"FODE": [make(3.0, "100"), make(2.0, "20")], "HA": [recorded("HA", "sim", None)]}


def test_the_live_table_holds_every_error_and_judges_none(rows):
    """One epoch is no training: "collapsed" would read as a result."""
    table = live.live_table(rows)
    assert [*table.index] == ["FODE"]
    assert table.loc["FODE", "20 %"].to_dict() == {"RMSE": 2.0, "MAE": 1.0, "seconds": 1.5}
    assert table.loc["FODE", "100 %"].to_dict() == {"RMSE": 3.0, "MAE": 1.5, "seconds": 1.5}
    assert [*table.columns.get_level_values(0).unique()] == ["20 %", "100 %"]
    assert live.live_table({"HA": rows["HA"]}).empty


def test_the_live_table_is_computed_and_says_what_it_is(rows, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(live.runs, "ensure_all", asked.extend)
    live.show_live("Table 3", rows)
    said = capsys.readouterr().out
    assert asked == [*rows["FODE"], *rows["HA"]]
    assert said.startswith(f"Table 3. {live.NOTE}") and "collapsed" not in said
