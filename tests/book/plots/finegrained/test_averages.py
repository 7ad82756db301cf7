"""Averages over a test part: by hand, and through the file that is published."""

import json

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.finegrained import averages
from stflow_lib.data.catalog.index import entries


@pytest.fixture
def found():
    """Two maps of 4 x 4 cells; HA is off by one, UrbanSTC in the left half, UrbanFM by two."""
    truth = np.arange(32.0).reshape(2, 4, 4)
    coarse = truth.reshape(2, 2, 2, 2, 2).sum((2, 4))
    left = np.where(np.arange(4) < 2, 1.0, 0.0) * np.ones((2, 4, 4))
    fine_of = {
        "MEAN": truth + 4,
        "HA": truth - 1,
        "UrbanFM": truth + 2,
        "UrbanSTC": truth + left,
    }
    return averages.average("taxi-sf-64", "vehicles per 30 min", truth, coarse, fine_of)


def test_averages_by_hand(found):
    assert found.maps == 2 and found.flow[0].tolist() == [8, 9, 10, 11]
    assert (found.errors["HA"] == 1).all() and (found.errors["MEAN"] == 4).all()
    assert found.errors["UrbanSTC"][0].tolist() == [1, 1, 0, 0]
    assert np.allclose(found.by_level["UrbanFM"], 2)  # a constant error at every level
    levels = [sum(block) for block in ([0, 1, 4, 5], [24, 25, 28, 29], [26, 27, 30, 31])]
    at = found.by_level["HA"].index
    assert levels[0] <= at[0] and at[-1] == pytest.approx(np.mean(levels[1:]), rel=0.1)


def test_gains_name_the_best_rival(found):
    """Positive where the second name errs less."""
    gains = averages.gains(found.errors)
    assert [*gains] == ["HA - UrbanFM", "HA - UrbanSTC", "UrbanFM - UrbanSTC"]
    assert gains["HA - UrbanSTC"][0].tolist() == [0, 0, 1, 1]
    alone = {m: found.errors[m] for m in ("MEAN", "HA", "ShareNet") if m in found.errors}
    assert averages.gains(alone) == {}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of results of our own."""
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path))
    return averages.file_of("lab")


def test_what_is_published_comes_back(found, place):
    """To four digits; with licence and provenance in the file, and nothing of a single step."""
    run = averages.planned("lab")[1]
    record = {name: getattr(run, name) for name in averages.RUN} | {
        "key": run.key, "source_hash": "of other code", "data_hash": "x", "date": "2026-11-21",
        "device": "cpu", "threads": 1, "metric_rmse": 1.5, "metric_mae": 0.5, "curves": {},
    }  # fmt: skip
    assert averages.read("lab") is None
    averages.write(place, found, [record])
    content = json.loads(place.read_bytes())
    assert content["licence"] == entries()["taxi-sf-64"].licence
    assert content["source"] and content["runs"][0]["settings"] == run.settings
    assert "curves" not in content["runs"][0]
    again, (behind,) = averages.read("lab")
    assert behind["stale"] and behind["key"] == run.key
    assert (again.city, again.unit, again.maps) == (found.city, found.unit, 2)
    assert np.allclose(again.flow, found.flow, rtol=1e-3)
    for method, error in found.errors.items():
        assert np.allclose(again.errors[method], error, rtol=1e-3)
        pd.testing.assert_series_equal(
            again.by_level[method], found.by_level[method], rtol=1e-3, check_index=False
        )


def test_published_files_are_small_and_say_whose_they_are(root):
    """A file without licence or source could not be passed on."""
    for path in (root / "book/results/finegrained/maps").glob("*.json"):
        content = json.loads(path.read_bytes())
        assert path.stat().st_size < 2**20 and content["licence"] and content["source"]
        assert {run["method"] for run in content["runs"]} == content["errors"].keys()
        assert all(run["source_hash"] and run["key"] for run in content["runs"])
        shapes = {np.shape(error) for error in content["errors"].values()}
        assert shapes == {np.shape(content["flow"])}


def test_only_fresh_networks_are_published(place, monkeypatch, task):
    """A network that other code has trained is no evidence for this one."""
    runs = {run.method: run for run in averages.planned("lab")}
    monkeypatch.setattr(
        averages.live, "has_checkpoint", lambda run: run.method in ("MEAN", "HA")
    )
    monkeypatch.setattr(averages.runs, "ensure", lambda run: vars(run) | {"key": run.key})
    monkeypatch.setattr(averages, "open_task", lambda run: task)
    monkeypatch.setattr(averages, "entries", lambda: {"handtown": entries()["taxi-sf-64"]})
    monkeypatch.setattr(
        averages.inferred, "infer", lambda run, task, i: task.fine[i, 0].double().numpy() + 1
    )
    assert averages.publish("lab") == place
    content = json.loads(place.read_bytes())
    assert [*content["errors"]] == ["MEAN", "HA"] and set(runs) > {"MEAN", "HA"}
    assert np.allclose(content["errors"]["HA"], 1)
