"""The task: who may use which hour, on what scale, and that errors come first."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import content_hash, graph_city, with_content_hash
from stflow_lib.gridflow import ALL_DAYS, METHODS, RULES, Choices, make_task, score
from stflow_lib.gridflow.problem.protocol import PROTOCOLS
from stflow_lib.training.method import NoSettings


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


def test_windows_are_the_hours_before_the_label(lender, receiver, twelve):
    """A window that holds its label predicts perfectly and means nothing."""
    city = make_task(receiver, [lender], twelve, choices=Choices(lags=4)).target
    steps = torch.tensor([4, 100, 287])
    windows = city.windows(steps)
    assert windows.shape == (3, 4, 2, 3, 4)
    for window, step in zip(windows, steps.tolist(), strict=True):
        assert torch.equal(window, city.scaled[step - 4 : step])


def test_scaled_values_come_back_as_trips(lender, receiver, twelve):
    """Each direction has its own scale; the least value need not be zero."""
    city = make_task(receiver.assign(flow=receiver.flow + 5), [lender], twelve).target
    assert city.low.tolist() == [5, 5] and city.scaled[120:192].min() == 0
    assert city.low.shape == (2,) and city.high[0] != city.high[1]
    torch.testing.assert_close(city.unscale(city.scaled), city.flow)
    torch.testing.assert_close(city.unscale(city.scaled[:, :, 0, 0]), city.flow[:, :, 0, 0])


def test_training_scale_is_that_of_the_allowed_hours(lender, receiver, twelve):
    few = make_task(receiver, [lender], twelve)
    assert (
        few.target.high.tolist()
        == receiver.flow[120:192].max(("time", "row", "col")).values.tolist()
    )
    assert (
        few.sources[0].high.tolist()
        == lender.flow[:192].max(("time", "row", "col")).values.tolist()
    )
    zero = make_task(receiver, [lender], twelve, days=0)
    assert (
        zero.target.high.tolist()
        == receiver.flow[:192].max(("time", "row", "col")).values.tolist()
    )


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


def test_scale_of_the_released_code_by_hand(make_grid, twelve):
    """Rank floor(0.999 n) of all cell-hours of a direction, larger values clipped, test too."""
    city = make_grid(poi=False)
    city.flow.values[:] = np.arange(city.flow.size, dtype=np.float32).reshape(city.flow.shape)
    task = make_task(city, (), twelve, choices=Choices(scaler="crosstres"))
    for d in range(2):
        values = np.sort(city.flow.values[:, d].ravel())
        upper = values[int(0.999 * values.size)]
        assert task.target.high[d] == upper and task.target.low[d] == values[0]
        assert task.target.flow[:, d].max() == upper and task.target.scaled[:, d].max() == 1
    assert city.flow.values.max() > task.target.flow.max()  # the city itself is not edited


def test_mask_is_what_history_has_seen(make_grid, twelve):
    """A cell that wakes up in the validation part is not scored, unless the mask is "whole"."""
    city = make_grid(poi=False)
    city.flow.values[192:, 0, 0, 0] = 5
    assert not make_task(city, (), twelve).target.mask[0, 0, 0]
    whole = make_task(city, (), twelve, choices=Choices(mask="whole")).target
    assert whole.mask[0, 0, 0] and not whole.mask[0, 0, 1]


def test_cells_are_flat_indices_of_each_direction(make_grid, twelve):
    city = make_grid(poi=False)
    city.flow.values[:, 1, 3, 4] = 0
    task = make_task(city, (), twelve)
    assert task.target.cells(0).tolist() == [*range(2, 20)]
    assert task.target.cells(1).tolist() == [*range(2, 19)]
    assert task.only(1).target.cells().tolist() == [*range(2, 19)]


def test_one_direction_is_a_view_of_the_task(lender, receiver, twelve):
    task = make_task(receiver, [lender], twelve)
    one = task.only(1)
    assert one.directions == ("dropoff",) and one.target.flow.shape[1] == 1
    assert torch.equal(one.target.scaled, task.target.scaled[:, 1:])
    assert torch.equal(one.sources[0].mask, task.sources[0].mask[1:])
    assert (
        one.target.high == task.target.high[1]
        and one.sources[0].high == task.sources[0].high[1]
    )
    assert one.target.flow.data_ptr() == task.target.flow[:, 1:].data_ptr()


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


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rules_know_nothing_after_the_hour_before_the_label(receiver, twelve, rule):
    """Whatever comes after step 250 leaves the predictions up to 250 as they are."""
    one, two = (make_task(city, (), twelve) for city in (receiver, changed_from(receiver, 250)))
    steps = torch.arange(240, 251)
    before, after = (rule.fit(t, rule.settings(), 0, None)(t, steps) for t in (one, two))
    assert torch.equal(before, after)


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


def test_score_by_hand(receiver, lender, twelve):
    """Pooled over hours and valid cells, then the mean of the directions."""
    task = make_task(receiver, [lender], twelve)
    off = torch.tensor([1.0, -3.0])[:, None, None]
    got = score(task, lambda t, steps: t.target.flow[steps] + off, batch=7)
    assert got["metrics"] == pytest.approx({"rmse": 2.0, "mae": 2.0})
    want = {"pickup_rmse": 1, "pickup_mae": 1, "dropoff_rmse": 3, "dropoff_mae": 3}
    assert got["parts"] == pytest.approx(want)


@given(st.integers(1, 60))
def test_score_does_not_depend_on_the_batch(receiver, twelve, batch):
    """Means of means would."""
    task = make_task(receiver, (), twelve)
    rule = METHODS["Yesterday"].fit(task, NoSettings(), 0, None)
    whole, parts = score(task, rule)["metrics"], score(task, rule, batch=batch)["metrics"]
    assert parts == pytest.approx(whole)


def test_invalid_cells_do_not_count(receiver, twelve):
    """Not even with a NaN; a NaN in a valid cell is an error."""
    task = make_task(receiver, (), twelve)

    def predict(t, steps):
        return torch.where(t.target.mask, t.target.flow[steps] + 1, torch.nan)

    assert score(task, predict)["metrics"] == pytest.approx({"rmse": 1.0, "mae": 1.0})
    with pytest.raises(ValueError, match="not finite"):
        score(task, lambda t, steps: predict(t, steps) * torch.nan)


def test_a_prediction_of_another_shape_is_an_error(receiver, twelve):
    """One direction would broadcast over two."""
    task = make_task(receiver, (), twelve)
    with pytest.raises(ValueError, match=r"prediction \(48, 1, 3, 4\), truth \(48, 2, 3, 4\)"):
        score(task, lambda t, steps: t.target.flow[steps][:, :1])


def test_event_is_scored_apart(receiver, twelve):
    """Errors of 5 trips in hours 250 to 259, of 2 just beside them, of 1 in the others."""
    task = make_task(receiver, (), replace(twelve, event=(250, 260)))

    def predict(t, steps):
        error = [5.0 if 250 <= s < 260 else 2.0 if s in (249, 260) else 1.0 for s in steps]
        return t.target.flow[steps] + torch.tensor(error)[:, None, None, None]

    got = score(task, predict)
    assert got["metrics"]["mae"] == pytest.approx((10 * 5 + 2 * 2 + 36) / 48)
    assert got["parts"]["without_event_mae"] == pytest.approx((2 * 2 + 36) / 38)
    assert got["parts"]["without_event_rmse"] == pytest.approx(((2 * 4 + 36) / 38) ** 0.5)


def test_a_source_without_poi_is_an_error(receiver, make_grid, twelve):
    bare = make_grid("bare", poi=False)
    with pytest.raises(DataError, match="bare: a source without POI"):
        make_task(receiver, [bare], twelve)
    empty = bare.assign(poi=(("category", "row", "col"), np.zeros((14, 4, 5), np.float32)))
    with pytest.raises(DataError, match="bare: a source without POI"):
        make_task(receiver, [empty], twelve)
    assert (
        make_task(receiver, [bare], twelve, choices=Choices(need_poi=False)).sources[0].poi
        is None
    )


@pytest.mark.parametrize("days, have", [(8, "7.75"), (20, "7.75"), (-2, "7.75")])
def test_a_target_shorter_than_its_days_is_an_error(receiver, lender, twelve, days, have):
    """Eight days begin at hour 0, where no window of six hours ends."""
    with pytest.raises(DataError, match=f"receiver: {days} days of .* P12 has {have} before"):
        make_task(receiver, [lender], twelve, days=days)


def test_different_steps_are_an_error(receiver, make_grid, twelve):
    half = make_grid("half", minutes=30)
    with pytest.raises(DataError, match="half: step_minutes 30, target receiver 60"):
        make_task(receiver, [half], twelve)


def test_different_directions_are_an_error(receiver, make_grid, twelve):
    turned = make_grid("turned", directions=("dropoff", "pickup"))
    with pytest.raises(DataError, match=r"turned: directions \['dropoff', 'pickup'\], target"):
        make_task(receiver, [turned], twelve)


@pytest.mark.parametrize("zone", ["America/Chicago", "nominal"])
def test_different_zones_are_an_error(receiver, make_grid, twelve, zone):
    """Unless the protocol says that local days meet, and both have local days."""
    away = make_grid("away", zone=zone)
    with pytest.raises(DataError, match=f"away: zone {zone}, target receiver America/New_York"):
        make_task(receiver, [away], twelve)
    local = replace(twelve, local_clocks=True)
    if zone == "nominal":
        with pytest.raises(DataError, match="away: zone nominal"):
            make_task(receiver, [away], local)
    else:
        assert make_task(receiver, [away], local).sources[0].name == "away"


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
    city = make_grid("silent", dead=20)
    with pytest.raises(DataError, match="silent: no valid cell, pickup has no trip"):
        make_task(city, [lender], twelve, days=0, choices=Choices(zero_shot_scale="source"))


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_city_shorter_than_the_protocol_is_an_error(lender, receiver, role):
    with pytest.raises(DataError, match="288 steps, protocol P90 needs 2160"):
        make_task(receiver, [lender] if role == "source" else [], PROTOCOLS["P90"])


def test_a_graph_city_is_an_error(receiver, twelve):
    """Its speeds have no rows and columns to convolve over."""
    speed, sensors = np.ones((288, 3), np.float32), np.arange(3.0)
    card = {key: value for key, value in receiver.attrs.items() if key != "kind"}
    graph = with_content_hash(
        graph_city(speed, receiver.time, np.eye(3), sensors, sensors, **card)
    )
    with pytest.raises(DataError, match="receiver: a graph city, not a grid"):
        make_task(graph, (), twelve)


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


def test_contract_of_the_city_is_checked(receiver, twelve):
    broken = receiver.assign(flow=receiver.flow - 1)
    with pytest.raises(DataError, match="flow must be not negative"):
        make_task(broken, (), twelve)
