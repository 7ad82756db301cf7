"""The booster is cut where validation is best, whatever the threads, and nowhere else."""

import pickle

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from stflow_lib.training.trees import Booster, Boosting, Rows, quantile_trees

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


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_trees_of_arrays_predict_the_same_bits(loss):
    """Missing values, thresholds hit exactly and float32 rows too."""
    boosting = Boosting(trees=60, patience=5, rate=0.3, leaves=6, smallest=5, loss=loss)
    found = boosting.chosen(rows(), rows(300, 1))
    again = Booster.stored(found.arrays())
    edges = np.unique(found.arrays()["num_threshold"])
    x = np.random.default_rng(5).choice([*edges, np.nan, -9.0, 9.0], size=(500, 3))
    for some in (x, x.astype(np.float32), rows(50, 7).x):
        assert np.array_equal(found(some), again(some))
        assert np.array_equal(found(some), naive(found.arrays(), some))
    assert (again.trees, again.leaves) == (found.trees, found.leaves)
    for name, array in again.arrays().items():
        assert np.array_equal(array, found.arrays()[name]), name


def naive(arrays, x):
    """Every row walks down every tree."""
    answers, first = np.full(len(x), arrays["base"]), 0
    for size in arrays["sizes"]:
        tree = {n: a[first : first + size] for n, a in arrays.items() if np.ndim(a)}
        answers += [walk(tree, row) for row in x.astype(np.float64)]
        first += size
    return answers


def walk(tree, row):
    at = 0
    while not tree["is_leaf"][at]:
        value = row[tree["feature_idx"][at]]
        missing = np.isnan(value) and tree["missing_go_to_left"][at]
        left = missing or value <= tree["num_threshold"][at]
        at = tree["left" if left else "right"][at]
    return tree["value"][at]


@pytest.mark.parametrize(
    "name, value", [("left", 0), ("right", 10**6), ("feature_idx", 3), ("feature_idx", -1)]
)
def test_arrays_that_are_no_trees_are_refused(name, value):
    """Compiled code would walk in a circle, or outside the arrays."""
    arrays = SMALL.fitted(rows(), 3).arrays()
    arrays[name] = np.where(arrays["is_leaf"] == 0, value, arrays[name])
    with pytest.raises(ValueError, match="nodes that are no tree"):
        Booster.stored(arrays)


def test_sizes_that_do_not_add_up_are_refused():
    arrays = SMALL.fitted(rows(), 3).arrays()
    for sizes in ([1, 1, 1], [], [10**6]):
        with pytest.raises(ValueError):
            Booster.stored(arrays | {"sizes": np.array(sizes, np.int64)})


def test_rows_of_another_width_are_refused():
    again = Booster.stored(SMALL.fitted(rows(), 3).arrays())
    with pytest.raises(ValueError, match="rows of 2 features, trees read 3"):
        again(np.zeros((4, 2)))


def test_a_quantile_is_that_of_the_rows_where_nothing_tells_them_apart():
    random = np.random.default_rng(0)
    x, y = np.full((4000, 2), np.nan), random.exponential(1, 4000)
    size = Boosting(trees=20, patience=5, rate=0.5, leaves=4)
    for level in (0.05, 0.5, 0.95):
        found = quantile_trees(size, level, Rows(x, y), Rows(x, y))(x)
        assert np.allclose(found, np.quantile(y, level), rtol=0.02)
