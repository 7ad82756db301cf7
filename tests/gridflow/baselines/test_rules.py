"""The rules that learn next to nothing, by hand and on the real grids to two decimals."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, RULES, make_task, open_task, score
from stflow_lib.gridflow.problem.protocol import by_sixths

RULE_NAMES = [rule.name for rule in RULES]
# RMSE / MAE in trips per hour over valid cells, mean of the directions, in the order of RULES;
# computed from the arrays alone before this code was written.
MEASURED = {
    ("P90", "nyc-taxi"): "62.28/33.27 82.71/37.84 69.01/32.72 84.18/43.68 49.62/24.37",
    ("P90", "nyc-bike"): "6.94/3.86 6.94/3.67 6.84/3.60 6.56/3.75 7.63/4.40",
    ("P90", "dc-taxi"): "6.77/3.35 9.34/4.20 9.44/4.23 10.54/4.81 6.67/3.17",
    ("P90", "dc-bike"): "3.07/1.67 2.96/1.62 3.04/1.65 2.70/1.56 2.56/1.50",
    ("P100", "nyc-taxi"): "58.33/30.37 97.34/45.61 110.55/48.06 101.70/50.46 81.25/35.38",
    ("P100", "nyc-bike"): "4.66/2.23 6.14/2.89 7.58/4.24 7.23/4.16 11.19/6.39",
    ("P100", "dc-taxi"): "5.68/2.67 9.83/4.26 11.27/5.04 10.09/4.53 8.99/4.00",
    ("P100", "dc-bike"): "1.86/0.83 2.28/1.02 3.03/1.57 2.78/1.62 3.53/2.02",
}
VALID_CELLS = {"nyc-taxi": 128, "nyc-bike": 99, "dc-taxi": 108, "dc-bike": 78}


def fitted(name, task):
    return METHODS[name].fit(task, METHODS[name].settings(), 0, None)


def named(city, protocol, scarcity="3"):
    return SimpleNamespace(city=city, protocol=protocol, scarcity=scarcity)


@pytest.mark.parametrize("protocol, place", MEASURED)
def test_measured_errors_of_the_real_grids(real_data, protocol, place):
    """A shift by one hour, a wrong mask or a mean over the wrong days moves these numbers."""
    task = open_task(named(f"jonas-{place}", protocol))
    assert task.target.mask.sum((1, 2)).tolist() == [VALID_CELLS[place]] * 2
    for rule, pair in zip(RULES, MEASURED[protocol, place].split(), strict=True):
        metrics = score(task, fitted(rule.name, task))["metrics"]
        rmse, mae = map(float, pair.split("/"))
        assert metrics == pytest.approx({"rmse": rmse, "mae": mae}, abs=0.0051), rule.name


@pytest.mark.parametrize("name, back", [("Previous hour", 1), ("Yesterday", 24)])
def test_last_values_by_hand(receiver, twelve, name, back):
    task, steps = make_task(receiver, (), twelve), torch.tensor([240, 287])
    want = receiver.flow.values[steps - back]
    assert np.array_equal(fitted(name, task)(task, steps), want)


def test_last_week_by_hand(receiver, twelve):
    task = make_task(receiver, (), twelve)
    want = receiver.flow.values[240 - 168 : 288 - 168]
    assert np.array_equal(fitted("Last week", task)(task, task.test), want)


def test_a_series_too_short_to_look_back_is_an_error(receiver):
    """A negative index would read the test part from its end."""
    short = by_sixths(10)  # test begins at hour 192 of 240
    assert fitted("Last week", make_task(receiver, (), short))
    with pytest.raises(DataError, match="test begins at step 144, too early to look 168"):
        fitted("Last week", make_task(receiver, (), by_sixths(7), days=1))


def test_few_shot_mean_is_that_of_three_days(receiver, twelve):
    task = make_task(receiver, (), twelve)
    got = fitted("Few-shot mean", task)(task, torch.tensor([245]))[0]
    want = receiver.flow.values[[120 + 5, 144 + 5, 168 + 5]].mean(0)
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_few_shot_mean_goes_by_the_clock_not_by_the_index(receiver, twelve):
    """San Francisco's series begins at three in the morning."""
    late = receiver.assign_coords(time=receiver.time + np.timedelta64(3, "h"))
    one, two = (make_task(city, (), twelve) for city in (receiver, late))
    guesses = [fitted("Few-shot mean", task)(task, task.test) for task in (one, two)]
    torch.testing.assert_close(*guesses)


def test_zero_shot_has_no_mean_of_its_days(receiver, lender, twelve):
    with pytest.raises(DataError, match="receiver: no training day"):
        fitted("Few-shot mean", make_task(receiver, [lender], twelve, days=0))


def test_hour_of_week_mean_reads_all_history(receiver, twelve):
    """Hour 245 is day 10, a Thursday: Thursday of day 3 is the only other one before 192."""
    task = make_task(receiver, (), twelve)
    got = fitted("Hour-of-week mean", task)(task, torch.tensor([245, 173]))
    np.testing.assert_allclose(got[0], receiver.flow.values[77], rtol=1e-6)
    np.testing.assert_allclose(got[1], receiver.flow.values[[5, 173]].mean(0), rtol=1e-6)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rules_know_nothing_after_the_hour_before_the_label(receiver, twelve, rule):
    """Whatever comes after step 250 leaves the predictions up to 250 as they are."""
    other = receiver.assign(flow=receiver.flow.copy())
    other.flow.values[250:] = other.flow.values[250:][::-1] * 3 + 1
    one, two = (make_task(city, (), twelve) for city in (receiver, other))
    steps = torch.arange(240, 251)
    before, after = (rule.fit(t, rule.settings(), 0, None)(t, steps) for t in (one, two))
    assert torch.equal(before, after)
