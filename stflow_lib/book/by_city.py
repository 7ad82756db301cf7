"""Tables of measurements beside the book's pages: a CSV in which a city's rows are renewed."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stflow_lib.data.files.write import write_atomic


def read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of a file; none, with these columns, before the first was measured."""
    if not path.exists():
        return pd.DataFrame(columns=columns)
    return pd.read_csv(path, dtype={"scarcity": str})


def renew(path: Path, city: str, rows: pd.DataFrame, order: Sequence[str] = ("city",)) -> None:
    """Write a city's rows in place of its older ones, all in the order of some columns."""
    old = read(path, rows.columns)
    kept = old[old["city"] != city]
    whole = pd.concat([kept, rows] if len(kept) else [rows])
    whole = whole.sort_values(list(order), kind="stable")
    write_atomic(path, whole.to_csv(index=False, float_format="%.4g").encode())
