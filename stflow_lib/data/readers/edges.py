"""Adjacency from a list of edges, as road networks are handed around."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.adjacency import demand_weights, gaussian_kernel
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.read import read_table

EDGE_ENDS = (("from", "source", "start", "i"), ("to", "target", "end", "j"))
LENGTHS = ("distance", "cost", "length", "dist", "km", "miles")
WEIGHTS = ("weight", "w")


def first_of(names: Iterable[str], wanted: Sequence[str]) -> str | None:
    """The column that has one of the wanted names, in any case."""
    lower = {str(name).strip().lower(): name for name in names}
    return next((lower[name] for name in wanted if name in lower), None)


def from_edges(
    table: pd.DataFrame | Path | str, sensors: Sequence, sigma: float | None = None
) -> np.ndarray:
    """Weights [N, N], float32, of the ways between `sensors` [N], unit diagonal.

    table: columns from, to and distance (Gaussian weights; sigma in its unit, see
    `gaussian_kernel`), or weight (from 0 to 1, taken as they are), or neither (1 for each edge).
    An edge goes one way; the reverse one is another row. Edges of sensors that are not asked for
    are left out, and their number is printed. DataError for missing columns, and without an edge.
    """
    where = "edges" if isinstance(table, pd.DataFrame) else str(table)
    table = table if isinstance(table, pd.DataFrame) else read_table(Path(table))
    ends = [first_of(table.columns, wanted) for wanted in EDGE_ENDS]
    if None in ends:
        raise DataError(f"{where}: columns {', '.join(map(str, table.columns))}; wanted from, to "
                        "and distance or weight")  # fmt: skip
    index = pd.Index([str(sensor) for sensor in sensors])
    start, end = (index.get_indexer(table[e].astype(str).str.strip()) for e in ends)
    inside = (start >= 0) & (end >= 0)
    if not inside.all():
        print(f"{where}: {int((~inside).sum())} of {len(table)} edges lead to sensors without "
              "speeds, left out")  # fmt: skip
    length, weight = (first_of(table.columns, names) for names in (LENGTHS, WEIGHTS))
    places = start[inside], end[inside]
    if length:
        matrix = np.full((len(index),) * 2, np.inf)
        matrix[places] = table[length].to_numpy(float)[inside]
        np.fill_diagonal(matrix, 0)
        return gaussian_kernel(matrix, sigma)
    matrix = np.zeros((len(index),) * 2, np.float32)
    matrix[places] = table[weight].to_numpy(float)[inside] if weight else 1
    np.fill_diagonal(matrix, 1)
    if np.count_nonzero(matrix) == len(index):
        raise DataError(f"{where}: no edge between two of the {len(index)} sensors")
    return demand_weights(matrix, where)
