"""What a line is told of a cell, number by number, and that no label is among it."""

import pytest
import torch

from stflow_lib.gridflow import ALL_DAYS, make_task
from stflow_lib.gridflow.beyond.context import Told, features, lent_spans, own_days
from stflow_lib.gridflow.beyond.trees import usual_demand, visible_days


@pytest.fixture(scope="module")
def both(lender, receiver, twelve):
    return make_task(receiver, [lender], twelve)


def around(maps, row, col):
    """A naive mean of the eight cells around, 0 outside the grid."""
    some = [(row + i, col + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    inside = [(r, c) for r, c in some if 0 <= r < maps.shape[0] and 0 <= c < maps.shape[1]]
    return sum(maps[r, c].item() for r, c in inside) / 8


def test_features_against_loops(both):
    """Each number of one row of drop-offs, whose other direction is pick-ups."""
    city, t = both.target, 200
    days = visible_days(both)
    cell = int(city.cells(1)[3])
    row, col = divmod(cell, city.flow.shape[3])
    got = features(Told(city, torch.tensor([t]), days, 24), 1)[0, 3]
    flow = city.scaled
    wanted = [flow[t - k, 1, row, col].item() for k in range(6, 0, -1)]
    wanted += [around(flow[t - k, 1], row, col) for k in (2, 1)]
    wanted += [flow[t - k, 0, row, col].item() for k in range(6, 0, -1)]
    wanted += [around(flow[t - k, 0], row, col) for k in (2, 1)]
    wanted += [flow[t - k, d].mean().item() for k in (2, 1) for d in (1, 0)]
    for d in (1, 0):
        usual = usual_demand(flow[:, d], days, torch.tensor([t]), 24)[0]
        wanted += usual[:, row, col].tolist()
    assert got.tolist() == pytest.approx([*wanted, 1.0], abs=1e-5)


def test_told_nothing_it_reads_its_own_direction_alone(both):
    """Zeros in the other direction change nothing where no day is told."""
    city, steps = both.target, torch.tensor([200])
    nothing = Told(city, steps, visible_days(both)[:0], 24)
    got = features(nothing, 0)
    assert got.shape[2] == 6 + 2 + 1 and torch.equal(got[..., -1], torch.ones_like(got[..., 0]))
    assert torch.equal(features(Told(city.only(0), steps, nothing.days, 24), 0), got)


@pytest.mark.parametrize("days", [3, 2, 1, 0, ALL_DAYS])
def test_labels_are_outside_the_days_they_are_told(lender, receiver, twelve, days):
    """Of the target the other days, of a source as many in a row elsewhere."""
    task = make_task(receiver, [lender], twelve, days=days)
    own, shown = own_days(task), len(visible_days(task))
    lent = lent_spans(task, task.sources[0], 4, 30)
    assert len(own) == (shown if shown > 1 else 0) and len(lent) == (4 if days else 1)
    for part in [*own, *lent]:
        assert not set(part.steps.tolist()) & set(part.days.flatten().tolist())
    assert all(len(part.days) == shown - 1 for part in own)
    assert all(len(part.days) == min(shown, 4) for part in lent)
    assert all(set(p.steps.tolist()) <= set(task.sources[0].train.tolist()) for p in lent)
    if days:
        assert {len(part.steps) for part in lent} == {30}
    else:
        assert torch.equal(lent[0].steps, task.sources[0].train)
