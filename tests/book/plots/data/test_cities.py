"""Pictures of cities: the numbers behind them, and labels on every axis."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib import data
from stflow_lib.book.plots.data.cities import (
    city_figure,
    poi_maps,
    week_profile,
    week_rhythms,
)
from stflow_lib.data.schema import grid_city, with_content_hash


def week_city(days=7, flow=None):
    time = pd.date_range("2024-05-08", periods=24 * days, freq="h")  # a Wednesday
    flow = np.arange(24.0 * days) if flow is None else flow
    return with_content_hash(
        grid_city(flow[:, None, None, None], time, ["entries"]), name="toy", step_minutes=60,
        zone="nominal", unit="trips per step", source="test", licence="MIT",
    )  # fmt: skip


def test_week_profile_starts_on_monday_and_averages_one():
    """The record starts on a Wednesday: its first hour is hour 48 of the week."""
    profile = week_profile(week_city())
    series = np.arange(168.0)
    assert profile == pytest.approx(np.roll(series, 48) / series.mean())
    short = week_profile(week_city(days=2))
    assert np.isnan(short[:48]).all() and np.isfinite(short[48:96]).all()


@pytest.mark.parametrize("name", ["sim-fine", "sim-grid-a", "sim-speed-c"])
def test_every_axis_is_labelled_with_its_unit(name):
    city = data.load(name)
    fig = city_figure(city)
    main = [axis for axis in fig.axes if axis.get_title()]
    assert len(main) == 3 and all(a.get_xlabel() and a.get_ylabel() for a in main)
    text = " ".join(axis.get_ylabel() for axis in fig.axes)
    assert city.attrs["unit"] in text
    plt.close(fig)


def test_week_rhythms_and_poi_maps_draw_every_row():
    cities = {name: data.load(name) for name in ("sim-grid-a", "sim-grid-c", "sim-speed-a")}
    fig = week_rhythms(cities)
    labels = [t.get_text() for axis in fig.axes[:2] for t in axis.get_yticklabels()]
    assert labels == list(cities)
    maps = poi_maps(cities["sim-grid-a"])
    groups = cities["sim-grid-a"].sizes["category"]
    assert sum(bool(axis.get_title()) for axis in maps.axes) == groups
    plt.close("all")
