"""Intervals of fine cells: where they are judged, that they hold, and stay inside a block."""

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.book import split_intervals
from stflow_lib.book.split_intervals import (
    BUSY,
    COLUMNS,
    QUANTILES,
    busy,
    conformal,
    judged,
    main,
    quantiles,
    said,
    shown,
    table,
)
from stflow_lib.data.schema import grid_city, with_content_hash
from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.beyond.trees import TreesSettings
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.training.method import Predictor
from stflow_lib.training.trees import Boosting

SHARES = torch.tensor([[0.4, 0.3], [0.2, 0.1]])


def task_of(flow: np.ndarray, directions: tuple[str, ...] = ("pickup",)):
    """Hourly fine maps as a task with blocks of 2 x 2."""
    time = pd.date_range("2008-05-24", periods=len(flow), freq="h")
    city = grid_city(flow, time, directions, name="handtown", step_minutes=60,
                     zone="America/Los_Angeles", unit="vehicles per hour",
                     source="made for a test", licence="MIT")  # fmt: skip
    return make_task(with_content_hash(city), 2)


@pytest.fixture(scope="module")
def drawn():
    """Blocks of about 60 vehicles, each of which takes a cell by SHARES, without memory."""
    random = np.random.default_rng(0)
    blocks = random.poisson(60, (600, 1, 4, 8))
    cells = random.multinomial(blocks, SHARES.flatten().double().numpy())
    cells = cells.reshape(600, 1, 4, 8, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return task_of(cells.reshape(600, 1, 8, 16))


def true_shares(task, indices):
    coarse = task.coarse[indices]
    return upsample_nearest(coarse, 2) * SHARES.tile(*coarse.shape[2:])


HEAD = Predictor(true_shares, 0)


def test_cells_that_are_judged_against_loops():
    random = np.random.default_rng(1)
    means = random.gamma(0.5, 6, (2, 8, 16)) * (random.random((2, 8, 16)) < 0.5)
    task = task_of(random.poisson(means, (48, 2, 8, 16)), ("in", "out"))
    found = busy(task)
    for k, sample in enumerate(task.test.tolist()):
        usual = task.fine[task.train[sample % 2 :: 2]].mean(0)[0]
        for row in range(8):
            for col in range(16):
                live = task.coarse[sample, 0, row // 2, col // 2] > 0
                assert found[k, 0, row, col] == (live and usual[row, col] >= BUSY)


def test_intervals_of_a_head_that_knows_the_shares_hold_nine_tenths(drawn):
    found = judged(busy(drawn), conformal(drawn, HEAD))
    assert 0.88 < found["inside"] < 0.93 and found["n"] == busy(drawn).sum() > 5_000


def test_quantiles_of_trees_hold_nine_tenths_of_draws(drawn):
    settings = TreesSettings(Boosting(trees=60, patience=10, leaves=8))
    found = judged(busy(drawn), quantiles(drawn, settings))
    assert 0.86 < found["inside"] < 0.93
    assert found["below"] == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("bounds", (lambda task: conformal(task, HEAD), quantiles))
def test_no_bound_leaves_its_block(drawn, bounds):
    found, whole = bounds(drawn), upsample_nearest(drawn.coarse[drawn.test], 2)
    assert (found.lower >= 0).all() and (found.upper <= whole).all()
    assert (found.lower <= found.upper).double().mean() > 0.999


def rows(scores: dict[str, float], inside: float = 0.9) -> pd.DataFrame:
    lines = [{"city": "a", "scarcity": "20", "method": name, "inside": inside, "score": score,
              "width": 1.0, "n": 10} for name, score in scores.items()]  # fmt: skip
    return pd.DataFrame(lines, columns=COLUMNS)


def test_the_sentence_and_the_table():
    found = rows({"MultinomialNet": 8.0, QUANTILES: 10.0})
    assert said(found) == (
        "90 % intervals of MultinomialNet hold 90.0 to 90.0 % of cells with at least 5 vehicles "
        "in the mean; in 1 of 1 settings 88 to 92 %. Their score is below that of the quantiles "
        "of trees in 1 of 1 (ratio 0.80 to 0.80)."
    )
    assert said(rows({"HA": 8.0})) == said(rows({})) == "Nothing was measured yet."
    assert shown(found)["inside (%)"].tolist() == [90, 90]


def test_a_city_that_is_measured_again_replaces_its_rows(tmp_path, monkeypatch):
    path = tmp_path / "split.csv"
    monkeypatch.setattr(
        split_intervals, "measured", lambda runs: rows({"HA": 3.0}).to_dict("records")
    )
    rows({"HA": 1.0, "Trees": 2.0}).to_csv(path, index=False)
    main(["a"], path)
    assert table(path)[["scarcity", "score"]].to_numpy().tolist() == [["20", 3.0]]


def test_what_is_published_is_better_than_quantiles_of_trees_in_every_setting():
    found = table().pivot_table(index=["city", "scarcity"], columns="method", values="score")
    assert len(found) == 6 and (found["MultinomialNet"] < found[QUANTILES]).all()
    inside = table().query("method == 'MultinomialNet'")["inside"]
    assert inside.between(0.88, 0.925).all()
