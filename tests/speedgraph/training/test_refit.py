"""What is chosen on blocks is trained again on all visible windows, along the same rates."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.speedgraph import METHODS, Choices, make_task
from stflow_lib.speedgraph.plan import Plan
from stflow_lib.speedgraph.training.refit import Replay, chosen_on_target, until_best
from stflow_lib.training.loop import Training

PLAN = Training(epochs=6, epoch_steps=2, batch=2, learning_rate=1e-2, halve_every=0, plateau=1)


@pytest.fixture
def blocked(target, source):
    """A task whose blocks choose."""
    return make_task(target, [source], choices=Choices(blocks=1))


def trained(task, plan=PLAN, folder=None, curve=(5.0, 3.0, 4.0, 4.0, 2.0, 9.0)):
    """A line that learns 1, what it was shown, and its history; scores come from `curve`."""
    network, shown, scores = torch.nn.Linear(1, 1), [], iter(curve)
    torch.nn.init.zeros_(network.weight), torch.nn.init.zeros_(network.bias)

    def loss(steps):
        shown.append(steps.tolist())
        return (network(torch.ones(1, 1)) - 1).square().mean()

    history = chosen_on_target(network, loss, task, lambda: {"valid_mae": next(scores)}, plan,
                               seed=0, folder=folder)  # fmt: skip
    return network, shown, history


def test_with_the_third_day_nothing_is_trained_twice(task):
    shown = trained(task)[1]
    assert len(shown) == 12 and {t for b in shown for t in b} <= set(task.target.train.tolist())


def test_all_visible_windows_teach_as_long_as_was_best(blocked):
    """Six epochs choose the fifth; five more follow, of the same length, and end the training."""
    city = blocked.target
    _, shown, history = trained(blocked)
    assert len(shown) == 12 + 10 and history.steps == 12 and history.best_step == 10
    chose, taught = shown[:12], shown[12:]
    assert {t for b in chose for t in b} <= set(city.train.tolist())
    assert not {t for b in taught for t in b} <= set(city.train.tolist())
    assert {t for b in taught for t in b} <= set(city.known.tolist())


def test_the_second_training_is_the_first_on_other_windows(blocked):
    """Same start, same rates: where the loss looks at no window both end in the same weights."""
    alone = replace(blocked, refit=False)
    (one, *_), (two, *_) = trained(blocked), trained(alone)
    assert torch.equal(one.weight, two.weight) and one.weight.item() != 0


def test_a_pass_has_as_many_steps_as_before(blocked):
    """More windows make no longer epochs: 186 in batches of 50 are four steps."""
    plan = until_best(Training(batch=50, patience=3, minutes=5.0), [3.0, 1.0, 1.0, 2.0], 186)
    assert (plan.epochs, plan.epoch_steps, plan.patience, plan.minutes) == (2, 4, 0, 0.0)


def test_a_finished_training_is_loaded(blocked, tmp_path):
    """Both stages; a resumed second one knows where on the curve it is."""
    one, shown, _ = trained(blocked, folder=tmp_path)
    two, again, _ = trained(blocked, folder=tmp_path)
    assert shown and not again and torch.equal(one.weight, two.weight)
    replay = Replay(torch.nn.Linear(1, 1), [3.0, 2.0, 1.0])
    replay.score()
    other = Replay(torch.nn.Linear(1, 1), [3.0, 2.0, 1.0])
    other.load_state_dict(replay.state_dict())
    assert other.score() == {"valid_mae": 2.0}


@pytest.mark.parametrize(
    "name, stage",
    [("TSJT(STGCN)", "fit"), ("DCRNN", "target"), ("STGP", "target"), ("Fine-tuned", "target")],
)
def test_every_way_to_learn_a_target_is_trained_again(name, stage, blocked, tmp_path):
    """Joint training, what ends transfer baselines, and STGP's prompts."""
    METHODS[name].fit(blocked, Plan.of("smoke").settings(name), 0, tmp_path)
    assert {f"{stage}.pt", f"{stage}-all.pt"} <= {path.name for path in tmp_path.iterdir()}
