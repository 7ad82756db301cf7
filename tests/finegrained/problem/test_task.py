"""The task: who is in which part, exact block sums, and nothing from the future."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import block_sum
from stflow_lib.finegrained import METHODS, make_task
from stflow_lib.finegrained.problem.task import Task, coarser, padded, subset

TWO = ("pickup", "dropoff")


def lists(task):
    return [getattr(task, part).tolist() for part in ("train", "valid", "test")]


def test_two_to_one_to_one_in_time(make_city):
    assert lists(make_task(make_city(steps=40), 2)) == [
        [*range(20)], [*range(20, 30)], [*range(30, 40)],
    ]  # fmt: skip


def test_the_citys_own_split_wins(make_city):
    """BikeNYC P6 is 1532 / 438 / 219, far from 2:1:1."""
    train, valid, test = lists(make_task(make_city(steps=20, split=(13, 4, 3)), 2))
    assert (train, valid, test) == ([*range(13)], [*range(13, 17)], [17, 18, 19])


@pytest.mark.parametrize("split", [(20, 10, 10), (120, 60, 61), (0, 120, 120)])
def test_a_split_that_is_not_all_steps_is_an_error(make_city, split):
    """What the three numbers left over went to the test part."""
    with pytest.raises(DataError, match="handtown: split .* must be three .* all 240"):
        make_task(make_city(steps=240, split=split), 4)


def test_the_hash_is_that_of_the_maps_at_hand(make_city):
    """A city changed after it was sealed keeps its old hash; the task must not."""
    city = make_city()
    one, two = make_task(city, 2), make_task(changed_after(city, 3), 2)
    assert one.data_hash == city.attrs["sha256"] != two.data_hash


@given(st.sampled_from([("entries",), TWO]), st.sampled_from([20.0, 40.0, 60.0, 80.0, 100.0]))
def test_fractions_are_nested_prefixes_and_cut_training_only(make_city, directions, fraction):
    """A random subset, or the last part, would see other weeks than the paper's."""
    city = make_city(steps=46, directions=directions, rows=4, cols=4)
    whole, part = make_task(city, 2), make_task(city, 2, fraction)
    keep = int(23 * fraction / 100) * len(directions)
    assert part.train.tolist() == [*range(keep)] == whole.train[:keep].tolist()
    assert part.train_all.tolist() == whole.train.tolist()
    assert lists(part)[1:] == lists(whole)[1:]


def test_samples_of_two_directions_stand_side_by_side(make_city):
    city = make_city(steps=8, directions=TWO)
    task = make_task(city, 2)
    assert task.directions == TWO and lists(task)[0] == [*range(8)]
    for sample in range(16):
        step, direction = divmod(sample, 2)
        assert task.time[sample] == city.time.values[step]
        assert np.array_equal(task.fine[sample, 0], city.flow.values[step, direction])
    assert torch.equal(task.external[0::2], task.external[1::2])


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_coarse_is_the_exact_block_sum(make_city, factor):
    city = make_city(rows=16, cols=8)
    task = make_task(city, factor)
    assert np.array_equal(task.coarse[:, 0], block_sum(city.flow.values[:, 0], factor))


def test_coarser_is_the_next_block_sum(task):
    want = block_sum(task.coarse[:, 0].numpy(), 2)
    assert np.array_equal(coarser(task)[:, 0], want)


