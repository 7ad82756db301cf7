"""A run failed when a rule is as good, by validation where that is recorded."""

import pytest

from stflow_lib import runs
from stflow_lib.runs import failure, store
from stflow_lib.runs.failure import Bar, failed


@pytest.fixture
def record(wing, toy):
    """A function that makes a record of the toy, whose bar is half way between two rules."""
    wing.BAR = Bar("rmse", {"FLAT": 0.5, "SHARES": 0.5})

    def make(method="NOISE", rmse=0.5, city="toytown", epochs=5, scarcity="20", **more):
        place = {"wing": "toy", "method": method, "city": city, "protocol": "x4"}
        size = {"scarcity": scarcity, "epochs": epochs, "notes": {}}
        return place | size | {"metric_rmse": rmse, "metric_mae": 9.0} | more

    return make


@pytest.fixture
def rules(record, monkeypatch):
    """Published records of the two rules on toytown: the bar is 0.75."""
    found = [record("FLAT", 1.0, epochs=0), record("SHARES", 0.5, epochs=0),
             record("SHARES", 0.7, epochs=0, scarcity="100"),
             record("SHARES", 9.0, epochs=0, city="elsewhere")]  # fmt: skip
    monkeypatch.setattr(failure, "published", lambda wing: dict(enumerate(found)))


@pytest.mark.parametrize("valid, answer", [(0.74, False), (0.75, True), (2.0, True)])
def test_validation_decides_where_it_is_recorded(record, rules, valid, answer):
    """The test error is above the bar each time, and is not looked at."""
    errors = {"FLAT": 1.0, "SHARES": 0.5}
    assert failed(record(rmse=3.0, valid_error=valid, rule_valid_error=errors)) is answer


def test_the_test_error_stands_in_where_no_validation_error_is_recorded(record, rules):
    """The rule of the same amount of data, else of another; on the same target only."""
    assert failed(record(rmse=0.75)) and not failed(record(rmse=0.749))
    assert failed(record(rmse=0.85, scarcity="100"))
    assert not failed(record(rmse=0.84, scarcity="100"))
    assert failed(record(rmse=0.8, city="near>toytown")) and not failed(
        record(rmse=8.0, city="x")
    )
    assert failed(record(rmse=0.8, valid_error=0.1))  # without the rules' it says nothing


def test_a_rule_cannot_fail_and_a_dead_network_does(record, rules):
    assert not failed(record("FLAT", 1.0, epochs=0))
    assert failed(record(rmse=0.1, notes={"collapsed": True}))


def test_without_rules_or_bar_nothing_is_claimed(record, wing):
    assert not failed(record(rmse=99.0))
    assert not failed(record(rmse=99.0, valid_error=9.0, rule_valid_error={"FLAT": 1.0}))
    del wing.BAR
    assert not failed(record(rmse=99.0, valid_error=9.0, rule_valid_error={"FLAT": 1.0}))


def test_what_is_found_says_that_it_failed(wing, toy):
    """So every table and figure leaves it out of its means, and counts it."""
    wing.BAR = Bar("rmse", {"FLAT": 1.0})
    run = toy.run()
    more = {"valid_error": 1.0, "rule_valid_error": {"FLAT": 1.0}}
    store.write(run, runs.ensure(run) | more)
    assert runs.find(run)["notes"]["collapsed"] is True
    assert runs.summary([run])[["n", "collapsed"]].values.tolist() == [[0, 1]]
    store.write(run, store.read(run) | {"valid_error": 0.99})
    assert runs.summary([run])[["n", "collapsed"]].values.tolist() == [[1, 0]]


BICYCLES = {  # test RMSE of recorded runs on bikenyc-p6
    "FODE": (0.7702, [0.4017, 0.4101]), "SCN": (0.8424, [0.4467, 0.4507]),
    "VDSR": (0.8615, [0.4253, 0.4706]), "SRCNN": (0.9947, [0.6013, 0.6352]),
}  # fmt: skip


@pytest.mark.parametrize("method", BICYCLES)
def test_runs_that_learned_less_than_half_of_the_shares_are_failures(
    record, monkeypatch, method
):
    """They stood in the means of their methods: 0.53 for FODE instead of 0.41."""
    more = {"wing": "finegrained", "city": "bikenyc-p6", "protocol": "x2"}
    rules = {"MEAN": 0.9947, "HA": 0.5240}
    found = {name: record(name, rmse, epochs=0, **more) for name, rmse in rules.items()}
    monkeypatch.setattr(failure, "published", lambda wing: found)
    bad, good = BICYCLES[method]
    assert failed(record(method, bad, **more))
    assert not any(failed(record(method, rmse, **more)) for rmse in good)
