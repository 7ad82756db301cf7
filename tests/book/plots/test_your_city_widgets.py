"""Controls draw what they say; without a Jupyter server there is a picture and nothing else."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from stflow_lib.book.plots import your_city_widgets
from stflow_lib.book.plots.your_city_widgets import controls, explore
from stflow_lib.data import load
from stflow_lib.gridflow import forecast


@pytest.fixture(scope="module")
def pair():
    city = load("sim-grid-c").isel(time=slice(0, 200))
    return city, forecast(city, hours=3, method="Yesterday")


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are open when they are shown, newest call last."""
    shown = []

    def show():
        shown.append([plt.figure(number) for number in plt.get_fignums()])
        plt.close("all")

    monkeypatch.setattr(your_city_widgets.plt, "show", show)
    yield shown
    plt.close("all")


def named(box):
    return {widget.description: widget for widget in box.kwargs_widgets}


def test_elsewhere_a_picture(pair, drawn, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    explore(pair[1], pair[0], step=1)
    ((fig,),) = drawn
    assert np.array_equal(fig.axes[0].images[0].get_array(), pair[1]["mean"][1, 0])


def test_in_jupyter_controls(pair, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "x.ipynb")
    seen = []
    monkeypatch.setattr("IPython.display.display", seen.append)
    explore(pair[1], pair[0])
    assert set(named(seen[0])) == {"hour", "direction", "row", "column"}


def test_hour_direction_and_cell_are_what_is_drawn(pair, drawn):
    city, found = pair
    box = controls(found, city)
    own = named(box)
    first, _ = own["hour"].options[0]
    assert first == f"{found.indexes['time'][0]:%a %d %b, %H:%M}"
    own["hour"].value, own["direction"].value = 2, 1
    own["row"].value, own["column"].value = 4, 5
    box.update()
    maps, band = drawn[-1]
    assert np.array_equal(maps.axes[0].images[0].get_array(), found["mean"][2, 1])
    mark = maps.axes[0].lines[0]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (5, 4)
    assert np.array_equal(band.axes[1].lines[1].get_ydata(), found["mean"][:, 1, 4, 5])


def test_without_a_city_there_are_maps_only(pair, drawn):
    box = controls(pair[1])
    assert set(named(box)) == {"hour", "direction"}
    box.update()
    assert len(drawn[-1]) == 1


def test_a_cell_is_marked_where_it_lies(pair):
    """North is at the top: the first row is the northernmost."""
    found = pair[1]
    rows, cols = found.sizes["row"], found.sizes["col"]
    edges = {"lat_min": 0.0, "lat_max": float(rows), "lon_min": 0.0, "lon_max": float(cols)}
    placed = found.assign_coords(lat=("row", np.arange(rows, 0, -1) - 0.5)).assign_attrs(edges)
    mark = your_city_widgets.maps_figure(placed, cell=(1, 2)).axes[0].lines[0]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (2.5, float(placed.lat[1]))
