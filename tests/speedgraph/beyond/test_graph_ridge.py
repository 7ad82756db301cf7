"""Ridge with neighbours: their lags stand before a sensor's own, and are worth something."""

import pickle

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import METHODS, make_task, score
from stflow_lib.speedgraph.baselines.ridge import METHOD as RIDGE
from stflow_lib.speedgraph.baselines.ridge import RidgeSettings
from stflow_lib.speedgraph.beyond.graph_ridge import METHOD, fit, with_neighbours


def test_windows_against_loops(target):
    """Means along and against the ways, weights as in the adjacency, own lags at the end."""
    uneven = np.array(
        [[1, 3, 1, 0, 0], [0, 1, 0, 0, 0], [2, 0, 0, 0, 5], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0]]
    )
    city = make_task(target).target
    object.__setattr__(city, "weights", torch.tensor(uneven, dtype=torch.float32))
    steps = city.known[[0, 7]]
    got = with_neighbours(city).windows(steps)
    own, ways = city.windows(steps)[..., 0], uneven - np.diag(uneven.diagonal())
    assert got.shape == (2, 5, 36, 2)
    for part, weights in enumerate((ways, ways.T)):
        for n in range(5):
            share = weights[n] / weights[n].sum() if weights[n].sum() else np.eye(5)[n]
            wanted = sum(share[m] * own[:, m] for m in range(5))
            lags = got[:, n, 12 * part : 12 * (part + 1), 0]
            assert torch.allclose(lags, wanted.float(), atol=1e-6)
    assert torch.equal(got[:, :, 24:], city.windows(steps))
    assert torch.allclose(got[..., :12, 1], got[..., 24:, 1])


def test_held_firmly_it_repeats_the_last_value(task):
    """The prior is the sensor's own newest reading, not a neighbour's."""
    fitted = fit(task, RidgeSettings(strengths=(1e12,)), 0, None)
    steps = task.test[:5]
    last = task.target.unscale(task.target.windows(steps)[:, :, -1, 0])
    assert torch.allclose(fitted(task, steps), last[..., None].expand(-1, -1, 6), atol=1e-3)


def test_a_wave_that_runs_along_the_road_is_foreseen(make_speed):
    """Each sensor repeats its upstream neighbour a step later: only the graph knows what comes."""
    city = make_speed(nodes=12, missing=0.0)
    steps, nodes = city.speed.shape
    random = np.random.default_rng(0).normal(50, 5, steps + nodes)
    wave = np.stack([random[nodes - n : nodes - n + steps] for n in range(nodes)], 1)
    ring = np.eye(nodes, k=1, dtype=np.float32)
    city = city.assign(
        speed=(("time", "node"), wave.astype(np.float32)),
        adjacency=(city.adjacency.dims, ring),
    )
    task = make_task(with_content_hash(city))
    alone, told = (
        score(task, method.fit(task, method.settings(), 0, None))["parts"]["min10_mae"]
        for method in (RIDGE, METHOD)
    )
    assert told < 0.4 * alone


def test_refused_pickled_and_in_its_row(task, target):
    with pytest.raises(DataError, match="target: no day"):
        fit(make_task(target, days=0), RidgeSettings(), 0, None)
    fitted = fit(task, RidgeSettings(), 0, None)
    assert fitted.parameters == (3 * 12 + 1) * 6 and METHODS["Graph ridge"] is METHOD
    again = pickle.loads(pickle.dumps(fitted))
    assert torch.equal(again(task, task.test[:3]), fitted(task, task.test[:3]))
