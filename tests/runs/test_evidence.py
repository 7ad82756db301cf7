"""What stands beside a score: the same errors day by day, and those on validation."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from stflow_lib import finegrained, runs
from stflow_lib.finegrained.plan import Plan
from stflow_lib.runs import store
from stflow_lib.runs.evidence import evidence


def fail(task):
    """Of a wing without `held_back` no method is fitted again."""
    raise AssertionError(task)


@pytest.fixture(scope="module")
def case():
    """HA on the simulated maps: the run, its task and its predictor."""
    (run,) = Plan.of("smoke").runs(["HA"], ["sim-fine"], [100])
    task = finegrained.open_task(run)
    method = finegrained.METHODS["HA"]
    return run, task, method.fit(task, method.settings(), 0, None)


def test_the_days_add_up_to_the_score(case):
    run, task, fitted = case
    days = evidence(run, task, fitted, fail)["days"]
    stamps = {str(day) for day in task.time[task.test].astype("datetime64[D]")}
    assert set(days) == stamps
    count, absolute, squared = np.sum([day["all"] for day in days.values()], axis=0)
    metrics = finegrained.score(task, fitted)["metrics"]
    assert (squared / count) ** 0.5 == pytest.approx(metrics["rmse"], rel=1e-12)
    assert absolute / count == pytest.approx(metrics["mae"], rel=1e-12)


def test_validation_errors_are_of_the_validation_part(case):
    """An error of the test part here would let the test decide what failed."""
    run, task, fitted = case
    found = evidence(run, task, fitted, fail)
    error = fitted(task, task.valid) - task.fine[task.valid]
    want = error.double().square().mean().sqrt().item()
    assert found["valid_error"] == pytest.approx(want) == found["rule_valid_error"]["HA"]
    even = torch.nn.functional.interpolate(task.coarse[task.valid], scale_factor=4) / 16
    naive = (even - task.fine[task.valid]).double().square().mean().sqrt().item()
    assert found["rule_valid_error"]["MEAN"] == pytest.approx(naive, rel=1e-6)
    assert found["converged"] and found["stages"] == {}  # a rule learns nothing by steps


def test_a_record_carries_it_to_the_published_file(tmp_path, monkeypatch):
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path / "results"))
    (run,) = Plan.of("smoke").runs(["SRCNN"], ["sim-fine"], [20])
    record = runs.compute(run)
    assert record["converged"] is False
    assert (
        record["stages"]["fit"]["stopped"] == "epochs" and record["stages"]["fit"]["steps"] > 0
    )
    lab = replace(run, profile="lab")
    stored = store.read(run)
    store.write(lab, stored | asdict(lab) | {"key": lab.key})
    runs.publish("finegrained")
    published = runs.published("finegrained")[lab.key]
    for name in ("stages", "converged"):
        assert published[name] == record[name]
    for name in ("valid_error", "rule_valid_error"):
        assert published[name] == pytest.approx(record[name], rel=1e-5)
    for day, sums in record["days"].items():
        np.testing.assert_allclose(published["days"][day]["all"], sums["all"], rtol=1e-5)
