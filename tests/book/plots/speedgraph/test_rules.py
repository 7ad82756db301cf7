"""Rules on the problem page: errors under their minutes, and days that make a difference."""

import pytest

from stflow_lib.book.plots.speedgraph import rules
from stflow_lib.speedgraph import METHODS, score


def test_errors_stand_under_their_minutes(task):
    last = rules.fit_default(METHODS["Last value"], task)
    table = rules.errors_by_minutes(task, {"Last value": last})
    parts = score(task, last)["parts"]
    assert [*table.columns] == [(e, m) for e in ("MAE", "RMSE") for m in ("10", "30", "60")]
    assert table.loc["Last value", ("MAE", "30")] == parts["min30_mae"]
    assert table.loc["Last value", ("RMSE", "60")] == parts["min60_rmse"]


def test_last_value_knows_nothing_of_the_days(make_city):
    """All beginnings are tested on the same second half: without learning all are level."""
    methods = [METHODS["Last value"], METHODS["Time-of-day mean"]]
    table = rules.errors_by_first_day(make_city(days=12), methods, "P10", 12, tries=2)
    assert [*table] == ["day 1, Tue", "day 3, Thu"]
    last, mean = table.loc["Last value"], table.loc["Time-of-day mean"]
    assert last.iloc[0] == pytest.approx(last.iloc[1]) and mean.iloc[0] != mean.iloc[1]
