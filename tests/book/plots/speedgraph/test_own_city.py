"""Figures of a person's own sensors."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stflow_lib.book.plots.speedgraph import own_city


def made():
    """A city of three sensors, and a forecast whose bands are 1, 3 and 2 wide."""
    time = pd.date_range("2024-01-01", periods=100, freq="15min")
    node = ["a", "b", "c"]
    city = xr.Dataset({"speed": (("time", "node"), np.full((100, 3), 50.0))},
                      {"time": time, "node": node}, {"unit": "km/h"})  # fmt: skip
    mean = xr.DataArray(
        np.full((4, 3), 50.0), {"time": time[-4:] + pd.Timedelta("1h"), "node": node}
    )
    half = xr.DataArray([0.5, 1.5, 1.0], {"node": node})
    return city, xr.Dataset({"mean": mean, "lower": mean - half, "upper": mean + half})


def test_the_widest_bands_are_shown_first():
    found = made()[1]
    assert own_city.most_uncertain(found, 2) == ["b", "c"]
    found["upper"][:, 1] = np.nan
    assert own_city.most_uncertain(found, 2) == ["c", "a"]


def test_band_figure_has_a_panel_a_sensor():
    fig = own_city.band_figure(*made(), ["b", "a"])
    assert [axes.get_title() for axes in fig.axes] == ["sensor b", "sensor a"]
    assert len(fig.axes[0].lines[0].get_xdata()) == 25  # six hours and the last step


def test_waiting_figure_means_over_origins():
    rows = [(d, m, m / d + o) for d in (1, 2) for m in (15, 30, 45, 60) for o in (0, 2)]
    errors = pd.DataFrame(rows, columns=["days", "minutes", "mae"])
    errors.attrs["unit"] = "km/h"
    axes = own_city.waiting_figure(errors).axes[0]
    assert [line.get_label() for line in axes.lines] == [f"{m} min ahead" for m in (15, 45, 60)]
    assert axes.lines[0].get_ydata() == pytest.approx([16, 8.5])
