"""The speed task: known counts, one grid of steps, nothing of the test days seen before them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import METHODS, RULES, Choices, make_task, open_task, score
from stflow_lib.speedgraph.problem.city import forward_fill
from stflow_lib.speedgraph.problem.resampling import resample


@pytest.mark.parametrize(
    "days, steps, test", [(119, 17_136, 16_687), (181, 26_064, 25_615), (120, 17_280, 16_831)]
)
def test_counts_of_the_papers_cities(days, steps, test, make_speed):
    """METR-LA, PEMS-BAY and Didi on ten minutes: 415 few-shot windows and the printed test."""
    task = make_task(make_speed(days=days, nodes=2))
    assert len(task.target.speed) == steps and len(task.test) == test
    assert len(task.target.known) == 415
    assert int(task.test[0]) - task.target.lags == 3 * 144
    assert int(task.test[-1]) + task.target.ahead == steps


def test_native_counts(make_speed):
    """Five minutes: 847 few-shot windows, and METR-LA's test part."""
    task = make_task(make_speed(days=119, nodes=2, minutes=5), (), "native")
    assert len(task.target.known) == 847 and len(task.test) == 33_391


def test_parts_share_no_label(target):
    """Day 3 chooses; a window whose labels reach into it does not teach."""
    city = make_task(target).target
    assert int(city.train[-1]) + city.ahead == int(city.valid[0]) == 2 * 144
    assert len(city.train) == 2 * 144 - 12 - 6 + 1 and len(city.valid) == 144 - 6 + 1
    assert set(city.train.tolist()) | set(city.valid.tolist()) < set(city.known.tolist())


@pytest.mark.parametrize("days, known", [(3, 415), (1, 127), (0.25, 19), (0, 0)])
def test_scarcity_ends_where_the_test_part_begins(days, known, target):
    """Fewer days are the last of the three, and the test windows stay the same."""
    task = make_task(target, days=days)
    assert len(task.target.known) == known
    assert torch.equal(task.test, make_task(target).test)
    if known:
        assert int(task.target.known[-1]) + 6 == 3 * 144


def test_five_minutes_become_ten(make_speed):
    """The mean of the readings seen; missing only where both are."""
    city = make_speed(days=4, nodes=2, minutes=5, missing=0.4)
    speed, time = resample(city, 10)
    pairs = city.speed.values.reshape(-1, 2, 2)
    with np.testing.suppress_warnings() as quiet:
        quiet.filter(RuntimeWarning)
        np.testing.assert_allclose(speed, np.nanmean(pairs, 1), rtol=1e-6)
    assert np.isnan(speed).any() and (np.diff(time) == np.timedelta64(10, "m")).all()


def test_ten_minutes_become_five(make_speed):
    """Points between are halfway, and missing beside a gap; the end has none after it."""
    city = make_speed(days=4, nodes=2, missing=0.1)
    speed, time = resample(city, 5)
    own = city.speed.values
    np.testing.assert_allclose(speed[::2], own, rtol=1e-6)
    np.testing.assert_allclose(speed[1:-1:2], (own[:-1] + own[1:]) / 2, rtol=1e-6)
    assert np.isnan(speed[-1]).all() and len(time) == 2 * len(own)


def test_days_begin_at_midnight(make_speed):
    """A series from noon on loses its first half day."""
    city = make_speed(days=5, start="2024-01-01 12:00")
    task = make_task(city)
    assert str(task.target.time[0]) == "2024-01-02T00:00" and task.target.clock[0] == 0
    assert len(task.target.speed) == 4 * 144
    np.testing.assert_array_equal(
        task.target.speed.numpy(), np.nan_to_num(city.speed.values[72 : 72 + 4 * 144])
    )


def test_windows_and_labels(target):
    """Inputs end one step before the labels; the clock is that of the inputs."""
    city = make_task(target).target
    steps = torch.tensor([200, 300])
    x, (y, seen) = city.windows(steps), city.labels(steps)
    assert x.shape == (2, 5, 12, 2) and y.shape == seen.shape == (2, 5, 6)
    assert torch.equal(x[0, 2, :, 0], city.scaled[188:200, 2])
    assert x[0, 0, -1, 1].item() == pytest.approx((199 % 144) / 144)
    assert torch.equal(y[1, 4], city.speed[300:306, 4])
    assert torch.allclose(
        city.unscale(city.scaled)[city.seen], city.speed[city.seen], atol=1e-4
    )


def test_gaps_are_carried_forward_only():
    """The last reading, the city's mean before the first, and nothing from later."""
    seen = torch.tensor([[False, True], [True, False], [False, False], [True, True]])
    values = torch.tensor([[9.0, 1], [2, 9], [9, 9], [3, 4]])
    want = torch.tensor([[0.0, 1], [2, 1], [2, 1], [3, 4]])
    assert torch.equal(forward_fill(values, seen), want)


def test_later_readings_reach_nothing(target, source):
    """Scale, gaps and the fitted rules are those of the visible days."""
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    one, two = (make_task(city, [source]) for city in (target, with_content_hash(other)))
    assert (one.target.mean, one.target.deviation) == (two.target.mean, two.target.deviation)
    assert torch.equal(one.target.scaled[: 3 * 144], two.target.scaled[: 3 * 144])
    for method in (*RULES, METHODS["Ridge"]):
        made = [
            method.fit(t, method.settings(), 0, None)(one, one.test[:9]) for t in (one, two)
        ]
        assert torch.equal(*made), method.name


