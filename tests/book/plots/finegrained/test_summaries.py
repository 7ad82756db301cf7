"""Published summaries: what is read is what was written, of networks that the records know."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.finegrained import averages, forecasts, kept, live, summaries
from stflow_lib.book.plots.finegrained.summaries import RECORD, Drawn, Summaries
from stflow_lib.data.catalog.index import entries
from stflow_lib.data.errors import DataError
from stflow_lib.finegrained.plan import Plan
from stflow_lib.runs import RunError, published

CITY = "taxi-sf-64"
KINDS = {
    kind.folder: kind for kind in (averages.SUMMARIES, forecasts.SUMMARIES, kept.SUMMARIES)
}


@dataclass(frozen=True)
class Sizes:
    """A summary by hand."""

    city: str
    maps: int
    mean: float
    flow: np.ndarray
    curve: dict[str, pd.Series]


SIZES = Sizes(CITY, 2, 3.0, np.arange(4.0).reshape(2, 2), {"HA": pd.Series([1.0], [0.5])})


def planned(profile):
    plan = Plan.of(profile)
    return {plan.cities[0]: plan.runs(["HA"], plan.cities[:1], plan.all_data)}


def record(profile="lab", **other):
    run = planned(profile)[CITY][0]
    about = {"source_hash": "of other code", "data_hash": "x", "date": "2026-11-21",
             "device": "cpu", "threads": 1, "metric_rmse": 1.5, "metric_mae": 0.5}  # fmt: skip
    return vars(replace(run)) | about | {"key": run.key, "curves": {}} | other


@pytest.fixture
def kind(tmp_path, monkeypatch):
    """Summaries of HA in a folder of results of our own; `made` is not to be asked."""
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path))
    return Summaries("sizes", Sizes, planned, refuse)


def refuse(planned):
    raise AssertionError("a network was asked for")


def test_what_is_written_comes_back(kind):
    """With licence and provenance in the file, and nothing of a record beyond that."""
    assert kind.read(CITY, "lab") is None
    path = kind.write(Drawn(SIZES, [record()]), "lab")
    content = json.loads(path.read_bytes())
    assert content["licence"] == entries()[CITY].licence
    assert content["source"] == entries()[CITY].source and {*content["runs"][0]} == {*RECORD}
    found = kind.read(CITY, "lab")
    assert found.published and found.records[0]["stale"], "other code than is here made it"
    assert (found.summary.city, found.summary.maps, found.summary.mean) == (CITY, 2, 3.0)
    np.testing.assert_array_equal(found.summary.flow, SIZES.flow)
    pd.testing.assert_series_equal(found.summary.curve["HA"], SIZES.curve["HA"])


WRONG: dict[str, tuple[Callable[[dict], object], str]] = {
    "half a file": (lambda c: json.dumps(c)[:40], "Unterminated string"),
    "a list": (lambda c: [c], "list indices"),
    "NaN": (lambda c: json.dumps(c | {"mean": float("nan")}), "NaN is no number"),
    "a missing field": (lambda c: without(c, "flow"), "'flow' is missing"),
    "a strange field": (lambda c: c | {"day": 1}, "'day' is strange"),
    "no licence": (lambda c: without(c, "licence"), "'licence' is missing"),
    "text for a number": (lambda c: c | {"mean": "3"}, "mean is no float"),
    "a word in a map": (lambda c: c | {"flow": [["a"]]}, "could not convert"),
    "a frame for a map": (lambda c: c | {"flow": c["curve"]["HA"]}, "flow is no ndarray"),
    "another city": (lambda c: c | {"city": "bikenyc-p6"}, "a summary of bikenyc-p6"),
    "no records": (lambda c: without(c, "runs"), "'runs'"),
    "half a record": (lambda c: c | {"runs": [{"city": CITY}]}, "a record without"),
    "another run's key": (lambda c: of_run(c, key="0"), "a record with key 0, but its run has"),
    "another seed": (lambda c: of_run(c, seed=1), "but its run has"),
}  # fmt: skip


def without(content, name):
    return {key: value for key, value in content.items() if key != name}


def of_run(content, **other):
    return content | {"runs": [content["runs"][0] | other]}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_summary_is_refused_by_its_file(kind, what):
    """A page would draw it, or stop with an error that names neither file nor reason."""
    path = kind.write(Drawn(SIZES, [record()]), "lab")
    change, words = WRONG[what]
    wrong = change(json.loads(path.read_bytes()))
    path.write_text(wrong if isinstance(wrong, str) else json.dumps(wrong))
    with pytest.raises(DataError) as error:
        kind.read(CITY, "lab")
    assert str(error.value).startswith(f"{path}: ") and words in str(error.value)


def test_a_file_of_another_profile_is_refused(kind):
    """Networks of the smallest size would pass for those of the result tables."""
    path = kind.write(Drawn(SIZES, [record("bench")]), "lab")
    with pytest.raises(DataError, match=f"{path}: .*a record of {CITY}, profile bench"):
        kind.read(CITY, "lab")


def test_a_page_draws_networks_then_files_then_an_example(kind, monkeypatch):
    """Trained networks of the city come first; a simulated one only where nothing else is."""
    made = replace(kind, made=lambda planned: replace(SIZES, city=planned[0].city))
    monkeypatch.setattr(summaries.runs, "ensure_all", lambda planned: None)
    monkeypatch.setattr(summaries.runs, "records", lambda planned: [])
    here = {"networks": True}
    monkeypatch.setattr(
        live, "drawable", lambda profile, *_: profile if here["networks"] else live.LIVE
    )
    shown, found = made.drawn("lab")
    assert shown == "lab" and CITY in found and not found[CITY].published
    here["networks"] = False
    shown, found = made.drawn("lab")
    assert shown == live.LIVE and [*found] == ["sim-fine"] and not found["sim-fine"].published
    kind.write(Drawn(SIZES, [record()]), "lab")
    shown, found = kind.drawn("lab")  # `refuse` is not asked
    assert shown == "lab" and [*found] == [CITY] and found[CITY].published


def test_only_networks_of_the_store_are_published(kind, monkeypatch):
    """Publishing must not train for hours, nor draw a network that other code has trained."""
    monkeypatch.setattr(live, "has_checkpoint", lambda run: False)
    with pytest.raises(RunError, match="finegrained HA on taxi-sf-64.*no trained network"):
        kind.publish("lab")
    assert not kind.path(CITY, "lab").exists()
    monkeypatch.setattr(live, "has_checkpoint", lambda run: True)
    monkeypatch.setattr(summaries.runs, "ensure_all", lambda planned: None)
    monkeypatch.setattr(summaries.runs, "records", lambda planned: [record()])
    (path,) = replace(kind, made=lambda planned: SIZES).publish("lab")
    assert path == kind.path(CITY, "lab") and kind.read(CITY, "lab").summary.maps == 2


def test_the_sentence_names_networks_profile_and_city(monkeypatch):
    """And how far trainings anew are from the records that the tables show."""
    known = record()["key"]
    monkeypatch.setattr(summaries, "published", lambda wing: {known: {"metric_rmse": 1.25}})
    own = Drawn(SIZES, [record()])
    assert summaries.sentence("lab", "Maps are", {CITY: own}) == (
        "Maps are drawn from trained networks: HA, profile lab, first seed, on taxi-sf-64."
    )
    of_file = {CITY: replace(own, published=True), "b": own}
    said = summaries.sentence("lab", "Maps are", of_file)
    assert "on taxi-sf-64 and b." in said and "within 20.0% of those in the tables" in said
    monkeypatch.setattr(summaries, "published", lambda wing: {})
    assert summaries.sentence("lab", "Maps are", of_file).endswith("tables do not have them.")
    assert "simulated city sim-fine" in summaries.sentence(
        "smoke", "Maps are", {"sim-fine": own}
    )


def files(root):
    folder = root / "book/results/finegrained"
    return [(path, KINDS[path.parent.name]) for path in sorted(folder.glob("*/*.json"))]


def test_published_files_are_small_and_say_whose_they_are(root):
    """A file without licence or source could not be passed on; all kinds have one at lab size."""
    assert {kind.folder for _, kind in files(root)} == {*KINDS}
    for path, kind in files(root):
        city, _, profile = path.stem.rpartition("-")
        found = kind.read(city, profile)
        assert path.stat().st_size < 2**20 and found.published and found.summary.city == city
        content = json.loads(path.read_bytes())
        assert content["licence"] == entries()[city].licence
        assert content["source"] == entries()[city].source


def test_runs_behind_published_files_are_recorded(root):
    """A figure of a run that no table has would stand beside no number."""
    known = published("finegrained")
    for path, kind in files(root):
        city, _, profile = path.stem.rpartition("-")
        keys = {found["key"] for found in kind.read(city, profile).records}
        assert keys and keys <= {*known}, path


def test_published_errors_are_those_of_their_records():
    """A summary of other networks than the file names would have other errors."""
    found = kept.SUMMARIES.read(CITY, "lab")
    by_run = {f"{r['method']}, {r['settings'].get('constraint', 'm2')}": r["metric_rmse"]
              for r in found.records}  # fmt: skip
    assert found.summary.losses["rmse"].to_dict() == pytest.approx(by_run, rel=1e-4)
    whole = averages.read("lab")
    mean = {method: error.mean() for method, error in whole.summary.errors.items()}
    assert mean == pytest.approx(
        {r["method"]: r["metric_mae"] for r in whole.records}, rel=1e-3
    )
