"""How long runs will take is told from those that are done."""

from stflow_lib import runs
from stflow_lib.runs import store
from stflow_lib.runs.seconds import Seconds, core_seconds, seconds


def test_time_left_comes_from_the_most_similar_runs(toy):
    """A run on a big city must not be estimated from seconds spent on a small one, if avoidable."""
    for city, took in (("toytown", 10.0), ("bigtown", 100.0)):
        run = toy.run(city=city)
        cost = {"fit_seconds": took, "predict_seconds": 1.0}
        store.write(run, runs.ensure(run) | cost)
    known = Seconds(["toy"])
    assert known.of(toy.run(seed=8)) == 11.0
    assert known.of(toy.run(city="bigtown", seed=8)) == 101.0
    assert known.of(toy.run(city="elsewhere")) == 56.0
    assert known.of(toy.run(profile="paper")) is None
    both = [toy.run(city="bigtown", seed=8), toy.run(profile="paper")]
    assert known.left(both) == "about 2 min and 1 runs of unknown length left"
    assert known.left(both, 4) == "about 25 s and 1 runs of unknown length left"


def test_a_run_that_is_done_makes_the_others_known(toy):
    known = Seconds(["toy"])
    assert known.total([toy.run(), toy.run(seed=1)]) == (0, 2)
    known.add(runs.ensure(toy.run()) | {"fit_seconds": 5.0, "predict_seconds": 0.5})
    assert known.total([toy.run(seed=1), toy.run(seed=2)]) == (11.0, 0)


def test_core_seconds_are_seconds_times_threads():
    record = {"fit_seconds": 4.0, "predict_seconds": 1.0, "threads": 3}
    assert (seconds(record), core_seconds(record)) == (5.0, 15.0)
