"""Hour, direction and cell chosen by hand in JupyterLab; a picture everywhere else."""

import os
from functools import partial

import matplotlib.pyplot as plt
import xarray as xr

from stflow_lib.book.plots.your_city import band_figure, busiest, maps_figure


def explore(found: xr.Dataset, city: xr.Dataset | None = None, step: int = 0) -> None:
    """Show the maps of a forecast at `step`; in JupyterLab with controls for what is shown.

    With the city that is forecast also the past and the band of one cell, the busiest at first.
    """
    if in_jupyter():
        from IPython.display import display

        display(controls(found, city, step))
    else:
        maps_figure(found, step=step)
        plt.show()


def in_jupyter() -> bool:
    """Whether somebody sits before the page: a Jupyter server names its notebook to the kernel,
    papermill and the build of the book do not."""
    return "JPY_SESSION_NAME" in os.environ


def controls(found: xr.Dataset, city: xr.Dataset | None = None, step: int = 0):
    """A box of widgets above what they choose, an `ipywidgets.interactive`."""
    import ipywidgets

    ways = list(found.direction.values)
    hours = [f"{time:%a %d %b, %H:%M}" for time in found.indexes["time"]]
    slider = partial(ipywidgets.IntSlider, continuous_update=False)
    chosen = {
        "step": ipywidgets.SelectionSlider(
            options=list(zip(hours, range(len(hours)), strict=True)), value=step,
            description="hour", continuous_update=False,
        ),
        "direction": ipywidgets.Dropdown(options=list(zip(ways, range(len(ways)), strict=True))),
    }  # fmt: skip
    if city is None:
        return ipywidgets.interactive(lambda **picked: draw(found, None, **picked), **chosen)
    row, col = busiest(city, ways[0])
    cell = {"row": slider(row, 0, found.sizes["row"] - 1),
            "col": slider(col, 0, found.sizes["col"] - 1, description="column")}  # fmt: skip
    return ipywidgets.interactive(
        lambda **picked: draw(found, city, **picked), **chosen, **cell
    )


def draw(
    found: xr.Dataset, city: xr.Dataset | None, step: int, direction: int, row: int = -1,
    col: int = -1,
) -> None:  # fmt: skip
    """The maps, and with a city its cell at a row and a column."""
    maps_figure(found, step, direction, None if city is None else (row, col))
    if city is not None:
        band_figure(city, found, (row, col))
    plt.show()
