"""Trees asked for two quantiles of speeds: what they learn from, and that a known law is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import Choices, make_task
from stflow_lib.speedgraph.beyond.quantile_trees import fitted, some_rows
from stflow_lib.training.trees import Boosting, Rows

LEVELS, REPORTED = (0.05, 0.95), (1, 6)
SMALL = Boosting(trees=60, patience=8, rate=0.2, leaves=6, smallest=30)
BLOCKS = Choices(blocks=1)


@pytest.fixture(scope="module")
def city(target):
    return make_task(target, choices=BLOCKS).target


@pytest.fixture(scope="module")
def found(city):
    return fitted(city, LEVELS, REPORTED, SMALL)


def same(one, other):
    first, last = ([b.arrays() for ends in t.boosters for b in ends] for t in (one, other))
    pairs = zip(first, last, strict=True)
    trees = all(np.array_equal(a[key], b[key]) for a, b in pairs for key in a)
    return trees and torch.equal(one.level, other.level)


def test_about_nine_tenths_of_speeds_lie_between(city, found):
    """Noise of three miles an hour around a rhythm; windows after the visible days."""
    steps = torch.arange(450, 800)
    truth, seen = (part[..., [0, 5]] for part in city.labels(steps))
    for trees in found:
        lower, upper = trees(city, steps)
        assert ((lower <= truth) & (truth <= upper))[seen].double().mean() > 0.8
        assert (lower >= 0).all() and (lower <= upper).all()
        assert 0.8 < (upper - lower).mean() / (2 * 1.645 * 3) < 1.4


def test_no_step_after_the_visible_days_reaches_them(target, found):
    later = target.speed.values.copy()
    later[3 * 144 :] = 7
    other = make_task(with_content_hash(target.assign(speed=(target.speed.dims, later))),
                      choices=BLOCKS).target  # fmt: skip
    for one, twin in zip(found, fitted(other, LEVELS, REPORTED, SMALL), strict=True):
        assert same(one, twin)


def test_the_last_fit_is_the_first_where_only_what_teaches_is_visible(city, found):
    first, last = fitted(replace(city, known=city.train), LEVELS, REPORTED, SMALL)
    assert same(first, last) and same(first, found[0]) and not same(*found)


def test_as_many_trees_are_fitted_again(found):
    first, last = ([b.trees for ends in trees.boosters for b in ends] for trees in found)
    assert first == last and min(first) >= 1 and max(first) < 60


def test_rows_are_drawn_once():
    rows = Rows(np.arange(20.0)[:, None], np.arange(20.0))
    some = some_rows(rows, 8)
    assert np.array_equal(some.x[:, 0], some.y) and len(set(some.y)) == 8
    assert np.array_equal(some.y, some_rows(rows, 8).y)
    assert sorted(some_rows(rows, 50).y) == rows.y.tolist()
