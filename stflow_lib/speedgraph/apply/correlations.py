"""A graph for sensors of which nobody knows what is near what."""

import numpy as np

NEIGHBOURS = 5  # of a sensor, those that go with it most
LEAST = 0.1  # a weaker correlation is no edge


def correlation_graph(speed: np.ndarray) -> np.ndarray | None:
    """Weights [N, N] from speeds [T, N], NaN where missing; None where nothing goes together.

    A weight is the correlation of two sensors' changes from step to step, so that a daily rhythm
    that all share is no nearness; each keeps its NEIGHBOURS strongest, and the graph is symmetric
    with a unit diagonal.
    """
    weights = _correlations(np.diff(speed.astype(np.float64), axis=0))
    np.fill_diagonal(weights, 0)
    most = min(NEIGHBOURS, len(weights) - 1)
    if most < 1:
        return None
    least = np.maximum(np.sort(weights, 1)[:, -most, None], LEAST)
    weights = np.where(weights >= least, weights, 0)
    weights = np.maximum(weights, weights.T)
    if not weights.any():
        return None
    np.fill_diagonal(weights, 1)
    return weights.astype(np.float32)


def _correlations(change: np.ndarray) -> np.ndarray:
    """Pearson's correlation over the steps at which both are known, 0 where there is none."""
    seen = np.isfinite(change)
    mean = np.where(seen, change, 0).sum(0) / np.maximum(seen.sum(0), 1)
    centred, known = np.where(seen, change - mean, 0), seen.astype(np.float64)
    spread = np.square(centred).T @ known
    root = np.sqrt(spread * spread.T)
    found = np.divide(centred.T @ centred, root, out=np.zeros_like(root), where=root > 0)
    return np.clip(found, 0, 1)
