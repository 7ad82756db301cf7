"""Arrays, series and frames of numbers as plain JSON values of few digits, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

DIGITS, OF_MAPS = 6, 4  # significant ones; of arrays with more than one axis fewer
SERIES, FRAME = {"index", "data"}, {"index", "columns", "data"}  # the names that tell them


def encode(value: Any) -> Any:
    """Mappings, lists and numbers that JSON can hold; NaN as null, names of axes are lost."""
    if isinstance(value, pd.DataFrame):
        rows = [encode(row) for row in value.to_numpy(float)]
        return {"index": encode([*value.index]), "columns": [*value.columns], "data": rows}
    if isinstance(value, pd.Series):
        return {"index": encode([*value.index]), "data": encode(value.to_numpy(float))}
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist(), OF_MAPS if value.ndim > 1 else DIGITS)
    if isinstance(value, Mapping):
        return {name: encode(inner) for name, inner in value.items()}
    return _rounded(value, DIGITS)


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, list | tuple):
        return [_rounded(inner, digits) for inner in value]
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, float):
        return value
    return None if np.isnan(value) else float(f"{value:.{digits}g}")


def decode(value: Any) -> Any:
    """What `encode` was given; lists become arrays of floats, pairs in an index a MultiIndex."""
    if isinstance(value, list):
        return np.array(value, float)
    if not isinstance(value, Mapping):
        return value
    if {*value} == SERIES:
        return pd.Series(np.array(value["data"], float), _index(value["index"]))
    if {*value} == FRAME:
        index, columns = _index(value["index"]), value["columns"]
        data = np.array(value["data"], float).reshape(len(index), len(columns))
        return pd.DataFrame(data, index, columns)
    return {name: decode(inner) for name, inner in value.items()}


def _index(labels: list) -> pd.Index:
    pairs = [tuple(label) for label in labels if isinstance(label, list)]
    return pd.MultiIndex.from_tuples(pairs) if pairs else pd.Index(labels)
