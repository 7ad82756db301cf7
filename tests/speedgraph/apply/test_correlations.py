"""A graph where nobody knows one: who changes together is near."""

import numpy as np

from stflow_lib.speedgraph.apply.correlations import correlation_graph


def walks(steps=500, seed=0):
    """Two pairs of sensors with the same changes and some noise of their own."""
    random = np.random.default_rng(seed)
    change = random.normal(size=(steps, 2)).repeat(2, 1)
    return np.cumsum(change + 0.3 * random.normal(size=change.shape), 0)


def test_pairs_that_change_together_are_linked():
    weights = correlation_graph(walks())
    assert (weights > 0.5).tolist() == np.kron(np.eye(2), np.ones((2, 2))).astype(bool).tolist()
    assert np.array_equal(weights, weights.T) and (weights.diagonal() == 1).all()


def test_weights_are_correlations_of_changes_where_both_are_known():
    speed = walks()
    speed[100:180, 0], speed[300, 1] = np.nan, np.nan
    one, other = np.diff(speed[:, :2], axis=0).T
    both = np.isfinite(one) & np.isfinite(other)
    want = np.corrcoef(one[both], other[both])[0, 1]
    assert abs(correlation_graph(speed)[0, 1] - want) < 0.01


def test_a_shared_rhythm_is_no_nearness():
    noise = np.random.default_rng(0).normal(size=(2000, 2))
    rhythm = 20 * np.sin(np.arange(2000) / 300)[:, None]
    assert correlation_graph(rhythm + noise) is None
    assert correlation_graph(noise[:, :1]) is None
