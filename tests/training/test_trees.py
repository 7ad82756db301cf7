"""The booster is cut where validation is best, whatever the threads, and nowhere else."""

import pickle

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from stflow_lib.training.trees import Boosting, Rows

SMALL = Boosting(trees=60, patience=5, rate=0.3, leaves=6, smallest=5)


def rows(count=400, seed=0, noise=0.5, weights=None):
    """A step and a slope, a fifth of the first column missing."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 3))
    y = np.where(x[:, 0] > 0, 2.0, 0.0) + x[:, 1] + noise * random.normal(size=count)
    x[random.random(count) < 0.2, 0] = np.nan
    return Rows(x, y, weights)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_cut_where_the_validation_loss_is_least(loss):
    """Each point of the curve, and the cut, against boosters fitted to that length."""
    boosting = Boosting(trees=60, patience=5, rate=0.3, leaves=6, smallest=5, loss=loss)
    weights = np.random.default_rng(2).random(300) + 0.1
    learn, judge = rows(), rows(300, 1, weights=weights)
    found = boosting.chosen(learn, judge)
    losses = []
    for trees in range(1, len(found.curve)):
        off = np.abs(boosting.fitted(learn, trees)(judge.x) - judge.y)
        losses.append(np.average(off if loss[0] == "a" else off**2 / 2, weights=weights))
    assert found.curve[1:] == pytest.approx(losses, rel=1e-6)
    assert found.trees == 1 + int(np.argmin(losses)) < len(losses) < 60
    assert np.array_equal(found(judge.x), boosting.fitted(learn, found.trees)(judge.x))


def test_patience_ends_where_there_is_nothing_to_learn():
    """Labels without any pattern: a tree is kept, and no more than the patience is tried."""
    learn, judge = rows(noise=0.0), rows(seed=1)
    noise = np.random.default_rng(5)
    learn = Rows(noise.normal(size=learn.x.shape), noise.normal(size=len(learn.y)))
    found = SMALL.chosen(learn, Rows(judge.x, noise.normal(size=len(judge.y))))
    assert 1 <= found.trees and len(found.curve) - 1 <= found.trees + SMALL.patience + 1 < 60


def test_threads_do_not_change_a_prediction():
    """Records of machines with other numbers of cores must agree."""
    learn, judge = rows(3000), rows(500, 1)
    guesses = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            guesses.append(SMALL.chosen(learn, judge)(judge.x))
    assert np.array_equal(*guesses)


def test_a_column_that_holds_nothing_changes_nothing():
    """In zero-shot nothing is told of a target's level, in any row."""
    learn, judge = rows(), rows(300, 1)
    hollow = [np.hstack([r.x, np.full((len(r.x), 1), np.nan)]) for r in (learn, judge)]
    found = SMALL.chosen(Rows(hollow[0], learn.y), Rows(hollow[1], judge.y))
    assert np.array_equal(found(hollow[1]), SMALL.chosen(learn, judge)(judge.x))
    assert np.array_equal(SMALL.fitted(Rows(hollow[0], learn.y), 3)(hollow[1]),
                          SMALL.fitted(learn, 3)(judge.x))  # fmt: skip


def test_weights_count_rows():
    """One leaf, no pattern: the prediction is the weighted mean."""
    x, y = np.zeros((6, 1)), np.arange(6.0)
    found = SMALL.fitted(Rows(x, y, np.array([1.0, 0, 0, 0, 0, 3.0])), 1)
    assert found(x[:1]) == pytest.approx([3.75])


def test_leaves_are_those_of_the_trees_that_are_kept():
    """A single tree says as many different things as it has leaves."""
    learn = rows(2000)
    one = SMALL.fitted(learn, 1)
    assert one.leaves == len(np.unique(one(learn.x))) == 6 and one.trees == 1
    cut = SMALL.chosen(learn, rows(300, 1))
    assert cut.trees < len(cut.curve) - 1
    assert cut.leaves == SMALL.fitted(learn, cut.trees).leaves <= 6 * cut.trees


def test_a_booster_survives_pickling():
    learn = rows()
    found = SMALL.fitted(learn, 4)
    assert np.array_equal(pickle.loads(pickle.dumps(found))(learn.x), found(learn.x))
