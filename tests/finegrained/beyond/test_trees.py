"""Trees on shares: the weights are the flow's, no vehicle is lost, the hour is learned."""

import pickle

import numpy as np
import pytest
import torch

from stflow_lib.data.schema import with_content_hash
from stflow_lib.finegrained import METHODS, make_task, score
from stflow_lib.finegrained.baselines.rules import RatioSettings
from stflow_lib.finegrained.beyond.trees import (
    LEAST,
    PRIOR,
    Blocks,
    History,
    TreesSettings,
    drawn,
    features,
    fit,
    rows,
    split,
)
from stflow_lib.training.trees import Boosting

SMALL = TreesSettings(Boosting(trees=60, patience=10, rate=0.2, leaves=8, smallest=10))


@pytest.fixture(scope="module")
def shifting(make_city):
    """In every block the upper left cell has all by day, the lower right one by night."""
    city = make_city(steps=240)
    flow = city.flow.values.copy()
    blocks = flow.reshape(240, 1, 4, 2, 8, 2).sum((3, 5))
    day = np.arange(240) % 24 < 12
    flow[:] = 0
    flow[day, :, ::2, ::2] = blocks[day]
    flow[~day, :, 1::2, 1::2] = blocks[~day]
    return make_task(with_content_hash(city.assign(flow=(city.flow.dims, flow))), 2)


