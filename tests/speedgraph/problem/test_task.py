"""The speed task: known counts, and nothing of the test days seen before them."""

import re

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.runs import build_settings
from stflow_lib.speedgraph import METHODS, RULES, Choices, Task, make_task


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


def blocks(days=3):
    """The target's parts where blocks choose."""
    return lambda city: make_task(city, days=days, choices=Choices(blocks=1))


def test_blocks_choose_and_teach_at_every_hour(target):
    """Four hours by four hours: 119 windows choose, 186 teach, and then all 415 do."""
    task = blocks()(target)
    city = task.target
    assert [len(part) for part in (city.known, city.train, city.valid)] == [415, 186, 119]
    hours = lambda steps: {int(t + k) // 6 % 24 for t in steps for k in range(6)}
    assert hours(city.valid) == hours(city.train) == set(range(24)) and task.refit
    days = {int(t) // 144 for t in city.valid}
    assert days == {0, 1, 2} and not make_task(target).refit


def test_a_day_teaches_few_of_its_hours(target):
    """Every hour teaches from three days on; of one day ten hours do, as the docstring says."""
    city = blocks(1)(target).target
    hours = {int(t + k) // 6 % 24 for t in city.train for k in range(6)}
    assert hours == {2, 3, *range(10, 16), 22, 23}


@pytest.mark.parametrize("days, counts", [(3, (186, 119)), (1, (45, 38)), (0.25, (7, 7))])
def test_no_reading_both_teaches_and_chooses(days, counts, target):
    """A label that chooses stands in no window that teaches, neither as label nor as input; six
    hours are shorter than a day and keep the rule of the last third."""
    city = blocks(days)(target).target
    assert (len(city.train), len(city.valid)) == counts
    chooses = {int(t) + k for t in city.valid for k in range(6)}
    teaches = {int(t) + k for t in city.train for k in range(-12, 6)}
    assert not chooses & teaches


def test_a_day_of_every_source_chooses(target, make_speed):
    """A tenth of a week is less than a day, so some hours would choose nothing."""
    short, long = make_speed("week", days=7, seed=4), make_speed("month", days=30, seed=5)
    plain = make_task(target, [short, long])
    whole = make_task(target, [short, long], choices=Choices(blocks=1))
    counts = lambda task: [len(source.valid) for source in task.sources]
    assert counts(plain) == [100 - 5, 432 - 5] and counts(whole) == [144 - 5, 432 - 5]


def test_weekends_are_told_if_asked(make_speed):
    """The third number of each input step; the first of January 2024 is a Monday."""
    plain, told = (
        make_task(make_speed(days=9), choices=Choices(weekday=w)).target for w in (0, 1)
    )
    assert (plain.features, told.features) == (2, 3)
    assert told.weekend[::144].tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0]
    steps = torch.tensor([5 * 144, 5 * 144 + 3])
    x = told.windows(steps)
    assert torch.equal(x[..., :2], plain.windows(steps))
    assert not x[0, :, :, 2].any() and x[1, 0, :, 2].tolist() == [0.0] * 9 + [1.0] * 3


@pytest.mark.parametrize("days, known", [(3, 415), (1, 127), (0.25, 19), (0, 0)])
def test_scarcity_ends_where_the_test_part_begins(days, known, target):
    """Fewer days are the last of the three, and the test windows stay the same."""
    task = make_task(target, days=days)
    assert len(task.target.known) == known
    assert torch.equal(task.test, make_task(target).test)
    if known:
        assert int(task.target.known[-1]) + 6 == 3 * 144


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


def without_graph(city):
    """The same city, of which nobody knows what is near what."""
    return with_content_hash(city.drop_vars(["adjacency", "node_to"]))


WITHOUT_GRAPH = (
    "Last value", "HA", "Time-of-day mean", "ARIMA", "Ridge", "AdaRNN", "Trees", "Trees(pooled)",
    "DSTAGNN", "TPB", "TransGTR",
)  # fmt: skip


def test_a_city_without_a_graph_is_a_task(target, source):
    """Its weights are zeros, so a method that only looks for neighbours finds none."""
    task = make_task(without_graph(target), [source])
    assert not task.target.has_graph and not task.target.weights.any()
    assert task.target.weights.shape == (5, 5)
    assert task.sources[0].has_graph and task.form["graph"] is False
    known = make_task(target, [source])
    assert known.target.has_graph and torch.equal(known.target.scaled, task.target.scaled)


@pytest.mark.parametrize("name", sorted(set(METHODS) - set(WITHOUT_GRAPH)))
def test_who_needs_a_graph_says_so_before_training(target, source, name, monkeypatch, tmp_path):
    """A network whose neighbours are all zero learns something, and nobody knows of what."""
    monkeypatch.setattr(torch.optim, "Adam", None)
    monkeypatch.setattr(torch.linalg, "solve", None)
    method = METHODS[name]
    words = re.escape(f"it has no adjacency, and {name} needs a graph")
    for cities in ((without_graph(target), source), (target, without_graph(source))):
        task = make_task(cities[0], cities[1:])
        bare = next(city for city in (task.target, *task.sources) if not city.has_graph)
        with pytest.raises(DataError, match=f"^{bare.name}: {words}"):
            method.fit(task, method.settings(), 0, tmp_path / bare.name)
        with pytest.raises(DataError, match=f"^{bare.name}: {words}"):
            method.train(task, method.settings(), 0, None)


SMALL = {"booster": {"trees": 3, "smallest": 5}}


@pytest.mark.parametrize("name", WITHOUT_GRAPH[:-3])
def test_who_needs_no_graph_runs(target, source, name):
    """The rules, ridge and ARIMA give what they give with a graph."""
    method = METHODS[name]
    tiny = SMALL if name.startswith("Trees") else {}
    if name == "AdaRNN":
        short = {"epochs": 1, "epoch_steps": 1, "batch": 2}
        tiny = {"size": {"units": 4}, "samples": 4, "gated": 1, "align": short, "target": short}
    bare, known = (make_task(city, [source]) for city in (without_graph(target), target))
    settings = build_settings(method, tiny)
    found = method.fit(bare, settings, 0)(bare, bare.test[:9])
    assert torch.isfinite(found).all() and found.shape == (9, 5, 6)
    if not name.startswith("Trees"):
        assert torch.equal(found, method.fit(known, settings, 0)(known, known.test[:9]))


def test_blank_tasks_have_the_form_they_were_made_for(task):
    assert Task.blank(task.form).form == task.form
    assert len(Task.blank(task.form).target.speed) == 0


@pytest.mark.parametrize("days", [0.25, 1, 3, 7])
def test_a_week_that_may_be_seen_has_one_test_span(days, make_speed):
    city = make_speed(days=10, nodes=2)
    task = make_task(city, days=days, choices=Choices(visible=7))
    day = 1440 // task.minutes
    assert task.test[0] == 7 * day + task.protocol.lags
    assert task.target.known[0] == (7 - days) * day + task.protocol.lags
    assert task.target.known[-1] == 7 * day - task.protocol.ahead


def test_more_days_than_may_be_seen_are_refused(make_speed):
    with pytest.raises(DataError, match="7 days are asked for, 3 may be seen"):
        make_task(make_speed(days=10, nodes=2), days=7)
