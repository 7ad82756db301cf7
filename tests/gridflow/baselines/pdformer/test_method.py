"""PDFormer on a city: which cells are its nodes, what it may know, its training."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import make_task
from stflow_lib.gridflow.baselines.pdformer.method import METHOD, cells_of, known_of
from stflow_lib.gridflow.baselines.pdformer.network import (
    PDFormerSettings,
)
from stflow_lib.gridflow.training.schedule import Schedule

SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, patience=0, weight_decay=0.0, clip=5.0)
SMALL = PDFormerSettings(width=16, blocks=2, skip=8, training=SHORT)


def test_known_of_a_city(receiver, twelve):
    """Only cells valid in some direction are nodes; near is less than 3 cells away."""
    task = make_task(receiver, (), twelve)
    cells = cells_of(task.target)
    about = known_of(task.target, cells, 0)
    assert cells.cells.tolist() == sorted(
        {*task.target.cells(0).tolist(), *task.target.cells(1).tolist()}
    )
    rows, cols = cells.cells // 4, cells.cells % 4
    for i, j in ((0, 1), (0, len(rows) - 1), (2, 5)):
        far = max(abs(int(rows[i] - rows[j])), abs(int(cols[i] - cols[j])))
        assert about.near[i, j] == (far < 3)
    assert about.alike.sum(1).eq(5).all() and about.alike.diagonal().all()
    days = {str(t)[:10] for t in task.target.time[114:192]}  # six hours before the first label
    assert about.weekdays.sum() == len(days) == 4
    own = cells.series(task.target)[task.target.train].double()
    assert own.mean().item() == pytest.approx(cells.mean)


def test_nothing_outside_the_few_shot_days_is_known(receiver, twelve):
    """The original averages the daily curve over the test too."""
    changed = receiver.copy(deep=True)
    changed.flow.values[:120] *= 2
    changed.flow.values[192:] *= 3
    tasks = [make_task(city, (), twelve) for city in (receiver, changed)]
    pairs = [(known_of(t.target, cells_of(t.target), 0)) for t in tasks]
    for name in ("near", "alike", "place", "shapes"):
        assert torch.equal(getattr(pairs[0], name), getattr(pairs[1], name)), name


def test_fit_predicts_maps_of_both_directions(receiver, twelve):
    task = make_task(receiver, (), twelve)
    predictor = METHOD.fit(task, SMALL, 0, None)
    whole = predictor(task, task.test)
    assert whole.shape == task.target.flow[task.test].shape and whole.isfinite().all()
    torch.testing.assert_close(
        predictor(task, task.test[[4, 9]]), whole[[4, 9]], rtol=1e-4, atol=1e-4
    )
    assert predictor.epochs == 2 and set(predictor.curves) == {"loss", "valid_rmse"}
    assert torch.equal(METHOD.fit(task, SMALL, 0, None)(task, task.test), whole)


def test_training_lowers_the_error(receiver, twelve):
    """Wrongly ordered outputs or an output left in z-scores would not."""
    longer = replace(SHORT, epochs=8, epoch_steps=10, learning_rate=3e-3)
    task = make_task(receiver, (), twelve)
    curves = METHOD.fit(task, replace(SMALL, training=longer), 0, None).curves
    deviation = task.target.flow[task.target.valid][:, task.target.mask].std()
    assert min(curves["valid_rmse"]) < min(0.8 * deviation, 0.9 * curves["valid_rmse"][0])


def test_zero_shot_is_an_error(receiver, lender, twelve):
    with pytest.raises(DataError, match="receiver: 0 training steps, PDFormer needs days"):
        METHOD.fit(make_task(receiver, [lender], twelve, days=0), SMALL, 0, None)
