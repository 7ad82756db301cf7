"""The papers' own data sets, in the file layouts in which they are handed around."""

from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.adjacency import demand_weights
from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import column_names, utf8
from stflow_lib.data.files.hdf5 import read_first_group
from stflow_lib.data.files.open import read_bytes
from stflow_lib.data.files.read import read_npy, read_table
from stflow_lib.data.files.restricted_pickle import load_arrays
from stflow_lib.data.readers.grids import PARTS, read_parts
from stflow_lib.data.readers.sensors import positions, sensor_ids
from stflow_lib.data.schema import Box, graph_city, grid_city
from stflow_lib.data.time_axis import fill_spring_gap

TAXIBJ_BOX = Box(39.82, 39.99, 116.26, 116.49)
TAXIBJ_FIRST = {"P1": "2013-07-01", "P2": "2014-02-01", "P3": "2015-03-01", "P4": "2015-11-01"}
TAXIBJ_FACTORS = (
    "temperature", "wind_speed", "holiday", "weekend", "day_of_week", "hour", "weather",
)  # fmt: skip
TAXIBJ_HIGHEST = {"holiday": 1, "weekend": 1, "day_of_week": 7, "hour": 23, "weather": 17}
TAXIBJ_CODES = ("day_of_week", "hour", "weather")  # indices of UrbanFM's embeddings
CROSSTRES_POI = 14  # categories


def read_taxibj(folder: Path, period: str):
    """TaxiBJ in UrbanFM's layout (zip or folder), period "P1" to "P4", half-hourly inflow.

    `external` holds the seven columns of ext.npy under their names. The source drops night
    hours and gives no time stamps, so `time` is nominal: 30 minutes a row, in the source's
    order. Use external's `hour` and `day_of_week` for the clock.
    """
    base = folder / "taxibj" / period
    parts = read_parts(base, factor=4)
    lengths = zip(PARTS, parts["split"], strict=True)
    external = np.concatenate([_factors(base / part / "ext.npy", n) for part, n in lengths])
    time = pd.date_range(TAXIBJ_FIRST[period], periods=len(external), freq="30min")
    ds = grid_city(
        parts["fine"], time, ["inflow"], split=parts["split"], factor=4, **TAXIBJ_BOX.attrs(),
        clock="nominal: night rows are absent; see external's hour and day_of_week",
    )  # fmt: skip
    ds["external"] = ("time", "factor"), external
    return ds.assign_coords(factor=list(TAXIBJ_FACTORS))


def _factors(path: Path, steps: int) -> np.ndarray:
    """external [T, 7] float32 of one part; DataError for a code that UrbanFM does not embed."""
    given = read_npy(path, axes=(2,))
    if given.shape != (shape := (steps, len(TAXIBJ_FACTORS))):
        raise DataError(f"{path}: shape {given.shape}, not {shape}")
    for column, name in enumerate(TAXIBJ_FACTORS):
        values, highest = given[:, column], TAXIBJ_HIGHEST.get(name, np.inf)
        wrong = (name in TAXIBJ_HIGHEST) & ~((values >= 0) & (values <= highest))
        wrong |= (name in TAXIBJ_CODES) & (values % 1 != 0)
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(f"{path}: {name} is {values[row]:g} in row {row}: rule 'of 0 to "
                            f"{highest}' broken")  # fmt: skip
    return exact(given, np.float32, path)


def read_crosstres(folder: Path, city: str, mode: str):
    """CrossTReS's 2016 grids: city "NY", "CHI" or "DC", mode "Taxi" or "Bike", hourly, POI.

    The source indexes cells [longitude, latitude] from the south-west; here row 0 is the north
    end. The first hour is 2016-01-01, but 2015-07-01 for New York's taxis (both inferred).
    """
    base = folder / "crosstres" / "crosstres_data" / city
    paths = [base / f"{mode}{city}_{way}.npy" for way in ("pickup", "dropoff")]
    counts = [exact(read_npy(path, axes=(3,)), np.float32, path) for path in paths]
    if counts[0].shape != counts[1].shape:
        raise DataError(f"{base}: pickup {counts[0].shape} and dropoff {counts[1].shape} "
                        "must both be (time, lng, lat)")  # fmt: skip
    path = base / f"{city}_poi.npy"
    poi = exact(read_npy(path, axes=(3,)), np.float32, path)
    if poi.shape != (shape := (*counts[0].shape[1:], CROSSTRES_POI)):
        raise DataError(f"{path}: poi has shape {poi.shape}, (lng, lat, category) not {shape}")
    if not poi.any():
        raise DataError(f"{path}: poi is zero everywhere")
    first = "2015-07-01" if (city, mode) == ("NY", "Taxi") else "2016-01-01"
    time = pd.date_range(first, periods=len(counts[0]), freq="h")
    flow = np.stack([_north_up(array) for array in counts], axis=1)
    ds = grid_city(flow, time, ["pickup", "dropoff"], clock="nominal: first hour inferred")
    ds["poi"] = ("category", "row", "col"), _north_up(poi.transpose(2, 0, 1))
    ds["valid"] = ("direction", "row", "col"), flow.sum(0) > 0
    return ds


