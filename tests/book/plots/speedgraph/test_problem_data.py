"""Problem page: counts by hand, days that add up, and the window that is looked for."""

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.book.plots.speedgraph import bad_cities, problem_data
from stflow_lib.speedgraph import PROTOCOLS, make_task


def test_printed_and_own_rows_have_the_same_columns(make_city):
    values = {"nodes": 207, "edges": 1722, "interval_min": 5, "time_steps": 100, "mean": 58.5,
              "std": 13.0}  # fmt: skip
    printed = pd.DataFrame([("LA", k, v) for k, v in values.items()],
                           columns=["target", "metric", "value"])  # fmt: skip
    gaps = bad_cities.altered(make_city(), bad_cities.with_readings(np.nan, slice(3)))
    table = problem_data.table1({"a": make_city(), "gaps": gaps}, printed)
    assert table.loc[("printed", "LA"), "edges"] == 1722
    assert table.loc[("here", "a")][["nodes", "edges", "step (min)", "steps"]].tolist() == [
        6, 11, 10, 864]  # fmt: skip
    assert table.loc[("here", "a"), "mean"] == pytest.approx(float(make_city().speed.mean()))
    assert table["missing (%)"].tolist()[1:] == [0, 50]


def test_graphs_without_their_loops(make_city):
    cut = bad_cities.altered(make_city(), bad_cities.cut_in_half)
    table = problem_data.graph_statistics({"chain": make_city(), "halves": cut})
    assert table.loc["chain"].tolist() == [False, 2.0, 2, 0, 1, 100.0]
    assert table.loc["halves", "pieces"] == 2 and table.loc["halves", "largest piece (%)"] == 50


@pytest.mark.parametrize("name, few, test", [("P10", 415, 16_687), ("native", 847, 33_391)])
def test_windows_of_metr_la(name, few, test):
    table = problem_data.readings_table({name: PROTOCOLS[name]}, {"METR-LA": (119, 5)})
    row = table.loc[(name, "METR-LA")]
    assert (row["few-shot windows"], row["test windows"]) == (few, test)
    assert row["errors at (min)"] == {"P10": "10, 30, 60", "native": "5, 15, 30"}[name]


def test_counts_agree_with_the_task(task):
    plan = PROTOCOLS["P10"]
    assert len(task.target.known) == problem_data.window_count(plan, 3, 10)
    assert len(task.test) == problem_data.window_count(plan, 3, 10)  # of six days


def test_mean_speeds_average_sensors_and_steps(make_city):
    city = make_city()
    series = problem_data.mean_speeds({"a": city})["a"]
    assert len(series) == 6 * 48
    assert series.iloc[0] == pytest.approx(city.speed.values[:3].mean(), rel=1e-5)


def test_days_of_target_and_source(task):
    spans = problem_data.split_spans({"a": task, "b": task}, "a")
    assert spans["target: a"] == [
        ("few-shot", 0, 2), ("chooses the epoch", 2, 3), ("test", 3, 6.0)]  # fmt: skip
    assert spans["source: b"] == [("trains", 0, 5.4), ("chooses the epoch", 5.4, 6.0)]


def test_scales_of_three_days_and_of_all(make_city):
    city = bad_cities.altered(make_city(), bad_cities.with_readings(np.nan, 2, slice(3 * 144)))
    row = problem_data.scales({"a": make_task(city)}).loc["a"]
    speed = city.speed.values
    assert row["μ, three days"] == pytest.approx(np.nanmean(speed[:432]), rel=1e-5)
    assert row["μ, whole record"] == pytest.approx(np.nanmean(speed), rel=1e-5)
    assert row["σ, whole record"] == pytest.approx(np.nanstd(speed, ddof=1), rel=1e-4)
    assert row["sensors silent for three days"] == 1
    assert row["inputs filled (%)"] == pytest.approx(100 / 12)


def test_the_restless_window_is_where_speeds_jump(make_city):
    """Its last input lies before the jump, its last label behind it."""
    at = 4 * 144 + 2
    jump = bad_cities.with_readings(5.0, slice(4, 6), slice(at + 1, None))
    step, sensors = problem_data.restless_window(
        make_task(bad_cities.altered(make_city(), jump)), every=1
    )
    assert at - 4 <= int(step) <= at + 1 and sorted(sensors.tolist()) == [4, 5]


def test_the_first_whole_test_day(task):
    steps = problem_data.first_test_day(task)
    assert len(steps) == 144 and int(steps[0]) == 4 * 144


def test_sensors_by_how_much_they_vary(make_city):
    city = make_city()
    city.speed.values[:, 3] += 20 * np.sin(np.arange(864))
    sensors = problem_data.restless_sensors(
        make_task(bad_cities.altered(city)), torch.arange(576, 720)
    )
    assert sensors[0] == 3 and len(set(sensors.tolist())) == 3
