"""Figures of the part "Your city": a forecast with its band, and maps of mean and width."""

from collections.abc import Hashable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.book.plots.style import BLUE, GREY, INK, RED, bare, legend_below

DAYS = 3  # of the past beside a forecast


def busiest(city: xr.Dataset, direction: Hashable) -> tuple[int, int]:
    """Row and column of the cell with the most flow of a direction."""
    total = city.flow.sel(direction=direction).sum("time").values
    return tuple(map(int, np.unravel_index(total.argmax(), total.shape)))


def band_figure(city: xr.Dataset, found: xr.Dataset, cell: tuple[int, int]) -> plt.Figure:
    """The last days of a cell, then its forecast with the interval, a panel for each direction."""
    ways = list(found.direction.values)
    fig, panels = plt.subplots(
        len(ways), 1, figsize=(8, 2.4 * len(ways) + 0.5), sharex=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    steps = DAYS * 1440 // int(city.attrs["step_minutes"])
    for axes, way in zip(panels[:, 0], ways, strict=True):
        past = city.flow.sel(direction=way).isel(
            time=slice(-steps, None), row=cell[0], col=cell[1]
        )
        ahead = found.sel(direction=way).isel(row=cell[0], col=cell[1])
        axes.plot(past.time, past, color=GREY, label="counted")
        axes.fill_between(ahead.time, ahead.lower, ahead.upper, color=BLUE, alpha=0.25, lw=0,
                          label=_interval(found))  # fmt: skip
        axes.plot(ahead.time, ahead["mean"], color=BLUE, marker=".", label="forecast")
        axes.set_ylabel(f"{way}\n({city.attrs['unit']})")
        axes.set_ylim(bottom=0)
        bare(axes)
    panels[0, 0].set_title(f"Row {cell[0]}, column {cell[1]} of {city.attrs['name']}")
    panels[-1, 0].tick_params(axis="x", rotation=20)
    legend_below(fig, 3)
    return fig


def maps_figure(
    found: xr.Dataset, step: int = 0, direction: int = 0, cell: tuple[int, int] | None = None
) -> plt.Figure:
    """Map of the mean and of the interval's width at one step, north at the top.

    A frame marks the `cell` at a row and a column.
    """
    one = found.isel(time=step, direction=direction)
    fig, panels = plt.subplots(1, 2, figsize=(9, 4), layout="compressed")
    fig.get_layout_engine().set(w_pad=0.2)  # between a bar's unit and the next panel's axis
    shown = {
        "mean": one["mean"],
        f"width of the {_interval(found)}": one["upper"] - one["lower"],
    }
    for axes, (title, values) in zip(panels, shown.items(), strict=True):
        image = axes.imshow(
            values, extent=_extent(found), cmap="viridis", aspect=_aspect(found)
        )
        fig.colorbar(image, ax=axes, shrink=0.8, label=found.attrs["unit"])
        axes.set_title(title, color=INK)
        if cell is not None:
            axes.plot(*_middle(found, cell), "s", markersize=10, mfc="none", mec=RED, mew=2)
        axes.set(xlabel="column", ylabel="row")
        if "lat" in found.coords:
            axes.set(xlabel="longitude", ylabel="latitude")
            axes.locator_params(axis="x", nbins=4)
    stamp = pd.Timestamp(one.time.values)
    fig.suptitle(f"{one.direction.item()}, {stamp:%A %Y-%m-%d %H:%M}")
    return fig


def _interval(found: xr.Dataset) -> str:
    share = found.attrs["upper_level"] - found.attrs["lower_level"]
    return f"{share:.0%} interval"


def _extent(found: xr.Dataset) -> tuple[float, float, float, float]:
    edges = ("lon_min", "lon_max", "lat_min", "lat_max")
    if all(edge in found.attrs for edge in edges) and "lat" in found.coords:
        return tuple(found.attrs[edge] for edge in edges)
    return (-0.5, found.sizes["col"] - 0.5, found.sizes["row"] - 0.5, -0.5)


def _middle(found: xr.Dataset, cell: tuple[int, int]) -> tuple[float, float]:
    """Where the middle of a cell lies on the map."""
    left, right, bottom, top = _extent(found)
    row, col = (place + 0.5 for place in cell)
    return (left + col * (right - left) / found.sizes["col"],
            top - row * (top - bottom) / found.sizes["row"])  # fmt: skip


def _aspect(found: xr.Dataset) -> float:
    """Cells as they lie on the ground."""
    if "lat" not in found.coords:
        return 1.0
    return float(1 / np.cos(np.deg2rad(found.lat.mean())))