def test_features_against_loops(make_city):
    """Two directions; each number of two blocks, one at the city's corner."""
    task = make_task(make_city(directions=("in", "out")), 2)
    history = History.of(task, 1.0)
    shares = history.shares
    blocks = Blocks.full(task, task.train[[9, 20]])
    got = features(blocks, history)
    assert got.shape == (len(blocks.cell), 4, 5 + 10 + 5 + 4)
    for k in {0, len(blocks.cell) // 2, len(blocks.cell) - 1}:
        s, (row, col) = int(blocks.sample[k]), divmod(int(blocks.cell[k]), 8)
        coarse = task.coarse[s, 0]
        near = [
            coarse[row + i, col + j] if 0 <= row + i < 4 and 0 <= col + j < 8 else np.nan
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        ]
        hour = s // 2 % 24
        clock = [s % 2, np.sin(np.pi * hour / 12), np.cos(np.pi * hour / 12), hour]
        weekday = (5 + s // 2 // 24) % 7  # from a Saturday on
        told = [*near, coarse.sum(), *clock, weekday, *task.external[s]]
        for inside in range(4):
            y, x = 2 * row + inside // 2, 2 * col + inside % 2
            usual = history.hour_shares(blocks, False)[k, inside]
            wanted = [shares[0, 0, y, x], usual, y, x, inside, *told]
            assert got[k, inside].tolist() == pytest.approx(
                [float(value) for value in wanted], abs=1e-5, nan_ok=True
            )


def test_shares_of_an_hour_leave_out_the_block_itself(make_city):
    """Against loops over training maps; a share that holds the label would give it away."""
    task = make_task(make_city(steps=240, directions=("in", "out")), 2)
    history, blocks = History.of(task, 1.0), Blocks.full(task, task.train[[9, 100, 203]])
    for learned in (False, True):
        got = history.hour_shares(blocks, learned)
        for k in (0, len(blocks.cell) // 2, len(blocks.cell) - 1):
            s, (row, col) = int(blocks.sample[k]), divmod(int(blocks.cell[k]), 8)
            alike = [t for t in task.train.tolist() if t // 2 % 24 == s // 2 % 24]
            kept = [t for t in alike if t != s or not learned]
            part = (slice(2 * row, 2 * row + 2), slice(2 * col, 2 * col + 2))
            counts = (
                sum(task.fine[t, 0][part] for t in kept) + PRIOR * history.shares[0, 0][part]
            )
            assert torch.allclose(got[k], (counts / counts.sum()).flatten(), atol=1e-6)


def test_blocks_are_the_full_ones(task):
    blocks = Blocks.full(task, task.train[3:6])
    pairs = {(s, c) for s in (3, 4, 5) for c in range(32) if task.coarse[s].flatten()[c] > 0}
    assert set(zip(blocks.sample.tolist(), blocks.cell.tolist(), strict=True)) == pairs
    assert torch.equal(blocks.truth.sum(1), blocks.vehicles)


def test_the_loss_of_shares_is_the_flows(task):
    """Without a correction: half the squared error of mean shares times counts, as a mean of
    which the weights are the squares of the counts."""
    history = History.of(task, 1.0)
    blocks, weights = drawn(Blocks.full(task, task.train), 10_000)
    table = rows(blocks, weights, history, True)
    share_loss = np.average(table.y**2, weights=table.weights)
    guess = blocks.fine(history.shares) * blocks.vehicles[:, None]
    flow_loss = (guess - blocks.truth).double().square().mean()
    scale = blocks.vehicles.double().square().mean()
    assert share_loss == pytest.approx((flow_loss / scale).item(), rel=1e-5)


def test_drawn_blocks_count_as_all_would(make_city):
    """Blocks of few, some and many vehicles weigh by their vehicles squared, drawn or not."""
    task = make_task(make_city(steps=800), 2)
    every, whole = drawn(Blocks.full(task, task.train), 10**6)
    some, weights = drawn(Blocks.full(task, task.train), 4000)
    assert len(some.cell) == 4000 < len(every.cell)
    edges = torch.quantile(every.vehicles, torch.tensor([0.5, 0.9]))

    def by_size(blocks, weight):
        kind = torch.bucketize(blocks.vehicles, edges)
        return torch.stack([weight[kind == k].sum() for k in range(3)]) / weight.sum()

    assert torch.allclose(by_size(some, weights), by_size(every, whole), atol=0.03)
    again = drawn(Blocks.full(task, task.train), 4000)[0]
    assert torch.equal(again.sample, some.sample) and torch.equal(again.cell, some.cell)


def test_a_split_by_hand(task):
    """Negative shares get next to nothing, the rest is scaled to the count."""
    blocks = Blocks.full(task, task.train[3:4]).some(torch.tensor([0]))
    shares = torch.full_like(task.fine[:1], 0.25)
    found = split(blocks, shares, np.array([-1.0, 0.25, 0.25, 0.5]))
    count = blocks.vehicles.item()
    wanted = [LEAST, 0.5, 0.5, 0.75]
    assert found[0].tolist() == pytest.approx([count * w / (1.75 + LEAST) for w in wanted])
    flat = split(blocks, shares, np.full(4, -3.0))
    assert flat[0].tolist() == pytest.approx([count / 4] * 4)


def test_no_vehicle_is_lost(task):
    fitted = fit(task, SMALL, 0, None)
    metrics = score(task, fitted)["metrics"]
    assert metrics["conservation"] < 1e-5
    whole = fitted(task, task.test)
    assert torch.equal(whole[3:4], fitted(task, task.test[3:4]))
    assert (whole >= 0).all() and whole.shape == task.fine[task.test].shape


def test_the_hour_is_learned(shifting):
    """Mean shares split every block in two halves; the clock knows which cell it is."""
    ours = score(shifting, fit(shifting, SMALL, 0, None))["metrics"]["rmse"]
    ha = METHODS["HA"].fit(shifting, RatioSettings(), 0, None)
    assert ours < 0.1 * score(shifting, ha)["metrics"]["rmse"]


def test_test_maps_are_not_learned_from(make_city):
    """Nor do they choose."""
    city = make_city()
    flow = city.flow.values.copy()
    flow[37:] = flow[37:][:, :, ::-1, ::-1]
    one, two = (
        make_task(city, 2),
        make_task(with_content_hash(city.assign(flow=(city.flow.dims, flow))), 2),
    )
    step = one.test[:1]
    assert torch.equal(fit(one, SMALL, 0, None)(one, step), fit(two, SMALL, 0, None)(two, step))


def test_a_seed_changes_nothing_and_a_predictor_travels(task):
    """It is run once in the tables, drawn blocks included; it holds no task."""
    few = TreesSettings(SMALL.booster, blocks=100)
    one, two = (fit(task, few, seed, None) for seed in (0, 1))
    assert torch.equal(one(task, task.test), two(task, task.test))
    assert torch.equal(pickle.loads(pickle.dumps(one))(task, task.test), one(task, task.test))
    assert one.parameters == one.predict.booster.leaves + task.fine[0].numel()
    assert one.notes == {"trees": one.predict.booster.trees}
