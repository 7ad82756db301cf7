"""What a network's errors in source and target are measured against, and what may choose."""

from dataclasses import replace

import pandas as pd
import pytest

from stflow_lib.book import source_epochs
from stflow_lib.book.source_epochs import COLUMNS, METHOD, curves, last_value, main, table
from stflow_lib.gridflow.plan import Plan
from stflow_lib.gridflow.problem.from_run import open_task
from stflow_lib.gridflow.training.schedule import scaled_rmse

PLAN = Plan.of("smoke")


@pytest.fixture(scope="module")
def task():
    return open_task(PLAN.runs([METHOD], PLAN.cities[:1], [0])[0]).only(0)


@pytest.fixture(scope="module")
def settings():
    whole = PLAN.settings(METHOD)
    return replace(whole, source=replace(whole.source, epochs=3, patience=0, keep_start=False))


def test_the_bar_is_the_hour_before(task, settings):
    """By hand from the flow of valid cells."""
    city, plan = task.target, settings.source
    steps = plan.validation(city.valid)
    change = (city.scaled[steps, 0] - city.scaled[steps - 1, 0]).flatten(1)[:, city.cells()]
    want = change.double().square().mean().sqrt().item()
    assert scaled_rmse(last_value, city, plan) == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize("told", [False, True])
def test_a_line_for_each_epoch(task, settings, told):
    found = curves(task, replace(settings, clock=told))
    assert [n for n, *_ in found] == [1, 2, 3]
    assert all(a > 0 and b > 0 for _, a, b in found)


def test_the_target_chooses_nothing(task, settings):
    """Another target, the same curve of the source."""
    other = replace(
        task.target, scaled=task.target.scaled.flip(0), flow=task.target.flow.flip(0)
    )
    plain, changed = curves(task, settings), curves(replace(task, target=other), settings)
    assert [line[1] for line in plain] == [line[1] for line in changed]
    assert [line[2] for line in plain] != [line[2] for line in changed]


def test_a_pair_is_renewed_and_the_others_stay(tmp_path, monkeypatch):
    path = tmp_path / "epochs.csv"
    first = pd.DataFrame([("x>y", False, 1, 0.5, 0.9)], columns=COLUMNS)
    path.write_text(first.to_csv(index=False))
    monkeypatch.setattr(source_epochs, "curves", lambda task, settings: [(1, 0.8, 1.1)])
    monkeypatch.setattr(Plan, "of", lambda profile: PLAN)
    main(PLAN.cities[:1], path)
    main(PLAN.cities[:1], path)
    found = table(path)
    assert len(found) == 3 and set(found["city"]) == {"x>y", PLAN.cities[0]}
    assert found.set_index("city").loc[PLAN.cities[0], "told"].tolist() == [False, True]


def test_nothing_is_read_before_the_first():
    assert table(source_epochs.FILE.with_name("absent.csv")).columns.tolist() == COLUMNS
