"""Results for other programs: NetCDF, CSV, parquet, GeoJSON (QGIS, GeoPandas), a map to move."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.netcdf import write_netcdf
from stflow_lib.data.files.write import write_atomic
from stflow_lib.data.schema import EDGES
from stflow_lib.data.slider_map import Layer, SliderMap, to_page

DEGREES = 7  # decimals of a corner: a centimetre
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}


def export(result: xr.Dataset, path: Path | str) -> Path:
    """Write a city, a forecast or fine maps; the ending of `path` says as what.

    .nc: as it is; .csv, .parquet: a row for each time, direction and cell (or sensor), with lat
    and lon of its middle; .geojson: a polygon for each of these (a point for a sensor, nothing
    for one without a place), WGS 84; .html: a page by itself, which asks no host for anything,
    with maps of mean and width and a slider over the steps. DataError for another ending, and
    where a map has no place on the globe.
    """
    path = Path(path)
    if path.suffix not in WRITERS:
        raise DataError(f"{path}: want one of {', '.join(WRITERS)}")
    WRITERS[path.suffix](result, path)
    return path


def located(result: xr.Dataset) -> xr.Dataset:
    """With the places of those sensors that have one, where a city's lat and lon know none."""
    known = {
        axis: result[f"known_{axis}"] for axis in ("lat", "lon") if f"known_{axis}" in result
    }
    return result.assign_coords({axis: ("node", place.values) for axis, place in known.items()})


def table(result: xr.Dataset) -> pd.DataFrame:
    """A row for each time, direction and cell (or time and sensor) of all maps of a result."""
    result = located(result)
    maps = [name for name, array in result.data_vars.items() if "time" in array.dims]
    dims = [d for d in ("time", "direction", "row", "col", "node") if d in result[maps[0]].dims]
    same = [name for name in maps if set(result[name].dims) == set(dims)]
    frame = result[same].to_dataframe(dim_order=dims).reset_index()
    places = [name for name in ("lat", "lon") if name in frame]
    return frame[[*dims, *places, *map(str, same)]]


def _csv(result: xr.Dataset, path: Path) -> None:
    write_atomic(path, table(result).to_csv(index=False).encode())


def _parquet(result: xr.Dataset, path: Path) -> None:
    content = io.BytesIO()
    table(result).to_parquet(content, index=False)
    write_atomic(path, content.getvalue())


def _geojson(result: xr.Dataset, path: Path) -> None:
    frame = table(result)
    shape = _points(result, path) if "node" in frame else _cells(result, path)
    frame = frame.assign(time=frame["time"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    records = json.loads(frame.to_json(orient="records"))
    features = [{"type": "Feature", "geometry": shape(record), "properties": record}
                for record in records]  # fmt: skip
    collection = {"type": "FeatureCollection", "name": path.stem, "crs": CRS}
    write_atomic(path, json.dumps({**collection, "features": features}).encode())


def _points(result: xr.Dataset, path: Path) -> Callable[[dict], dict | None]:
    _placed(result, path)

    def point(record: dict) -> dict | None:
        place = [record["lon"], record["lat"]]
        return None if None in place else {"type": "Point", "coordinates": place}

    return point


def _placed(result: xr.Dataset, path: Path) -> np.ndarray:
    """Which sensors have a place [N]; DataError where none has."""
    result = located(result)
    known = [np.isfinite(result[name].values) for name in ("lat", "lon") if name in result]
    placed = np.logical_and.reduce(known) if len(known) == 2 else np.zeros(1, bool)
    if not placed.any():
        raise DataError(f"{path}: sensors without lat and lon have no place on a map")
    return placed


def _cells(result: xr.Dataset, path: Path) -> Callable[[dict], dict]:
    """The polygon of a record's cell, anticlockwise from its south-western corner."""
    missing = [edge for edge in EDGES if edge not in result.attrs]
    if missing:
        raise DataError(
            f"{path}: the city has no {missing[0]}: its cells have no place on a map"
        )
    south, north, west, east = (result.attrs[edge] for edge in EDGES)
    lat = np.linspace(north, south, result.sizes["row"] + 1).round(DEGREES).tolist()
    lon = np.linspace(west, east, result.sizes["col"] + 1).round(DEGREES).tolist()

    def polygon(record: dict) -> dict:
        (n, s), (w, e) = (
            axis[record[k] : record[k] + 2] for axis, k in ((lat, "row"), (lon, "col"))
        )
        ring = [[w, s], [e, s], [e, n], [w, n], [w, s]]
        return {"type": "Polygon", "coordinates": [ring]}

    return polygon


def _html(result: xr.Dataset, path: Path) -> None:
    write_atomic(path, to_page(slider_map(result, path)).encode())


def slider_map(result: xr.Dataset, path: Path | str) -> SliderMap:
    """Maps of mean and width, or of a city's values, by direction over the steps of a result.

    Cells as they lie, sensors as points. DataError, naming `path`, where no sensor has a place.
    """
    result, places, power = located(result), None, 0.5
    if "node" in result.dims:
        result = result.isel(node=np.flatnonzero(_placed(result, Path(path))))
        east = result.lon.values * np.cos(np.deg2rad(result.lat.values.mean()))
        places, power = np.stack([east, result.lat.values], 1), 1
    made = f", {result.attrs['kind']}" * ("mean" in result) + _by(result)
    frames = [f"{time:%a %Y-%m-%d %H:%M}" for time in result.indexes["time"]]
    title = f"{result.attrs['name']}{made}: {result.attrs['unit']}"
    return SliderMap(
        title, result.attrs["unit"], frames, list(_layers(result)), places, "time", power
    )


def _by(result: xr.Dataset) -> str:
    return f" by {result.attrs['method']}" if "method" in result.attrs else ""


def _layers(result: xr.Dataset) -> Iterator[Layer]:
    for way in result.direction.values if "direction" in result.dims else [None]:
        one = result if way is None else result.sel(direction=way)
        name = "" if way is None else f"{way}: "
        if "mean" not in one:
            (value,) = (one[v] for v in ("flow", "speed") if v in one)
            yield Layer(f"{name}{value.name}", value.values)
            continue
        share = one.attrs["upper_level"] - one.attrs["lower_level"]
        yield Layer(f"{name}mean", one["mean"].values)
        width = (one.upper - one.lower).values
        yield Layer(f"{name}width of the {share:.0%} interval", width, "error")


WRITERS = {".nc": write_netcdf, ".csv": _csv, ".parquet": _parquet, ".geojson": _geojson,
           ".html": _html}  # fmt: skip
