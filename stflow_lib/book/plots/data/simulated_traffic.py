"""Pictures of simulated traffic: the fundamental diagram, waves on a road, lost readings."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from stflow_lib.book.plots.style import legend_above


def diagram_figure(truth: xr.Dataset, diagram) -> plt.Figure:
    """Flow and speed against density: five-minute means of every sensor, and the diagram."""
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    density, flow = truth["density"].values.ravel(), truth["flow"].values.ravel()
    some = np.random.default_rng(0).permutation(density.size)[:12000]
    k = np.linspace(0.1, diagram.jam, 400)
    for axis, points, line, label in (
        (axes[0], flow, diagram.flow(k), "flow q (vehicles/h)"),
        (axes[1], flow / np.maximum(density, 1e-9), diagram.speed(k), "speed q / k (km/h)"),
    ):
        axis.plot(density[some], points[some], ".", ms=1.5, color="#0072B2", alpha=0.35,
                  label="five-minute means", rasterized=True)  # fmt: skip
        axis.plot(k, line, color="#D55E00", label="fundamental diagram")
        axis.set(xlabel="density k (vehicles/km)", ylabel=label)
    axes[0].set_title(
        f"capacity {diagram.capacity:,.0f} vehicles/h at k = {diagram.critical:.0f}"
    )
    axes[1].set_title(f"free speed {diagram.free:.0f} km/h")
    legend_above(axes[1], markerscale=6)
    return fig


def wave_figure(truth: xr.Dataset, way: int, day: int, unit: str, cell_km: float) -> plt.Figure:
    """Speed over a day along one carriageway; traffic drives upwards, queues grow downwards."""
    own = truth["way"].values == way
    steps = slice(day * 288, day * 288 + 288)
    speed = truth["complete"].values[steps][:, own]
    fig, axis = plt.subplots(figsize=(10, 3.8), layout="constrained")
    image = axis.imshow(speed.T, aspect="auto", origin="lower", cmap="cividis", vmin=0,
                        extent=(0, 24, 0, own.sum() * cell_km))  # fmt: skip
    for place in np.flatnonzero(truth["lane_drop"].values[own]):
        axis.axhline((place + 0.5) * cell_km, color="white", ls="--", lw=1)
    dashed = " (dashed: a lane is lost)" * bool(truth["lane_drop"].values[own].any())
    axis.set(title=f"a day on one carriageway{dashed}", xlabel="hour of day",
             ylabel="way driven (km)", xlim=(4, 24), xticks=range(4, 25, 2))  # fmt: skip
    fig.colorbar(image, ax=axis, label=f"speed ({unit})")
    return fig


def gaps_figure(city: xr.Dataset, truth: xr.Dataset) -> plt.Figure:
    """What the detectors report: a map of gaps, and one sensor's day with its gap."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    left.imshow(truth["missing"].values.T, aspect="auto", cmap="Greys", interpolation="nearest",
                extent=(0, len(city.time) / 288, city.sizes["node"], 0))  # fmt: skip
    left.set(title=f"missing readings (black), {100 * truth.missing.mean().item():.1f} %",
             xlabel="day", ylabel="sensor")  # fmt: skip
    days = truth["missing"].values.reshape(-1, 288, city.sizes["node"]).sum(1)
    day, node = np.unravel_index(np.argmin(np.abs(days - 60)), days.shape)
    part = slice(day * 288, day * 288 + 288)
    hour = np.arange(288) / 12
    right.plot(hour, truth["complete"].values[part, node], color="#D55E00", lw=1, label="lost")
    right.plot(hour, city["speed"].values[part, node], color="#0072B2", lw=1, label="reported")
    right.set(title=f"sensor {node} on day {day + 1}", xlabel="hour of day", ylim=(0, None),
              ylabel=f"speed ({city.attrs['unit']})", xticks=range(0, 25, 6))  # fmt: skip
    legend_above(right)
    return fig