def test_a_network_may_be_asked_for_the_change(target, source):
    """What is learned and what is predicted must be undone by the same last input."""
    plain, asked = (make_task(target, [source], choices=Choices(change=c)) for c in (0, 1))
    steps = asked.test[:3]
    for one, other in ((plain.target, asked.target), (plain.sources[0], asked.sources[0])):
        truth, seen = one.labels(steps)
        answers, _ = other.scaled_labels(steps)
        assert torch.allclose(other.to_forecast(answers, steps)[seen], truth[seen], atol=1e-4)
        still = other.to_forecast(torch.zeros_like(answers), steps)
        last = one.unscale(one.windows(steps)[:, :, -1:, 0])
        assert torch.equal(still, last.expand_as(still))
        assert torch.equal(one.to_forecast(one.scaled_labels(steps)[0], steps)[seen],
                           one.unscale(one.scaled_labels(steps)[0])[seen])  # fmt: skip


def test_sensors_are_drawn_and_keep_their_graph(target):
    """Eight of a city: speeds, weights and scores of these; another draw, other sensors."""
    whole = make_task(target)
    some = make_task(target, choices=Choices(sensors=3))
    assert some.target.speed.shape[1] == 3 and some.target.weights.shape == (3, 3)
    at = [
        (whole.target.speed == some.target.speed[:, [k]]).all(0).nonzero().item()
        for k in range(3)
    ]
    assert at == sorted(at)
    assert torch.equal(some.target.weights, whole.target.weights[at][:, at])
    assert some.target.mean == whole.target.mean


def test_other_days_are_tested_on_the_second_half(make_speed):
    city = make_speed(days=10)
    task = make_task(city, choices=Choices(first_day=1))
    assert int(task.target.known[0]) == 144 + 12 and int(task.test[0]) == 5 * 144 + 12
    late = make_task(city, choices=Choices(first_day=4))
    assert int(late.test[0]) == 7 * 144 + 12


def test_bad_cities_are_refused_by_name(target, source, make_speed, make_grid_like):
    """Each before any training, naming the city and the rule."""
    cases = [
        (lambda: make_task(make_speed(days=3)), "target: 3 whole days, .* no test window"),
        (lambda: make_task(target, [target]), "target: its sources are .*must differ"),
        (lambda: make_task(target, [source, source]), "must differ"),
        (lambda: make_task(target, [make_speed("other", minutes=15)]), "15 min do not fit 10"),
        (lambda: make_task(target, [make_speed("o", minutes=5)], "native"), "steps differ"),
        (lambda: make_task(target, days=4), "4 days are asked for, 3"),
        (lambda: make_task(target, days=0.1), "no window to learn from"),
        (lambda: make_task(target, choices=Choices(sensors=6)), "6 sensors are asked for"),
        (lambda: make_task(make_grid_like), "a grid city, not a graph"),
        (lambda: make_task(target, (), "P7"), "protocol 'P7'"),
    ]
    for make, message in cases:
        with pytest.raises(DataError, match=message):
            make()


@pytest.fixture
def make_grid_like():
    from stflow_lib.data import load

    return load("sim-grid-c")


def test_a_silent_sensor_is_kept_and_not_scored(make_speed):
    """Its inputs are the city's mean; its labels count nowhere."""
    city = make_speed(missing=0.0)
    city.speed.values[:, 2] = np.nan
    task = make_task(with_content_hash(city))
    assert not task.target.scaled[:, 2].any() and not task.target.seen[:, 2].any()

    def wrong(task, steps):
        guess = task.target.labels(steps)[0].clone()
        guess[:, 2] = 1e6
        return guess

    assert score(task, wrong)["metrics"] == {"mae": 0.0, "rmse": 0.0}


def test_score_by_hand(target):
    """One mile per hour at one step, three at another; the average is of the three reported."""
    task = make_task(target)
    off = torch.tensor([1.0, 50, 2, 50, 50, 3])
    got = score(task, lambda t, s: t.target.labels(s)[0] + off, batch=7)
    assert got["parts"]["min10_mae"] == pytest.approx(1)
    assert got["parts"]["min60_rmse"] == pytest.approx(3)
    assert got["metrics"]["mae"] == pytest.approx(2)
    with pytest.raises(ValueError, match="not finite"):
        score(task, lambda t, s: t.target.labels(s)[0] / 0)


def test_names_of_runs():
    """Choices after dashes; a typing error is named."""
    run = SimpleNamespace(city="sim-speed-a+sim-speed-b>sim-speed-c", scarcity="1")
    task = open_task(SimpleNamespace(**vars(run), protocol="P10-sensors8-every6"))
    assert task.target.speed.shape[1] == 8 and int(task.test[1] - task.test[0]) == 6
    assert [s.name for s in task.sources] == ["sim-speed-a", "sim-speed-b"] and task.days == 1
    for wrong in ("P10-sensor8", "P10-every"):
        with pytest.raises(DataError, match="switch"):
            open_task(SimpleNamespace(**vars(run), protocol=wrong))


def test_real_cities_open(real_data):
    """All four, each with the other three; la's first week on ten minutes."""
    names = ("la", "san-diego", "bay-i680", "aarhus")
    task = open_task(
        SimpleNamespace(city="+".join(names[1:]) + ">la", protocol="P10-every50", scarcity="3")
    )
    assert task.target.speed.shape == (1008, 207) and len(task.sources) == 3
    assert {s.unit for s in task.sources} == {"mph", "km/h"}
