"""Runs of the positive control: planned once, measured as the tables measure, said where from."""

import pytest

from stflow_lib.book import control_runs
from stflow_lib.gridflow.beyond.control import control_task


def test_all_runs_are_planned_once_and_first_seeds_first():
    planned = control_runs.planned(2)
    assert len(set(planned)) == len(planned) == 2 * 2 * (1 + 4 + 4 + 2 + 4 + 2) + 8 * 2 * 3
    assert [place[3] for place in planned] == sorted(place[3] for place in planned)
    assert {place[3] for place in planned if place[0] in control_runs.PAIRS} == {0}


def test_what_is_written_is_not_computed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(control_runs, "path", lambda: tmp_path / "errors.json")
    monkeypatch.setattr(control_runs, "measured", lambda *place: {"rmse": 1.0})
    monkeypatch.setattr(control_runs, "code", lambda: "a" * 64)
    first = [row for row, _ in zip(control_runs.compute(1), range(3), strict=False)]
    rest = [*control_runs.compute(1)]
    written = control_runs.read()
    assert len(first) == 3 and len(written) == len(control_runs.planned(1))
    places = [tuple(row[name] for name in control_runs.PLACE) for row in written]
    assert places == control_runs.planned(1) and len(rest) < len(places)
    assert {row["source_hash"] for row in written} == {"a" * 64} and written[0]["date"]


@pytest.mark.parametrize(
    ("model", "weights"),
    [(control_runs.LINE, "counts"), (control_runs.FEW, "RIAM"), (control_runs.SMALL, "counts")],
)
def test_a_network_is_measured_as_the_line_is(model, weights):
    found = control_runs.measured(model, weights, 0, 0, "smoke")
    assert 0 < found["mae"] < found["rmse"]


def test_the_bar_is_the_hour_before():
    """By hand: differences of neighbouring hours in the target's cells, way by way."""
    task = control_task(2)
    off = task.target.flow[task.test] - task.target.flow[task.test - 1]
    ways = [off[:, d, own] for d, own in enumerate(task.target.mask)]
    found = control_runs.measured(control_runs.LAST, "none", 0, 2)
    rmse = sum(way.square().mean().sqrt().item() for way in ways) / 2
    assert found["rmse"] == pytest.approx(rmse, abs=1e-3)
    assert found["mae"] == pytest.approx(off[:, task.target.mask].abs().mean().item(), abs=1e-3)


def test_no_network_of_the_control_is_told_the_hour():
    for model in (*control_runs.CELLS, *control_runs.MAPS):
        assert not control_runs._settings(model, "none", "bench").clock
