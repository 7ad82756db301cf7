"""Errors by hand: pooled, of one event, and of kinds of regions."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.gridflow import METHODS, make_task, score
from stflow_lib.training.method import NoSettings

KINDS = torch.tensor([[0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 5]])  # of 3 x 4 cells, 3 dead


@pytest.fixture(scope="module")
def task(receiver, twelve):
    return replace(make_task(receiver, (), twelve), kinds=KINDS)


def test_by_hand(task):
    """Shops are two cells off by 3, a cell of no kind and dead ones are in no kind's score."""
    off = torch.where(KINDS == 1, 3.0, torch.where(KINDS == 5, 2.0, 1.0))
    parts = score(task, lambda t, s: t.target.flow[s] + off, batch=7)["parts"]
    found = {k: v for k, v in parts.items() if k.startswith("kind")}
    assert set(found) == {f"kind_{k}_{e}" for k in (0, 1, 5) for e in ("rmse", "mae")}
    for kind, want in {0: 1.0, 1: 3.0, 5: 2.0}.items():
        assert found[f"kind_{kind}_rmse"] == pytest.approx(want)
        assert found[f"kind_{kind}_mae"] == pytest.approx(want)


def test_one_kind_is_the_score(task):
    """A kind's sums and means are the pooled score's."""
    rule = METHODS["Yesterday"].fit(task, METHODS["Yesterday"].settings(), 0, None)
    got = score(replace(task, kinds=torch.zeros(3, 4, dtype=torch.int64)), rule)
    assert got["parts"]["kind_0_rmse"] == pytest.approx(got["metrics"]["rmse"])
    assert got["parts"]["kind_0_mae"] == pytest.approx(got["metrics"]["mae"])


def test_a_direction_without_a_cell_of_the_kind_is_left_out(task):
    """Its mean is of the other direction alone, and no sum is divided by nothing."""
    mask = task.target.mask.clone()
    mask[0, KINDS == 5] = False
    half = replace(task, target=replace(task.target, mask=mask))
    parts = score(half, lambda t, s: t.target.flow[s] + 2.0)["parts"]
    assert parts["kind_5_rmse"] == pytest.approx(2.0)


def test_kinds_unknown_leave_the_score_alone(task):
    rule = METHODS["Yesterday"].fit(task, METHODS["Yesterday"].settings(), 0, None)
    assert not [
        k for k in score(replace(task, kinds=None), rule)["parts"] if k.startswith("kind")
    ]


def test_score_by_hand(receiver, lender, twelve):
    """Pooled over hours and valid cells, then the mean of the directions."""
    task = make_task(receiver, [lender], twelve)
    off = torch.tensor([1.0, -3.0])[:, None, None]
    got = score(task, lambda t, steps: t.target.flow[steps] + off, batch=7)
    assert got["metrics"] == pytest.approx({"rmse": 2.0, "mae": 2.0})
    want = {"pickup_rmse": 1, "pickup_mae": 1, "dropoff_rmse": 3, "dropoff_mae": 3}
    assert got["parts"] == pytest.approx(want)


@given(st.integers(1, 60))
def test_score_does_not_depend_on_the_batch(receiver, twelve, batch):
    """Means of means would."""
    task = make_task(receiver, (), twelve)
    rule = METHODS["Yesterday"].fit(task, NoSettings(), 0, None)
    whole, parts = score(task, rule)["metrics"], score(task, rule, batch=batch)["metrics"]
    assert parts == pytest.approx(whole)


def test_invalid_cells_do_not_count(receiver, twelve):
    """Not even with a NaN; a NaN in a valid cell is an error."""
    task = make_task(receiver, (), twelve)

    def predict(t, steps):
        return torch.where(t.target.mask, t.target.flow[steps] + 1, torch.nan)

    assert score(task, predict)["metrics"] == pytest.approx({"rmse": 1.0, "mae": 1.0})
    with pytest.raises(ValueError, match="not finite"):
        score(task, lambda t, steps: predict(t, steps) * torch.nan)


def test_a_prediction_of_another_shape_is_an_error(receiver, twelve):
    """One direction would broadcast over two."""
    task = make_task(receiver, (), twelve)
    with pytest.raises(ValueError, match=r"prediction \(48, 1, 3, 4\), truth \(48, 2, 3, 4\)"):
        score(task, lambda t, steps: t.target.flow[steps][:, :1])


def test_event_is_scored_apart(receiver, twelve):
    """Errors of 5 trips in hours 250 to 259, of 2 just beside them, of 1 in the others."""
    task = make_task(receiver, (), replace(twelve, event=(250, 260)))

    def predict(t, steps):
        error = [5.0 if 250 <= s < 260 else 2.0 if s in (249, 260) else 1.0 for s in steps]
        return t.target.flow[steps] + torch.tensor(error)[:, None, None, None]

    got = score(task, predict)
    assert got["metrics"]["mae"] == pytest.approx((10 * 5 + 2 * 2 + 36) / 48)
    assert got["parts"]["without_event_mae"] == pytest.approx((2 * 2 + 36) / 38)
    assert got["parts"]["without_event_rmse"] == pytest.approx(((2 * 4 + 36) / 38) ** 0.5)
