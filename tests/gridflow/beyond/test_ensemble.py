"""Three forecasts in one: what weighs them, what stands without a day, what is kept."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.baselines.mlp import MLPSettings
from stflow_lib.gridflow.beyond import boosted_line, trees
from stflow_lib.gridflow.beyond.ensemble import (
    METHOD,
    PARTS,
    Combined,
    Settings,
    fit,
    shares_in,
)
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.training import saved
from stflow_lib.training.method import Predictor
from stflow_lib.training.trees import Boosting

STUMPS = Boosting(trees=4, leaves=2)
BRIEF = Schedule(epochs=2, epoch_steps=4, batch=8, learning_rate=0.01, valid_every=5)
SMALL = Settings(
    boosted_line.Settings(booster=STUMPS, spans=2, labels=10),
    trees.PooledSettings(STUMPS, 2, 10),
    MLPSettings(target=BRIEF, source=BRIEF),
)


@pytest.fixture(scope="module")
def few(lender, receiver, twelve):
    return make_task(receiver, [lender], twelve, days=3)


@pytest.fixture(scope="module")
def none(lender, receiver, twelve):
    return make_task(receiver, [lender], twelve, days=0)


@pytest.fixture(scope="module")
def found(few):
    return METHOD.fit(few, SMALL, 0)


def alone(task):
    """The parts as the methods of their names fit them."""
    return [m.fit(task, getattr(SMALL, name), 0) for name, m in PARTS.items()]


def test_without_a_day_it_is_the_median_of_three(none):
    """Cell by cell; nothing of the target may weigh them."""
    steps = none.test[:20]
    ours = METHOD.fit(none, SMALL, 0)
    low, middle, high = torch.stack([part(none, steps) for part in alone(none)]).sort(0).values
    assert torch.equal(ours(none, steps), middle) and not torch.equal(low, high)
    assert ours.notes["shares"] == []


def test_with_days_it_is_their_weighted_mean(few, found):
    steps, shares = few.test[:20], found.notes["shares"]
    assert sum(shares) == pytest.approx(1) and min(shares) >= 0 and len(shares) == 3
    want = sum(share * part(few, steps) for share, part in zip(shares, alone(few), strict=True))
    assert torch.allclose(found(few, steps), want, atol=1e-4)


def test_shares_are_those_of_independent_errors(few):
    """Errors of deviations 1 and 2 that share nothing: 4 to 1 (Bates and Granger)."""
    random = torch.Generator().manual_seed(0)
    noise = {one: torch.randn(few.target.flow.shape, generator=random) for one in (1, 2)}

    def off(size):
        return Predictor(lambda task, s: task.target.flow[s] + size * noise[size][s])

    assert shares_in(few, [off(1), off(2)]) == pytest.approx([0.8, 0.2], abs=0.03)


def test_only_validation_labels_of_valid_cells_weigh(few):
    """A part that is wrong everywhere else has all of the weight all the same."""
    mask, valid = few.target.mask, few.target.valid

    def right_there(task, steps):
        wrong = torch.full_like(task.target.flow[steps], 99.0)
        inside = mask & torch.isin(steps, valid)[:, None, None, None]
        return torch.where(inside, task.target.flow[steps], wrong)

    last = Predictor(lambda task, steps: task.target.flow[steps - 1])
    assert shares_in(few, [Predictor(right_there), last]) == [1.0, 0.0]


def test_a_training_is_told_by_the_mlp(few, found):
    """It alone has epochs; that of the others is no training."""
    network = PARTS["network"].fit(few, SMALL.network, 0)
    assert found.epochs == network.epochs > 0 and found.curves == network.curves
    assert found.parameters > network.parameters
    assert set(found.notes) >= {"line", "pooled", "shares"}


@pytest.mark.parametrize("days", [0, 3])
def test_a_saved_one_says_the_same(few, none, days, tmp_path):
    task = few if days else none
    ours = METHOD.fit(task, SMALL, 0)
    saved.save(ours, tmp_path / "own")
    assert METHODS["Ensemble"] is METHOD
    assert torch.equal(saved.load(tmp_path / "own")(task, task.test), ours(task, task.test))


def test_a_seed_changes_the_network_only(few):
    one, two = (fit(few, SMALL, seed, None).learned["parts"] for seed in (0, 1))
    assert one["line"]["lines"][0].equal(two["line"]["lines"][0])
    first = [part["network"][0].head.weight for part in (one, two)]
    assert not torch.equal(*first)


def test_a_median_ignores_the_part_that_runs_away(few):
    parts = [Predictor(lambda task, s, c=c: torch.full_like(task.target.flow[s], c))
             for c in (1.0, 2.0, 900.0)]  # fmt: skip
    assert Combined(parts, [])(few, few.test[:3]).unique().tolist() == [2]


def test_it_needs_a_source(receiver, twelve):
    with pytest.raises(DataError, match="no source city"):
        METHOD.fit(make_task(receiver, [], twelve, days=3), SMALL, 0)
