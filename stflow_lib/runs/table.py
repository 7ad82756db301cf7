"""Records laid out as the papers do: methods down, cities and amounts of data across."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stflow_lib.runs.run import Run, wing_of
from stflow_lib.runs.staleness import find

NOT_RUN = "not run"
_WHERE = ["profile", "protocol", "city", "scarcity"]


def summary(runs: Iterable[Run], value: str | Sequence[str] = "rmse") -> pd.DataFrame:
    """Mean and spread over the seeds of each cell, from stored records; nothing is computed.

    One row per (row, profile, protocol, city, scarcity, metric) with columns ``mean``,
    ``spread`` (standard deviation over seeds, divisor n - 1; NaN for one seed), ``n``,
    ``collapsed``, ``missing`` (runs without record) and ``stale``. ``row`` is the method, with
    its settings when the runs hold several of them. Collapsed runs count in ``collapsed`` only.
    """
    runs, metrics = _once(runs), _names(value)
    records = {run.key: find(run) for run in runs}
    labels = _labels(runs)
    cells: dict[tuple, list[dict | None]] = {}
    for run in runs:
        place = (labels[run.key], *(getattr(run, name) for name in _WHERE))
        cells.setdefault(place, []).append(records[run.key])
    rows = [
        (*place, metric, *_cell(found, metric))
        for place, found in cells.items()
        for metric in metrics
    ]
    return pd.DataFrame(rows, columns=["row", *_WHERE, "metric", *_COUNTS])


def table(
    runs: Iterable[Run],
    value: str | Sequence[str] = "rmse",
    reported: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The paper's table as text: "1.880 ± 0.010 (n=3)", "not run" where there is no record.

    A stale cell says so; a collapsed run is left out of the mean and counted beside it. Columns
    are (city, scarcity, metric), preceded by the profile or protocol when the runs hold more
    than one. `reported` (columns dataset, fraction, method, metric, value) adds the printed
    numbers of the same scarcities and metrics as columns "<dataset> (paper)"; without any run
    these are the table.
    """
    runs = _once(runs)
    if not runs:
        empty = pd.MultiIndex.from_arrays([[], [], []], names=[*_WHERE[2:], "metric"])
        rows = [] if reported is None else reported["method"].unique()
        wide = pd.DataFrame(index=pd.Index(rows, name="method"), columns=empty)
        return wide if reported is None else _with_reported(wide, reported, value)
    long = summary(runs, value)
    long["text"] = [_text(row) for row in long.itertuples()]
    levels = [n for n in _WHERE[:2] if long[n].nunique() > 1] + [*_WHERE[2:], "metric"]
    rows = list(dict.fromkeys(_labels(runs)[run.key] for run in _in_order(runs)))
    columns = list(dict.fromkeys(long[levels].itertuples(index=False, name=None)))
    wide = long.pivot(index="row", columns=levels, values="text")
    wide = wide.reindex(index=rows, columns=pd.MultiIndex.from_tuples(columns, names=levels))
    wide = wide.fillna(NOT_RUN).rename_axis(index="method")
    return wide if reported is None else _with_reported(wide, reported, value)


def records(runs: Iterable[Run]) -> list[dict]:
    """The records of those runs that have one, as `find` returns them."""
    return [record for record in map(find, runs) if record is not None]


_COUNTS = ["mean", "spread", "n", "collapsed", "missing", "stale"]


def _labels(runs: list[Run]) -> dict[str, str]:
    """Row label of each run: two settings of one method never share a row."""
    kinds: dict[str, set[str]] = {}
    for run in runs:
        kinds.setdefault(run.method, set()).add(_settings(run))
    return {
        run.key: run.method
        if len(kinds[run.method]) == 1 or not run.settings
        else f"{run.method} {_settings(run)}"
        for run in runs
    }


def _settings(run: Run) -> str:
    return json.dumps(run.settings, sort_keys=True).replace('"', "")


def _in_order(runs: list[Run]) -> list[Run]:
    order = list(wing_of(runs[0]).METHODS) if runs else []
    return sorted(runs, key=lambda run: order.index(run.method))


def _cell(found: list[dict | None], metric: str) -> tuple:
    here = [record for record in found if record is not None]
    sound = [record for record in here if not record["notes"].get("collapsed")]
    values = np.array([record[f"metric_{metric}"] for record in sound])
    return (
        values.mean() if len(values) else np.nan,
        values.std(ddof=1) if len(values) > 1 else np.nan,
        len(values),
        len(here) - len(sound),
        len(found) - len(here),
        any(record["stale"] for record in here),
    )


def _text(row) -> str:
    if not row.n and not row.collapsed:
        return NOT_RUN
    spread = "" if np.isnan(row.spread) else f" ± {row.spread:.3f}"
    number = f"{row.mean:.3f}{spread}" if row.n else "collapsed"
    marks = [f"n={row.n}"]
    marks += [f"{row.collapsed} collapsed"] if row.collapsed else []
    marks += [f"{row.missing} not run"] if row.missing else []
    marks += ["stale"] if row.stale else []
    return f"{number} ({', '.join(marks)})"


def _with_reported(wide: pd.DataFrame, reported: pd.DataFrame, value) -> pd.DataFrame:
    """`wide` with the printed numbers of its (scarcity, metric) pairs, or of all of them."""
    wide, front = wide.copy(), wide.columns.nlevels - 3
    pairs = [(str(scarcity), metric) for *_, scarcity, metric in wide.columns]
    pairs = pairs or [(f, m) for f in reported["fraction"].unique() for m in _names(value)]
    for dataset, rows in reported.groupby("dataset", sort=False):
        printed = rows.set_index(["fraction", "metric", "method"])["value"]
        for pair in dict.fromkeys(pairs):
            values = [printed.get((*pair, method)) for method in wide.index]
            if any(found is not None for found in values):
                texts = ["" if found is None else f"{found:.3f}" for found in values]
                wide[(*[""] * front, f"{dataset} (paper)", *pair)] = texts
    return wide


def _once(runs: Iterable[Run]) -> list[Run]:
    """The runs in order, each once: one that two tables share must not count twice."""
    return list({run.key: run for run in runs}.values())


def _names(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


Rows = dict[str, list[Run]]  # label of a row -> its runs


@dataclass(frozen=True)
class RowTable:
    """A table with named rows: called with a profile, its runs, each once; `rows` by name."""

    rows: Callable[[str], Rows]

    @property
    def title(self) -> str:
        """What its rows compare, from the function that names them."""
        function = getattr(self.rows, "func", self.rows)  # of a partial
        return (function.__doc__ or "").partition("\n")[0].removesuffix(".")

    def __call__(self, profile: str) -> list[Run]:
        """The runs of all rows at a profile."""
        runs = [run for row in self.rows(profile).values() for run in row]
        return list({run.key: run for run in runs}.values())
