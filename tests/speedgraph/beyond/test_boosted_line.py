"""A line and trees on what it leaves over, for speeds."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import METHODS, make_task, score
from stflow_lib.speedgraph.beyond import trees
from stflow_lib.speedgraph.beyond.boosted_line import (
    BOOSTER,
    METHOD,
    Forecaster,
    Settings,
    days_told,
    fit,
)
from stflow_lib.speedgraph.beyond.left_over import Left, lent_windows
from stflow_lib.speedgraph.beyond.line import LineSettings, lent_line
from stflow_lib.speedgraph.beyond.other_days import OtherDays
from stflow_lib.speedgraph.problem.held_back import untaught
from stflow_lib.speedgraph.problem.task import Choices
from stflow_lib.training import saved
from stflow_lib.training.trees import Rows

SMALL = Settings(
    LineSettings(windows=40),
    BOOSTER(trees=10, patience=3, leaves=4, smallest=20),
    spans=2,
    windows=10,
)


@pytest.fixture(scope="module")
def found(task):
    return METHOD.fit(task, SMALL, 0)


@pytest.fixture(scope="module")
def left(task):
    line = lent_line(task.sources, SMALL.line)
    city = task.target
    return Left(trees.Part(city, city.train[:60], torch.zeros(5)), line, days_of(city))


def days_of(city):
    return OtherDays.of(city, city.train, 144)


def test_trees_that_say_nothing_leave_the_line(task, left):
    """And a line of no change repeats the last input."""
    x = left.readings()
    blank = BOOSTER(leaves=2, smallest=1).fitted(Rows(x, np.zeros(len(x))), 1)
    plain = Forecaster(left.line, ((blank, blank),) * 6, torch.zeros(5), left.days)
    city, steps = task.target, task.test[:5]
    last = city.scaled[steps - 1][..., None]
    assert torch.allclose(
        plain(task, steps), city.unscale(left.line(city, steps) + last).float()
    )
    still = replace(plain, line=replace(left.line, weights=left.line.weights * 0))
    assert torch.allclose(still(task, steps), city.unscale(last).expand(-1, -1, 6))


@pytest.mark.parametrize("days, told", [(3, 3), (2, 0), (1, 0), (0.25, 0), (0, 0)])
def test_other_days_are_told_where_two_days_teach(target, source, days, told):
    """And never where that is switched off; of the sources as many as of the target, and the same
    in a fit to what teaches alone."""
    task = make_task(target, [source], days=days, choices=Choices(blocks=1))
    assert days_told(untaught(task), SMALL) == told
    assert days_told(task, SMALL) == told
    assert days_told(task, replace(SMALL, told=False)) == 0
    line = lent_line(task.sources, SMALL.line)
    found = [*lent_windows(task, line, "train", told, (2, 10))]
    assert len(found) == 2 and sum(len(one.part.steps) for one in found) == 20
    usual = torch.cat([one.days.usual(one.part.city, one.part.steps) for one in found])
    assert usual.isfinite().any() == bool(told)


def test_without_a_day_nothing_of_the_target_is_read(target, source):
    """Neither its labels nor its sensors' levels."""
    task = make_task(target, [source], days=0)
    found = fit(task, SMALL, 0, None)
    assert torch.equal(found.learned["line"], lent_line(task.sources, SMALL.line).weights)
    assert found.learned["level"].isnan().all() and {len(x) for x in found.notes["trees"]} == {
        1
    }
    blank = replace(task, target=replace(task.target, scaled=task.target.scaled * 0))
    assert torch.equal(fit(blank, SMALL, 0, None)(task, task.test), found(task, task.test))
    with pytest.raises(DataError, match="no source city"):
        fit(make_task(target), SMALL, 0, None)
    with pytest.raises(DataError, match="needs a graph"):
        METHOD.fit(
            make_task(with_content_hash(target.drop_vars("adjacency")), [source]), SMALL, 0
        )


def test_a_source_that_cannot_teach_is_named(make_speed, target):
    short = make_speed("short", days=1, seed=3)
    task = make_task(target, [short], choices=Choices(blocks=1))
    with pytest.raises(DataError, match="short: too short, none of its windows can teach"):
        fit(task, SMALL, 0, None)


def test_nothing_after_the_window_is_read(target, source, task, found):
    first = int(task.test[0])
    speed = target.speed.values.copy()
    speed[first:] = 7
    other = with_content_hash(target.assign(speed=(target.speed.dims, speed)))
    again = fit(make_task(other, [source]), SMALL, 0, None)
    assert torch.equal(
        again(make_task(other, [source]), task.test[:1]), found(task, task.test[:1])
    )


def test_it_learns_more_than_the_last_value(task, found):
    last = METHODS["Last value"].fit(task, METHODS["Last value"].settings(), 0)
    ours, plain = (score(task, p)["metrics"] for p in (found, last))
    assert ours["mae"] < 0.9 * plain["mae"] and ours["rmse"] < 0.9 * plain["rmse"]


def test_a_seed_changes_nothing_and_a_predictor_is_saved(task, found, tmp_path):
    wanted = found(task, task.test[:20])
    assert torch.equal(fit(task, SMALL, 1, None)(task, task.test[:20]), wanted)
    assert torch.equal(pickle.loads(pickle.dumps(found))(task, task.test[:20]), wanted)
    saved.save(found, tmp_path / "own")
    assert torch.equal(saved.load(tmp_path / "own")(task, task.test[:20]), wanted)
    assert METHODS["Boosted line"] is METHOD and found.notes["counts"] in LineSettings().own