@pytest.mark.parametrize("rows, cols, factor", [(6, 8, 2), (12, 20, 4), (4, 4, 4), (8, 8, 2)])
def test_sides_that_do_not_divide_get_empty_cells(make_city, rows, cols, factor):
    """No vehicle is cut off, no cell moves, and where the sides divide nothing is added."""
    task = make_task(make_city(steps=8, rows=rows, cols=cols), factor)
    height, width = task.coarse.shape[2:]
    maps, small = padded(task), coarser(task)
    assert torch.equal(maps[..., :height, :width], task.coarse)
    assert torch.equal(maps.sum((2, 3)), task.coarse.sum((2, 3)))
    assert small.shape[2:] == (-(-height // factor), -(-width // factor))
    assert np.array_equal(small[:, 0], block_sum(maps[:, 0].numpy(), factor))
    if height % factor == width % factor == 0:
        assert torch.equal(maps, task.coarse)


def test_a_grid_that_does_not_divide_is_an_error(make_city):
    with pytest.raises(DataError, match="handtown: grid 6x8 does not divide by M=4"):
        make_task(make_city(rows=6, cols=8), 4)


def test_too_few_steps_are_an_error(make_city):
    with pytest.raises(DataError, match="handtown: fraction 20.0 % keeps 1 training steps"):
        make_task(make_city(steps=16), 2, 20.0)


def changed_after(city, step):
    """The same city with every value from `step` on replaced."""
    other = city.copy(deep=True)
    other.flow.values[step:] = other.flow.values[step:][::-1] * 3 + 1
    return other


@pytest.mark.parametrize("directions", [("entries",), TWO])
def test_rules_know_nothing_after_the_training_part(make_city, directions):
    """Ratios over the whole city would leak the test period into HA."""
    city = make_city(steps=40, directions=directions)
    one, two = make_task(city, 2, 50.0), make_task(changed_after(city, 10), 2, 50.0)
    for name in ("HA", "MEAN"):
        method = METHODS[name]
        before, after = (method.fit(t, method.settings(), 0, None) for t in (one, two))
        assert torch.equal(before(one, one.test), after(one, one.test))


def test_networks_train_on_the_training_part_alone(make_city, tiny):
    """Everything after it may change: the losses of all four stages stay, bit for bit."""
    city = make_city(steps=40)
    one, two = make_task(city, 2, 60.0), make_task(changed_after(city, 12), 2, 60.0)
    before, after = (METHODS["UrbanSTC"].fit(t, tiny, 0, None) for t in (one, two))
    for name in ("loss", "reg_loss", "tcs_loss", "inf_loss"):
        assert before.curves[name] == after.curves[name]
    assert before.curves["valid_rmse"] != after.curves["valid_rmse"]


def test_nothing_of_the_test_part_reaches_a_network(make_city, tiny):
    """Parameters, curves and choice of epoch are the same whatever the test part holds."""
    city = make_city(steps=40)
    one, two = make_task(city, 2), make_task(changed_after(city, 30), 2)
    before, after = (METHODS["UrbanSTC"].fit(t, tiny, 0, None) for t in (one, two))
    assert before.curves == after.curves
    assert torch.equal(before(one, one.test), after(one, one.test))


def test_making_a_task_and_fitting_leave_the_city_alone(make_city, tiny):
    """The maps are shared with the city's array, not copied."""
    city = make_city(steps=16)
    kept = city.copy(deep=True)
    METHODS["UrbanSTC"].fit(make_task(city, 2), tiny, 0, None)
    assert city.identical(kept)


def test_subset_judges_another_part(task):
    other = subset(task, "valid")
    assert torch.equal(other.test, task.valid) and torch.equal(other.train, task.train)


@pytest.mark.parametrize("fraction, kept", [(900.0, 180), (101.0, 20), (0.0, 0), (-20.0, -4)])
def test_a_share_of_data_that_is_none_is_an_error(make_city, fraction, kept):
    """900 % trained on the validation and the test part without a word."""
    with pytest.raises(
        DataError, match=f"fraction {fraction} % keeps {kept} training steps of 20"
    ):
        make_task(make_city(steps=40), 2, fraction)


@pytest.mark.parametrize("directions", [("entries",), ("in", "out")])
def test_the_form_tells_what_a_predictor_expects(make_city, directions):
    """A blank task has it too, but for the clock: nothing is sampled from it."""
    task = make_task(make_city(directions=directions, minutes=30), 2)
    assert task.form == {
        "wing": "finegrained", "city": "handtown", "grid": (8, 16), "factor": 2,
        "directions": directions, "unit": "vehicles per hour", "minutes": 30.0,
        "external": task.external_names,
    }  # fmt: skip
    blank = Task.blank(task.form)
    assert {**blank.form, "minutes": 30.0} == task.form
    assert not blank.fine.any() and blank.coarse.shape[1:] == task.coarse.shape[1:]
