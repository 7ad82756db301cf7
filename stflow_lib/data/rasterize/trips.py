"""Rides -> grids of pick-ups and drop-offs."""

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.cells import box_city, cell_index, count_points, degrees_e5
from stflow_lib.data.schema import DIMS, Box
from stflow_lib.data.time_axis import time_axis_from_local

COLUMNS = ("start", "end", "start_lat", "start_lon", "end_lat", "end_lon")
DIRECTIONS = ("pickup", "dropoff")
ENDS = (("start", "pickups"), ("end", "dropoffs"))


def trip_grids(
    trips: pd.DataFrame, box: Box, rows: int, cols: int, step_minutes: int, zone: str
) -> xr.DataArray:
    """Pick-ups and drop-offs per step and cell: flow (time, direction, row, col) float32.

    The steps run from the first start to the last start; time is the wall clock of `zone`, and
    a span in which its clocks change is a DataError. What is left out is counted in the
    attributes: rides that end before they start (`rides_backwards`, both ends left out), ends
    of unknown place (`pickups_nowhere`, `dropoffs_nowhere`), off the box (`..._outside`) and,
    for drop-offs, after the last step (`dropoffs_late`).
    """
    _demand_rides(trips)
    time = time_axis_from_local(trips["start"].min(), trips["start"].max(), step_minutes, zone)
    forwards = trips[trips["end"] >= trips["start"]]
    attrs = {"rides": len(trips), "rides_backwards": len(trips) - len(forwards)}
    counts = np.empty((len(time), 2, rows, cols), np.float32)
    for direction, (end, kind) in enumerate(ENDS):
        step = (forwards[end] - time[0]) // pd.Timedelta(minutes=step_minutes)
        places = forwards[[f"{end}_lat", f"{end}_lon"]]
        known = places.notna().all(axis=1).to_numpy()
        cell = cell_index(*degrees_e5(places[known]).T, box, rows, cols)
        step = step.to_numpy()[known]
        counts[:, direction] = count_points(step, cell, len(time), rows, cols)
        attrs[f"{kind}_nowhere"] = int((~known).sum())
        attrs[f"{kind}_outside"] = int((cell < 0).sum())
        attrs[f"{kind}_late"] = int(((step >= len(time)) & (cell >= 0)).sum())
    coords = {"time": time, "direction": list(DIRECTIONS)}
    return xr.DataArray(counts, coords, DIMS["flow"], "flow", attrs)


def _demand_rides(trips):
    missing = [name for name in COLUMNS if name not in trips]
    if missing:
        raise DataError(f"trips: columns {missing} are missing")
    if not len(trips):
        raise DataError("trips: no rides, the table is empty")


def rides_city(
    trips: pd.DataFrame, box: Box, rows: int, cols: int, step_minutes: int, zone: str,
    poi: xr.DataArray | None = None, **attrs,
) -> xr.Dataset:  # fmt: skip
    """Checked grid city of `trip_grids`, with its left-out counts; attrs: name, source, ..."""
    flow = trip_grids(trips, box, rows, cols, step_minutes, zone)
    return box_city(
        flow.values, flow["time"].values, DIRECTIONS, box, poi=poi, step_minutes=step_minutes,
        zone=zone, unit="rides per step", **flow.attrs, **attrs,
    )  # fmt: skip
