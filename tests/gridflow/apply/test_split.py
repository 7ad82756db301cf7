"""Any number of days has a split, and no step of it serves two ends."""

import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.apply.split import LONGEST, split_of
from stflow_lib.gridflow.problem.task import ALL_DAYS


@pytest.mark.parametrize("steps", [48, 72, 100, 288, 2400])
def test_parts_lie_one_behind_the_other_up_to_the_end(make_grid, steps):
    split = split_of(make_grid(steps=steps), (), 6)
    own = split.protocol
    assert 6 < own.valid < own.test == split.held_out.start < split.held_out.stop == steps
    assert own.test - own.valid == len(split.held_out) == min(steps // 5, LONGEST * 24)
    assert split.days == ALL_DAYS and split.learns


def test_under_two_days_nothing_of_the_city_is_learned_from(make_grid):
    city, lender = make_grid(steps=30), make_grid("lender")
    for sources in ((), (lender,)):
        split = split_of(city, sources, 6)
        assert (split.days, split.held_out) == (0, range(6, 30))
        assert split.learns == bool(sources)


def test_sources_are_cut_to_the_shortest(make_grid):
    lent = [make_grid(steps=300), make_grid(steps=240)]
    own = split_of(make_grid(), lent, 6).protocol
    assert (own.source_steps, own.source_valid) == (240, 160)


def test_not_one_step_to_judge_by(make_grid):
    with pytest.raises(DataError, match="lender: 6 steps, a forecast needs 7"):
        split_of(make_grid(steps=6), (), 6)
