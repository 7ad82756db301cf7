"""Any step, partial days, gaps: nothing is dropped, nothing is read that lies ahead."""

import numpy as np
import pytest
import torch

from stflow_lib.data import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph.apply.series import Series, drawn, steps_ahead


def partial(make_speed, minutes=15, first=20, last=-40):
    """A city that begins at 5 o'clock and ends at 14 o'clock of its last day."""
    return with_content_hash(make_speed(minutes=minutes).isel(time=slice(first, last)))


@pytest.mark.parametrize("minutes", [5, 10, 15])
def test_all_steps_stand_at_their_time_of_the_day(make_speed, minutes):
    """Step s of a series lies at s steps after a midnight, as methods count on."""
    city = partial(make_speed, minutes)
    series = Series.of(city, 60)
    assert np.array_equal(series.speed[20 : series.end], city.speed.values, equal_nan=True)
    assert np.isnan(series.speed[:20]).all() and np.isnan(series.speed[series.end :]).all()
    assert series.time[20] == city.time.values[0]
    assert series.time[series.end - 1] == city.time.values[-1]
    assert series.time[0] == np.datetime64("2024-01-01") and len(series.time) == len(
        series.speed
    )


def test_windows_lie_inside_what_may_be_seen(make_speed):
    series = Series.of(partial(make_speed), 60)
    end = series.end - 96
    city = series.task([], end).target
    assert (int(city.known[0]), int(city.known[-1])) == (20 + city.lags, end - city.ahead)
    assert int(city.train[-1]) + city.ahead <= int(city.valid[0]) and len(city.valid)
    seen = city.speed[20:end][city.seen[20:end]].double()
    assert city.mean == pytest.approx(seen.mean().item())


def test_source_of_another_step_is_brought_to_the_targets(make_speed):
    series = Series.of(partial(make_speed, 15), 60)
    source = series.source(make_speed("other", minutes=5))
    assert len(source.speed) == 6 * 96 and (source.lags, source.ahead) == (12, 4)
    with pytest.raises(DataError, match="steps of 10 min do not fit 15 min"):
        series.source(make_speed("other", minutes=10))


def test_what_does_not_fit_is_named(make_speed):
    with pytest.raises(DataError, match="target: 50 minutes ahead are no whole number"):
        steps_ahead(make_speed(minutes=15), 50)
    short = with_content_hash(make_speed().isel(time=slice(0, 24)))
    series = Series.of(short, 60)
    with pytest.raises(DataError, match="target: 24 steps of 10 min hold no window"):
        series.task([], series.end)


def test_drawn_windows_keep_order_and_ends():
    some = drawn(torch.arange(10, 1010), sensors=300)
    assert len(some) <= 102 and (some[0], some[-1]) == (10, 1009)
    assert (some.diff() > 0).all()
    assert torch.equal(drawn(torch.arange(7), 300), torch.arange(7))
