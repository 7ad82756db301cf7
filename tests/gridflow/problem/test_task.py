"""The task: who may use which hour, on what scale, and that errors come first."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import content_hash
from stflow_lib.gridflow import ALL_DAYS, Choices, make_task, score


def ends(steps):
    """First and last of consecutive steps."""
    assert steps.tolist() == [*range(int(steps[0]), int(steps[-1]) + 1)]
    return int(steps[0]), int(steps[-1])


def changed_from(city, step):
    """The same city with every flow from `step` on replaced, dead cells too."""
    flow = city.flow.copy()
    flow.values[step:] = flow.values[step:][::-1] * 3 + 1
    return city.assign(flow=flow)


def same_inputs(one, two):
    """What a method can see of two city flows before its test steps are scored."""
    for name in ("low", "high", "mask", "train", "valid"):
        assert torch.equal(getattr(one, name), getattr(two, name)), name


def test_twelve_days(lender, receiver, twelve):
    task = make_task(receiver, [lender], twelve)
    assert ends(task.target.train) == (120, 191) and ends(task.target.valid) == (192, 239)
    assert ends(task.test) == (240, 287) and ends(task.history) == (6, 191)
    (source,) = task.sources
    assert ends(source.train) == (6, 191) and ends(source.valid) == (192, 287)
    assert task.directions == ("pickup", "dropoff") and task.day == 24


def test_the_papers_split(make_grid):
    """5898 / 1440 / 1440 labels, 72 few-shot labels that end at 5903, 5852 source labels."""
    city = make_grid(steps=8784, rows=1, cols=2, dead=0, zone="nominal")
    task = make_task(city, [city], "paper")
    assert len(task.history) == 5898 and ends(task.target.train) == (5832, 5903)
    assert len(task.target.valid) == len(task.test) == 1440 and ends(task.test)[1] == 8783
    assert len(task.sources[0].train) == 5852 and ends(task.sources[0].valid)[1] == 8783


@pytest.mark.parametrize("days, first", [(1, 168), (3, 120), (7, 24), (ALL_DAYS, 6), (0, None)])
def test_any_number_of_days(lender, receiver, twelve, days, first):
    """They end at the validation part; all days are the whole history."""
    train = make_task(receiver, [lender], twelve, days=days).target.train
    assert len(train) == 0 if first is None else ends(train) == (first, 191)


def upper(flow):
    """99.9 % of the counts above zero, direction by direction, by sorting."""
    ways = [np.sort(way[way > 0]) for way in np.moveaxis(flow.values, 1, 0)]
    return [float(way[int(0.999 * len(way))]) for way in ways]


def most(flow):
    return flow.max(("time", "row", "col")).values.tolist()


@pytest.mark.parametrize("scaler, end", [("robust", upper), ("train_max", most)])
def test_scale_is_one_rule_on_the_allowed_hours(lender, receiver, twelve, scaler, end):
    """Few-shot: the three days; zero-shot: one number of the history; sources: training."""
    own = Choices(scaler=scaler)
    few = make_task(receiver, [lender], twelve, choices=own)
    assert few.target.high.tolist() == end(receiver.flow[120:192])
    assert few.sources[0].high.tolist() == end(lender.flow[:192])
    zero = make_task(receiver, [lender], twelve, days=0, choices=own)
    assert zero.target.high.tolist() == end(receiver.flow[:192])


def test_one_wild_hour_moves_no_scale(lender, receiver, twelve):
    """A parade in the record doubled the zero-shot scale and left the few-shot one alone."""
    wild = receiver.copy(deep=True)
    wild.flow.values[30, 0, 1, 1] = 100 * wild.flow.values.max()
    for days in (0, 3):
        one, two = (make_task(c, [lender], twelve, days=days) for c in (receiver, wild))
        assert two.target.high.tolist() == pytest.approx(one.target.high.tolist(), rel=0.05)


def test_zero_shot_on_the_sources_scale(lender, receiver, twelve, make_grid):
    """Strict zero-shot: nothing of the target is known; several sources: their mean."""
    strict, other = Choices(zero_shot_scale="source"), make_grid("other", seed=5, size=30.0)
    one = make_task(receiver, [lender], twelve, days=0, choices=strict)
    assert torch.equal(one.target.high, one.sources[0].high)
    two = make_task(receiver, [lender, other], twelve, days=0, choices=strict)
    highs = torch.stack([source.high for source in two.sources])
    torch.testing.assert_close(two.target.high, highs.mean(0))
    few = make_task(receiver, [lender], twelve, choices=strict)
    assert torch.equal(few.target.high, make_task(receiver, [lender], twelve).target.high)


def test_mask_is_what_history_has_seen(make_grid, twelve):
    """A cell that wakes up in the validation part is not scored, unless the mask is "whole"."""
    city = make_grid(poi=False)
    city.flow.values[192:, 0, 0, 0] = 5
    assert not make_task(city, (), twelve).target.mask[0, 0, 0]
    whole = make_task(city, (), twelve, choices=Choices(mask="whole")).target
    assert whole.mask[0, 0, 0] and not whole.mask[0, 0, 1]


@pytest.mark.parametrize("days", [0, 3, ALL_DAYS])
def test_no_test_hour_reaches_scale_mask_or_labels(lender, receiver, twelve, days):
    """Neither the target's test nor its validation part; the sources' validation part too."""
    one = make_task(receiver, [lender], twelve, days=days)
    two = make_task(changed_from(receiver, 192), [changed_from(lender, 192)], twelve, days=days)
    same_inputs(one.target, two.target)
    same_inputs(one.sources[0], two.sources[0])
    assert torch.equal(one.target.scaled[:192], two.target.scaled[:192])


def test_few_shot_scale_does_not_read_older_history(lender, receiver, twelve):
    """A few-shot city has no older hours; only the mask knows which cells it has."""
    older = receiver.assign(flow=receiver.flow.copy())
    older.flow.values[:114] *= 9
    one, two = (make_task(city, [lender], twelve) for city in (receiver, older))
    same_inputs(one.target, two.target)


def test_the_released_codes_scale_does_leak(lender, receiver, twelve):
    """The switch must do what it says; and the test above must be able to fail."""
    code = Choices(scaler="crosstres")
    one = make_task(receiver, [lender], twelve, choices=code)
    two = make_task(changed_from(receiver, 240), [lender], twelve, choices=code)
    assert not torch.equal(one.target.high, two.target.high)


def test_cities_are_left_alone(lender, receiver, twelve):
    """Flow is shared with the city's array where nothing is clipped."""
    kept = receiver.copy(deep=True), lender.copy(deep=True)
    for scaler in ("train_max", "crosstres"):
        task = make_task(receiver, [lender], twelve, choices=Choices(scaler=scaler))
        score(task, lambda t, steps: t.target.flow[steps])
    assert receiver.identical(kept[0]) and lender.identical(kept[1])


