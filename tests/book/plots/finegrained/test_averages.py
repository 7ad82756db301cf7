"""Averages over a test part: by hand, and through the file that is published."""

from dataclasses import replace

import numpy as np
import pytest

from stflow_lib.book.plots.finegrained import averages, summaries
from stflow_lib.finegrained.plan import RULES


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


def test_only_networks_of_the_store_are_averaged(tmp_path, monkeypatch, task):
    """A network that other code has trained is no evidence for this one."""
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path))
    monkeypatch.setattr(averages.live, "has_checkpoint", lambda run: run.method in RULES)
    monkeypatch.setattr(summaries.runs, "ensure_all", lambda planned: None)
    about = {name: None for name in summaries.RECORD}
    monkeypatch.setattr(
        summaries.runs, "records",
        lambda planned: [about | vars(run) | {"key": run.key} for run in planned],
    )  # fmt: skip
    task = replace(task, city="taxi-sf-64")
    monkeypatch.setattr(averages, "open_task", lambda run: task)
    monkeypatch.setattr(
        averages.inferred, "infer", lambda run, task, i: task.fine[i, 0].double().numpy() + 1
    )
    assert averages.read("lab") is None
    averages.SUMMARIES.publish("lab")
    found = averages.read("lab")
    assert [*found.summary.errors] == [record["method"] for record in found.records] == [*RULES]
    assert {run.method for run in averages.planned("lab")} > {*RULES}
    assert np.allclose(found.summary.errors["HA"], 1) and found.summary.maps == 3
