"""Intervals hold what they say, sensor by sensor, and survive a file."""

import pytest
import torch

from stflow_lib.speedgraph.apply.intervals import PRIOR, Intervals, error_size
from stflow_lib.speedgraph.apply.series import Series
from stflow_lib.training.method import Predictor


@pytest.fixture
def found(make_speed):
    """Constant forecasts of a city whose noise is the same everywhere."""
    series = Series.of(make_speed(days=30), 60)
    task = series.task([], series.end)
    flat = Predictor(lambda task, steps: torch.full((len(steps), 5, 6), 50.0))
    steps = torch.arange(200, 2000)
    return Intervals.of(flat, task, steps), flat, task


def test_the_share_inside_is_the_one_asked_for(found):
    intervals, flat, task = found
    steps = torch.arange(2000, 4000)
    truth, seen = task.target.labels(steps)
    for levels, share in {(0.05, 0.95): 0.9, (0.25, 0.75): 0.5}.items():
        lower, upper = intervals.bounds(flat(task, steps), levels)
        inside = ((truth >= lower) & (truth <= upper))[seen].double().mean().item()
        assert inside == pytest.approx(share, abs=0.03)


def test_a_file_keeps_them(found):
    intervals, flat, task = found
    again = Intervals.stored(intervals.arrays())
    mean = flat(task, torch.arange(3))
    for one, other in zip(
        *(i.bounds(mean, (0.1, 0.9)) for i in (intervals, again)), strict=True
    ):
        assert torch.equal(one, other)


def test_size_of_errors_is_drawn_towards_the_citys():
    """Two sensors, errors 1 and 3; the city's mean is 2; unmeasured errors count nothing."""
    error = torch.tensor([1.0, -3.0])[None, :, None].repeat(100, 1, 1)
    seen = torch.ones(100, 2, 1, dtype=torch.bool)
    own, other = error_size(error, seen).tolist()
    assert own == pytest.approx((100 + 2 * PRIOR) / (100 + PRIOR))
    assert other == pytest.approx((300 + 2 * PRIOR) / (100 + PRIOR))
    seen[:, 1] = False
    assert error_size(error, seen).tolist() == pytest.approx([1, 1])