def test_data_hash_is_the_citys_own_or_that_of_all(lender, receiver, twelve):
    """A record must notice when a source changes, not only when its target does."""
    assert make_task(receiver, (), twelve).data_hash == receiver.attrs["sha256"]
    pair = make_task(receiver, [lender], twelve).data_hash
    other = lender.assign(poi=lender.poi + 1)
    assert content_hash(other) != lender.attrs["sha256"]
    assert pair not in (
        receiver.attrs["sha256"],
        make_task(receiver, [other], twelve).data_hash,
    )


@pytest.mark.parametrize("steps", [slice(0, 192), slice(120, 192)])
def test_a_city_with_no_valid_cell_is_an_error(make_grid, lender, twelve, steps):
    """No trip in history: nothing to score; no trip in the few-shot days: nothing to scale."""
    city = make_grid("silent", poi=False)
    city.flow.values[steps, 1] = 0
    with pytest.raises(DataError, match="silent.*(no valid cell|cannot be scaled)"):
        make_task(city, [lender], twelve)
    with pytest.raises(DataError, match="silent"):
        make_task(make_grid("silent", dead=20), [lender], twelve, days=0)


def test_no_valid_cell_on_a_borrowed_scale(make_grid, lender, twelve):
    """With the source's scale nothing else would notice."""
    city = make_grid("silent")
    city.flow.values[:192] = 0
    with pytest.raises(DataError, match="silent: no valid cell, pickup has no trip"):
        make_task(city, [lender], twelve, days=0, choices=Choices(zero_shot_scale="source"))


def test_borrowed_scale_needs_a_source(receiver, twelve):
    with pytest.raises(DataError, match="zero_shot_scale 'source', but there is no source"):
        make_task(receiver, (), twelve, days=0, choices=Choices(zero_shot_scale="source"))


@pytest.mark.parametrize(
    "name, value",
    [("scaler", "max"), ("zero_shot_scale", "none"), ("mask", "all"), ("lags", 0)],
)
def test_unknown_choices_are_an_error(name, value):
    with pytest.raises(DataError, match=name):
        Choices(**{name: value})


def test_the_form_tells_what_a_predictor_expects(receiver, lender, twelve):
    task = make_task(receiver, [lender], twelve, choices=Choices(lags=4))
    assert task.form == {
        "wing": "gridflow", "city": "receiver", "grid": (3, 4), "lags": 4, "minutes": 60,
        "directions": ("pickup", "dropoff"), "unit": "trips per step",
    }  # fmt: skip
    assert task.only(1).form == task.form | {"directions": ("dropoff",)}
