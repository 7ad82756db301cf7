"""Trees asked for two quantiles: what they learn from, and that a known law is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import make_task
from stflow_lib.gridflow.beyond.further import further
from stflow_lib.gridflow.beyond.quantile_trees import fitted, rows
from stflow_lib.gridflow.beyond.trees import PooledSettings, own_parts
from stflow_lib.training.trees import Boosting

LEVELS = (0.05, 0.95)
SMALL = PooledSettings(
    Boosting(trees=60, patience=8, leaves=6, smallest=30), spans=4, labels=40
)


@pytest.fixture(scope="module")
def both(lender, receiver, twelve):
    return make_task(receiver, [lender], twelve)


@pytest.fixture(scope="module")
def found(both):
    return fitted(further(both, 6), LEVELS, SMALL)


def arrays(found):
    return [end.arrays() for way in found.boosters for end in way]


def same(one, other):
    pairs = zip(arrays(one), arrays(other), strict=True)
    return all(np.array_equal(a[key], b[key]) for a, b in pairs for key in a)


def test_a_row_is_what_trees_read_and_the_change_from_the_last_hour_known(both):
    (part, *_), task = own_parts(further(both, 6)), both
    got, cells = rows([part], 1), both.target.cells(1)
    flow = task.target.scaled[:, 1].flatten(1)[:, cells]
    assert np.array_equal(got.x, part.features(1))
    wanted = (
        flow[part.steps]
        - further(both, 6).target.scaled[part.steps - 6, 1].flatten(1)[:, cells]
    )
    assert np.allclose(got.y, wanted.flatten(), atol=1e-6) and (got.weights == 1).all()


def test_about_nine_tenths_of_poisson_counts_lie_between(both, found):
    task = further(both, 6)
    lower, upper = found(task, task.test)
    truth, mask = task.target.flow[task.test], task.target.mask
    inside = ((lower <= truth) & (truth <= upper))[:, mask].double().mean()
    assert 0.8 < inside < 0.97 and (lower >= 0).all() and (lower <= upper).all()
    assert (upper[:, ~mask] == 0).all()


def test_no_test_hour_reaches_them(both, found):
    scaled, flow = both.target.scaled.clone(), both.target.flow.clone()
    scaled[both.test], flow[both.test] = 0.3, 7
    other = replace(both, target=replace(both.target, flow=flow, scaled=scaled))
    assert same(fitted(further(other, 6), LEVELS, SMALL), found)


def test_without_a_day_only_sources_teach(lender, receiver, twelve):
    task = make_task(receiver, [lender], twelve, days=0)
    other = replace(task.target, scaled=torch.rand_like(task.target.scaled))
    first, second = (
        fitted(further(one, 3), LEVELS, SMALL, most=500)
        for one in (task, replace(task, target=other))
    )
    assert same(first, second)


def test_a_source_is_needed(receiver, twelve):
    with pytest.raises(DataError, match="no source city"):
        fitted(make_task(receiver, (), twelve), LEVELS, SMALL)
