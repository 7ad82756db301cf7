"""Which method forecasts when nobody says which."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS
from stflow_lib.gridflow.apply.choice import (
    RECOMMENDED,
    candidates,
    errors_of,
    fitted,
    method_of,
)
from stflow_lib.gridflow.apply.split import split_of
from stflow_lib.gridflow.beyond import ensemble
from stflow_lib.gridflow.problem.task import Choices, make_task
from stflow_lib.verdicts.evidence import collect
from stflow_lib.verdicts.ranking import standings


def cut(city, sources=()):
    split = split_of(city, sources, 6)
    choices = Choices(mask="whole", need_poi=False)
    return make_task(city, sources, split.protocol, days=split.days, choices=choices), split


def test_the_recommended_one_is_of_what_the_records_name_most():
    """They name an ensemble, whose parts are mixed here too, but for a network that takes long."""
    named = [one.cheapest for one in standings(collect("gridflow"), "rmse")]
    if not named:
        pytest.skip("no records")
    best = max(set(named), key=named.count)
    parts = {part.name for part in ensemble.PARTS.values()}
    assert best == RECOMMENDED or (best == ensemble.METHOD.name and RECOMMENDED in parts)


@pytest.mark.parametrize("steps, want", [
    (30, ["Previous hour"]), (48, ["Linear", "Yesterday"]),
    (192, ["Linear", "Yesterday"]), (216, ["Linear", "Trees", "Yesterday"]),
    (288, ["Linear", "Trees", "Yesterday", "Hour-of-week mean", "Last week"]),
])  # fmt: skip
def test_rules_need_the_days_that_they_look_back_and_trees_five(make_grid, steps, want):
    assert candidates(*cut(make_grid(steps=steps))) == want


def test_without_own_days_the_sources_teach(make_grid):
    assert candidates(*cut(make_grid(steps=30), [make_grid("other")])) == [RECOMMENDED]


def test_with_a_source_and_own_days_the_line_is_tried_too(make_grid):
    found = candidates(*cut(make_grid(steps=288), [make_grid("other")]))
    assert found[:2] == [RECOMMENDED, "Linear"] and "Last week" in found


def test_a_city_that_repeats_its_weeks_is_forecast_by_last_week(make_grid):
    """Noise of one week, repeated: no window of six hours tells what comes, that week does."""
    city = make_grid(steps=4 * 168, poi=False)
    week = np.random.default_rng(0).poisson(5, city.flow[:168].shape).astype(np.float32)
    task, split = cut(city.assign(flow=city.flow.copy(data=np.tile(week, (4, 1, 1, 1)))))
    weekly = {"Last week", "Hour-of-week mean"}
    assert set(fitted(task, split, 6, None, 0).learned) == weekly
    assert fitted(task, split, 6, "Yesterday", 0).made.method is METHODS["Yesterday"]


def test_a_mixture_is_no_worse_than_its_parts_where_it_was_weighed(make_grid):
    task, split = cut(make_grid(steps=400, poi=False))
    origins = torch.arange(split.protocol.valid, split.protocol.test)
    size = {
        name: errors_of(fitted(task, split, 4, name, 0), task, origins, 4).square().mean()
        for name in (None, *candidates(task, split))
    }
    assert size.pop(None) < 1.01 * min(size.values())


def test_an_unknown_method_lists_the_known():
    with pytest.raises(DataError, match="method 'Oracle': there are .*Linear"):
        method_of("Oracle")
