"""A validation error is of a fit that the validation windows have chosen and never taught."""

from dataclasses import replace

import pytest
import torch

from stflow_lib import runs, speedgraph
from stflow_lib.runs.settings import build_settings
from stflow_lib.speedgraph.baselines.ridge import solved
from stflow_lib.speedgraph.plan import Plan
from stflow_lib.speedgraph.problem.held_back import held_back

BLOCKS, LAST_THIRD = "P10-blocks1", "P10"


def smoke(method, protocol):
    """A run of three days on the simulated city, its task, and its method fitted to any task."""
    (run,) = Plan.of("smoke").runs([method], ["sim-speed-c"], [3], [0])
    run = replace(run, protocol=protocol)
    settings = build_settings(speedgraph.METHODS[method], run.settings)
    fit = lambda task: speedgraph.METHODS[method].train(task, settings, 0, None)
    return run, speedgraph.open_task(run), fit


def valid_mae(task, predictor):
    """The test's MAE, of the validation windows."""
    part = replace(task, test=task.target.valid)
    return speedgraph.score(part, predictor)["metrics"]["mae"]


@pytest.mark.parametrize("compute", [runs.compute, runs.validation])
def test_a_network_is_judged_before_its_second_training(compute, tmp_path, monkeypatch):
    """In records and where nothing is stored; once the second's training error stood there."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path))
    run, task, fit = smoke("Target only", BLOCKS)
    found = compute(run)["valid_error"]
    assert found == pytest.approx(valid_mae(task, fit(replace(task, refit=False))), rel=1e-5)
    assert found != pytest.approx(valid_mae(task, fit(task)), rel=1e-5)


@pytest.mark.parametrize("protocol", [BLOCKS, LAST_THIRD])
def test_ridge_is_judged_without_the_windows_that_chose(protocol, tmp_path, monkeypatch):
    """It ends with a fit on all visible windows under every protocol."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path))
    run, task, fit = smoke("Ridge", protocol)
    strength = fit(task).notes["strength"]
    weights = solved(task.target, task.target.train, strength)
    again = fit(held_back(task, fit(task)))
    torch.testing.assert_close(again.learned, weights)
    want = valid_mae(task, again)
    assert runs.compute(run)["valid_error"] == pytest.approx(want, rel=1e-5)
    assert want != pytest.approx(valid_mae(task, fit(task)), rel=1e-5)


def test_who_was_not_taught_by_them_is_not_fitted_again():
    _, task, fit = smoke("Target only", LAST_THIRD)
    assert held_back(task, fit(task)) is task
    _, task, fit = smoke("Last value", LAST_THIRD)
    none = replace(task, target=replace(task.target, valid=task.target.valid[:0]))
    assert held_back(none, fit(task)) is none
