"""Portraits of cities: each number by hand, on a city of a few cells."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.data.portraits import echo, portrait, portraits
from stflow_lib.data.schema import graph_city, grid_city, with_content_hash

CARD = {"step_minutes": 360, "zone": "nominal", "unit": "u", "source": "test", "licence": "MIT"}


def grid(days=3):
    """Four steps a day in four cells: one with 1, 2, 3, 4, one with a trip a
    day, two silent."""
    flow = np.zeros((4 * days, 1, 2, 2))
    flow[:, 0, 0, 0] = np.tile([1, 2, 3, 4], days)
    flow[::4, 0, 1, 1] = 1
    time = pd.date_range("2024-05-06", periods=4 * days, freq="6h")
    return with_content_hash(grid_city(flow, time, ["entries"]), name="grid", **CARD)


def graph():
    speed = np.array([[10.0, np.nan, np.nan], [20, 30, np.nan]] * 4)
    time = pd.date_range("2024-05-06", periods=8, freq="6h")
    return with_content_hash(
        graph_city(speed, time, np.ones((3, 3)), [1, 2, 3], [1, 2, 3]),
        name="graph", **{**CARD, "unit": "mph"},
    )  # fmt: skip


def test_a_grid_by_hand():
    """Silent cells count as units and not as zeros; the busiest tenth is at least one cell."""
    row = portrait(grid())
    assert (row["units"], row["active"]) == (4, 2)
    assert row["mean"] == pytest.approx((10 + 1) / 8) and row["zeros"] == pytest.approx(3 / 8)
    assert row["top tenth"] == pytest.approx(10 / 11)


def test_a_graph_by_hand():
    """Gaps are missing and no zeros; a sensor that was never heard is no active one."""
    row = portrait(graph())
    assert (row["units"], row["active"], row["mean"]) == (3, 2, 20)
    assert row["missing"] == pytest.approx(0.5)


def test_an_echo_is_the_correlation_with_the_day_before():
    """A day that repeats has echo 1, one that is turned over -1; too short a
    record has none."""
    day = np.array([1.0, 5, 2, 4])
    assert echo(pd.Series(np.tile(day, 3)), 24, 360) == pytest.approx(1)
    assert echo(pd.Series(np.r_[day, -day]), 24, 360) == pytest.approx(-1)
    assert np.isnan(echo(pd.Series(day), 24, 360))
    assert portrait(grid())["day"] == pytest.approx(1) and np.isnan(portrait(grid())["week"])


def test_the_table_has_every_column_whatever_is_shown():
    """A page with grids alone once had no column of gaps to check."""
    table = portraits({"one": grid()})
    assert table["missing"].isna().all() and list(table.index) == ["one"]
    both = portraits({"one": grid(), "two": graph()})
    assert both.loc["two", ["zeros", "top tenth"]].isna().all()
    assert list(both) == list(table)