def _north_up(array: np.ndarray) -> np.ndarray:
    """[..., longitude, latitude] from the south-west -> [..., row, col], row 0 north."""
    return array.swapaxes(-1, -2)[..., ::-1, :]


def read_dcrnn(folder: Path, city: str, zeros_as_missing: bool = True):
    """METR-LA ("metr-la") or PEMS-BAY ("pems-bay") from DCRNN's h5 file and pickled adjacency.

    Zeros are missing readings (about 8 % of METR-LA) where `zeros_as_missing`. An hour that
    daylight saving skips and the file leaves out is put back as NaN.
    """
    base = folder / "dcrnn"
    bay = city == "pems-bay"
    time, node, values = read_pandas_h5(base / city / f"{city}.h5")
    adjacency = read_adjacency(base / ("adj_mx_bay.pkl" if bay else "adj_mx.pkl"), node)
    lat, lon = read_locations(base, "graph_sensor_locations" + "_bay" * bay + ".csv", node)
    time, values = fill_spring_gap(time, values, "America/Los_Angeles", 5)
    return graph_city(
        values, time, adjacency, lat, lon, node, zeros_as_missing,
        clock="wall clock; an hour that daylight saving skips is missing or holds zeros: NaN",
    )  # fmt: skip


def read_pandas_h5(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A frame stored by pandas with one block of floats -> time [T], sensor [N], values [T, N].

    Read with h5py from `path`, or from the same name inside `<folder>.zip`, or beside it.
    """
    beside = path.parent.with_name(path.name)
    keys = ("axis0", "block0_items", "axis1", "block0_values")
    arrays = read_first_group(
        beside if beside.exists() else path, keys, "not a frame stored by pandas"
    )
    axis0, items, time, values = (arrays[key] for key in keys)
    if values.shape != (*axis0.shape, *time.shape)[::-1]:
        raise DataError(f"{path}: values {values.shape}, index {time.shape} x {axis0.shape}")
    if not np.array_equal(axis0, items):
        raise DataError(f"{path}: block0_items are others than axis0, or in another order")
    node = sensor_ids(axis0, path)
    stamps = exact(time, np.int64, f"{path}: time").astype("datetime64[ns]")
    if len(falls := np.flatnonzero(np.diff(stamps) <= np.timedelta64(0))):
        raise DataError(f"{path}: time at index {falls[0] + 1} does not follow the one before")
    return stamps, node, exact(values, np.float32, f"{path}: values")


def read_adjacency(path: Path, node: np.ndarray) -> np.ndarray:
    """DCRNN's pickled [sensor ids, id -> index, matrix], in the order of `node`.

    Only lists, dictionaries, strings and NumPy arrays are rebuilt; any other name in the
    pickle is refused before it can run.
    """
    content = load_arrays(path)
    if not isinstance(content, list | tuple) or len(content) != 3:
        raise DataError(f"{path}: not DCRNN's three parts, sensors, their places and weights")
    ids, _, matrix = content
    order, matrix = positions(ids, node, path), np.asarray(matrix)
    if matrix.shape != (len(ids), len(ids)):
        raise DataError(f"{path}: matrix {matrix.shape} for {len(ids)} sensors")
    weights = demand_weights(exact(matrix, np.float32, f"{path}"), path)
    return weights[np.ix_(order, order)]


def read_locations(base: Path, name: str, node: np.ndarray):
    """lat, lon [N] from DCRNN's location table, with (METR-LA) or without (PEMS-BAY) header."""
    path = base / name
    header = "sensor_id" in column_names(utf8(read_bytes(path), path), path)
    columns = ["sensor_id", "latitude", "longitude"] if header else [0, 1, 2]
    table = read_table(path, columns[:1], columns[1:], header=0 if header else None)
    sensor, lat, lon = (table[column].to_numpy() for column in columns)
    at = positions(sensor, node, path)
    return lat[at], lon[at]


STGFSL = {  # first day, step in minutes
    "metr-la": ("2012-03-01", 5),
    "pems-bay": ("2017-01-01", 5),
    "chengdu_m": ("2018-01-01", 10),
    "shenzhen": ("2018-01-01", 10),
}


def read_stgfsl(folder: Path, city: str, zeros_as_missing: bool = True):
    """ST-GFSL's `dataset.npy` (time, node, 2) and `matrix.npy`; channel 0 is the speed.

    The files carry neither clock nor coordinates: `time` is nominal from the first day that
    the papers state, lat and lon are NaN. Zeros are missing readings where `zeros_as_missing`,
    as in DCRNN's files of the same sensors.
    """
    base = folder / "stgfsl" / city
    paths = base / "dataset.npy", base / "matrix.npy"
    data, matrix = read_npy(paths[0], axes=(3,)), read_npy(paths[1], axes=(2,))
    if not data.shape[2] or matrix.shape != (data.shape[1],) * 2:
        raise DataError(f"{base}: dataset {data.shape} and matrix {matrix.shape} disagree")
    first, step = STGFSL[city]
    time = pd.date_range(first, periods=len(data), freq=f"{step}min")
    nowhere = np.full(data.shape[1], np.nan)
    return graph_city(
        exact(data[..., 0], np.float32, paths[0]), time, exact(matrix, np.float32, paths[1]),
        nowhere, nowhere, None, zeros_as_missing, clock="nominal, 1st day",
    )  # fmt: skip
