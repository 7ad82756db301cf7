"""A line and trees on what it leaves over: without information the line, and never a label."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.gridflow import METHODS, make_task, score
from stflow_lib.gridflow.beyond.boosted_line import (
    METHOD,
    Boosted,
    Settings,
    clock,
    fit,
    joined,
    readings,
    residuals,
    some_rows,
    spread,
)
from stflow_lib.gridflow.beyond.context import Told, lent_spans, own_days
from stflow_lib.gridflow.beyond.line import LineSettings, last_value, lent_line
from stflow_lib.gridflow.beyond.trees import visible_days
from stflow_lib.training import saved
from stflow_lib.training.trees import Boosting, Rows

SMALL = Settings(
    booster=Boosting(trees=20, patience=5, leaves=6, smallest=10), spans=4, labels=30, lent=30
)


@pytest.fixture(scope="module")
def receiver(make_grid):
    """Three live cells: more than 255 rows take the slow search for bins of weighted values."""
    return make_grid("receiver", rows=2, cols=2, seed=1, poi=False, dead=1, size=20.0)


@pytest.fixture(scope="module")
def both(lender, receiver, twelve):
    return make_task(receiver, [lender], twelve)


@pytest.fixture(scope="module")
def found(both):
    return METHOD.fit(both, SMALL, 0)


def test_without_a_day_it_is_the_sources_line(lender, receiver, twelve):
    """Neither trees nor a label of the target."""
    task = make_task(receiver, [lender], twelve, days=0)
    got = fit(task, SMALL, 0, None)
    line = lent_line(lent_spans(task, task.sources[0], 4, 30), 1, LineSettings())
    told = Told(task.target, task.test, visible_days(task), 24)
    assert torch.allclose(
        got(task, task.test)[:, 1:], task.target.only(1).on_map(line(told, 1))
    )
    assert got.parameters == 2 * 24 * (6 + 2 + 1)
    blank = replace(task, target=replace(task.target, valid=task.target.valid[:1]))
    assert torch.equal(fit(blank, SMALL, 0, None)(task, task.test), got(task, task.test))
    with pytest.raises(DataError, match="no source city"):
        fit(make_task(receiver, protocol=twelve), SMALL, 0, None)


def test_trees_that_say_nothing_leave_the_line(both):
    told = own_days(both)[0]
    line = last_value(told, 0)
    blank = Boosting(trees=1, leaves=2, smallest=1).fitted(
        Rows(readings(told, 0, line(told, 0)), np.zeros(told.labels(0).numel())), 1
    )
    for boosters in ((), (blank,), (blank, blank)):
        assert torch.equal(Boosted(line, boosters)(told, 0), line(told, 0))


def test_residuals_are_in_units_of_their_spread(both):
    """Weighted squares of residuals are squared errors in the city's scale."""
    told = own_days(both)[1]
    line = last_value(told, 0)
    rows = residuals(told, 0, line, 2.0)
    off = told.labels(0) - line(told, 0)
    assert (rows.weights * rows.y**2).tolist() == pytest.approx((2 * off**2).flatten().tolist())
    assert spread(torch.tensor([-1.0, 0.24])).tolist() == pytest.approx([0.1, 0.5])
    again = joined([rows, rows])
    assert len(again.y) == 2 * len(rows.y) == 2 * rows.x.shape[0]
    picked = some_rows(again, 7)
    assert len(picked.y) == 7 and set(picked.y) <= set(rows.y)


def test_the_clock_is_the_labels(both):
    """Hours from a Monday on: step 120 begins a Saturday."""
    told = Told(both.target, torch.tensor([119, 120, 127]), visible_days(both), 24)
    assert clock(told).tolist() == [[23, 0], [0, 1], [7, 1]]


def test_nothing_after_the_window_is_read(lender, receiver, twelve, both, found):
    """Test days, changed after a label, change no forecast of it."""
    step = torch.tensor([twelve.test])
    flow = receiver.flow.values.copy()
    flow[int(step) :] = 3
    other = with_content_hash(receiver.assign(flow=(receiver.flow.dims, flow)))
    task = make_task(other, [lender], twelve)
    assert torch.equal(found(both, step), fit(task, SMALL, 0, None)(task, step))


def test_it_learns_more_than_the_line_of_last_values(both, found):
    last = METHODS["Previous hour"].fit(both, METHODS["Previous hour"].settings(), 0)
    ours, plain = (score(both, p)["metrics"] for p in (found, last))
    assert ours["rmse"] < 0.85 * plain["rmse"] and ours["mae"] < 0.85 * plain["mae"]


def test_a_seed_changes_nothing_and_a_predictor_is_saved(both, found, tmp_path):
    wanted = found(both, both.test)
    assert torch.equal(fit(both, SMALL, 1, None)(both, both.test), wanted)
    assert torch.equal(pickle.loads(pickle.dumps(found))(both, both.test), wanted)
    saved.save(found, tmp_path / "own")
    assert METHODS["Boosted line"] is METHOD and set(found.notes) == {"pickup", "dropoff"}
    assert torch.equal(saved.load(tmp_path / "own")(both, both.test), wanted)
