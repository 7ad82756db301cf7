"""What days bring, in sentences: seeds meet, failed trainings are no evidence."""

import pytest

from stflow_lib.book.plots.gridflow import results, said


@pytest.fixture
def add(recorded):
    """add(row, city, rmse, ...): a run with three days, or as `recorded` is told."""

    def make(row, city, rmse, **more):
        return recorded(row, city, {"rmse": rmse, "mae": rmse / 2}, **more)

    return make


def test_the_mean_is_named_where_it_is_below_the_line(add):
    rows = {
        "Few-shot mean": [add("Few-shot mean", "y", 2.0), add("Few-shot mean", "z", 9.0)],
        "Linear": [add("Linear", "x>y", 3.0), add("Linear", "x>z", 3.0)],
    }
    long = results.summary_by_pair(rows, ["x>y", "x>z"])
    rmse, mae = said.where_below(long, "Few-shot mean", "Linear", "3")
    assert rmse == (
        "Few-shot mean below Linear in RMSE, 3 days of target data: x → y (2 against 3); "
        "1 of 2 pairs."
    )
    assert mae.startswith("Few-shot mean below Linear in MAE")
    (none, _) = said.where_below(long, "Linear", "Few-shot mean", "0")
    assert none.endswith("nowhere; 0 of 0 pairs.")


def test_days_are_worse_than_none_over_the_seeds_that_have_both(add):
    """Seed 1 has no run without days: its error of 9 would make three days look worse."""
    rows = {
        "A": [add("A", "x>y", 2.0), add("A", "x>y", 9.0, seed=1),
              add("A", "x>y", 4.0, scarcity="0")],
        "B": [add("B", "x>y", 3.3), add("B", "x>y", 3.0, scarcity="0")],
        "C": [add("C", "x>y", 3.0),
              add("C", "x>y", 1.0, scarcity="0", notes={"collapsed": True})],
    }  # fmt: skip
    rmse, _ = said.worse_with_days(rows, ["x>y"], "3", "0")
    assert rmse == (
        "RMSE higher with 3 days of the target than without any: B on x → y (+10.0 %); "
        "1 of 2 comparisons."
    )


def test_failed_trainings_are_counted_by_row_and_amount(add):
    """A rule has no training, and none of another amount of data counts."""
    dead = {"notes": {"collapsed": True}, "scarcity": "0"}
    rows = {
        "A": [add("A", "x>y", 2.0, epochs=3, **dead), add("A", "x>z", 2.0, epochs=3, **dead),
              add("A", "x>y", 4.0, epochs=3, scarcity="0", seed=1)],
        "B": [add("B", "x>y", 3.0, epochs=3)],
        "Linear": [add("Linear", "x>y", 3.0, epochs=0, scarcity="0")],
    }  # fmt: skip
    assert said.trainings_failed(rows, "0") == [
        "A, no day of target data: 2 of 3 trainings failed."
    ]
    assert said.trainings_failed(rows, "3") == [
        "B, 3 days of target data: 0 of 1 trainings failed."
    ]
