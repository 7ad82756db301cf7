"""Rides -> grids of pick-ups and drop-offs."""

import warnings

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.cells import (
    box_city,
    cell_index,
    count_points,
    degrees_e5,
    none_in_box,
)
from stflow_lib.data.schema import DIMS, Box
from stflow_lib.data.time_axis import MONTH, stray_day, time_axis_from_local, wall_time

COLUMNS = ("start", "end", "start_lat", "start_lon", "end_lat", "end_lon")
DIRECTIONS = ("pickup", "dropoff")
ENDS = (("start", "pickups"), ("end", "dropoffs"))


def trip_grids(
    trips: pd.DataFrame, box: Box, rows: int, cols: int, step_minutes: int, zone: str,
    first=None, last=None,
) -> xr.DataArray:  # fmt: skip
    """Pick-ups and drop-offs per step and cell: flow (time, direction, row, col) float32.

    The steps run from the first start to the last, or over the whole days `first` to `last`;
    time is the wall clock of `zone`, and a span in which its clocks change is a DataError.

    What is left out is counted in the attributes: rides that start on other days
    (`rides_off_span`) or end before they start (`rides_backwards`), both ends of each; ends of
    unknown place (`pickups_nowhere`, `dropoffs_nowhere`), off the box (`..._outside`) and, for
    drop-offs, after the last step (`dropoffs_late`). So is what is kept but coarse: ends of
    known place with at most two decimals (`..._rounded`).

    DataError names the row of a time or place that is none and, without `first` or `last`, of a
    ride that starts more than a month from most others; it also says when nothing is counted.
    Where most ends are left out, a warning says so.
    """
    _demand_rides(trips)
    kept, *span = _within(trips, first, last)
    time = time_axis_from_local(*span, step_minutes, zone)
    forwards = kept[kept["end"] >= kept["start"]]
    doubles = trips.attrs.get("rides_double", 0)
    attrs = {"rides": len(trips), "rides_double": doubles, "rides_off_span": len(trips) - len(kept),
             "rides_backwards": len(kept) - len(forwards)}  # fmt: skip
    counts = np.empty((len(time), 2, rows, cols), np.float32)
    places = []
    for direction, (end, kind) in enumerate(ENDS):
        degrees = forwards[[f"{end}_lat", f"{end}_lon"]]
        known = degrees.notna().all(axis=1).to_numpy()
        places.append(degrees_e5(degrees[known]))
        cell = cell_index(*places[-1].T, box, rows, cols)
        step = (forwards[end] - time[0]) // pd.Timedelta(minutes=step_minutes)
        step = step.to_numpy()[known]
        points = count_points(step, cell, len(time), rows, cols)
        counts[:, direction] = exact(points, np.float32, kind)
        attrs[f"{kind}_nowhere"] = int((~known).sum())
        attrs[f"{kind}_outside"] = int((cell < 0).sum())
        attrs[f"{kind}_late"] = int(((step >= len(time)) & (cell >= 0)).sum())
        attrs[f"{kind}_rounded"] = int((places[-1] % 1000 == 0).all(axis=1).sum())
    _demand_counted(counts, np.concatenate(places), box, attrs)
    coords = {"time": time, "direction": list(DIRECTIONS)}
    return xr.DataArray(counts, coords, DIMS["flow"], "flow", attrs)


def _demand_rides(trips):
    """DataError naming the first column, or row and column, that no ride can have."""
    missing = [name for name in COLUMNS if name not in trips]
    if missing:
        raise DataError(f"trips: columns {missing} are missing")
    if not len(trips):
        raise DataError("trips: no rides, the table is empty")
    for name in ("start", "end"):
        dtype = trips[name].dtype
        if not isinstance(dtype, np.dtype) or dtype.kind != "M":
            raise DataError(f"trips: {name} is {dtype}, not wall-clock time")
        _demand_none(trips[name].isna(), trips[name], "a time")
    for name in COLUMNS[2:]:
        degrees = exact(trips[name], np.float64, f"trips: {name}")
        limit = 90 if name.endswith("lat") else 180
        _demand_none(np.abs(degrees) > limit, trips[name], f"degrees in -{limit}..{limit}")


def _demand_none(wrong, column, rule):
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(f"trips: {column.name} of row {at} is not {rule}: {column.iloc[at]}")


def _within(trips, first, last):
    """The rides that start within the days first..last, and the first and last time covered."""
    low = trips["start"].min() if first is None else wall_time(first).normalize()
    high = trips["start"].max()
    if last is not None:
        high = wall_time(last).normalize() + pd.Timedelta(1, "D") - pd.Timedelta(1, "ns")
    kept = trips[trips["start"].between(low, high)]
    if not len(kept):
        raise DataError(f"trips: no ride starts from {low} to {high}")
    if first is None or last is None:
        _demand_no_stray(kept)
    return kept, low, high


def _demand_no_stray(trips):
    days = trips["start"].to_numpy("datetime64[D]").astype(np.int64)
    if (at := stray_day(days)) is not None:
        raise DataError(f"trips: a stray ride, more than {MONTH} days from most others: row "
                        f"{trips.index[at]} starts {trips['start'].iloc[at]}; give the first "
                        "and last day to leave it out")  # fmt: skip


def _demand_counted(counts, places, box, attrs):
    """DataError when nothing is counted, a warning when most is left out."""
    ends = 2 * (attrs["rides"] - attrs["rides_off_span"])
    if not counts.any():
        raise DataError(f"{none_in_box('trips', *places.T, box)}; left out: {attrs}")
    if 2 * counts.sum(dtype=np.float64) < ends:
        warnings.warn(f"trips: {counts.sum(dtype=np.float64):.0f} of {ends} ends are counted; "
                      f"left out: {attrs}", stacklevel=3)  # fmt: skip


def rides_city(
    trips: pd.DataFrame, box: Box, rows: int, cols: int, step_minutes: int, zone: str,
    poi: xr.DataArray | None = None, first=None, last=None, **attrs,
) -> xr.Dataset:  # fmt: skip
    """Checked grid city of `trip_grids`, with its left-out counts; attrs: name, source, ..."""
    flow = trip_grids(trips, box, rows, cols, step_minutes, zone, first, last)
    return box_city(
        flow.values, flow["time"].values, DIRECTIONS, box, poi=poi, step_minutes=step_minutes,
        zone=zone, unit="rides per step", **flow.attrs, **attrs,
    )  # fmt: skip
