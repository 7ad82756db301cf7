"""Run records: what was trained, on which city, with which code, and what came out.

A :class:`Run` names one training; :func:`ensure` returns its record, from the store or by
computing it; :func:`table` lays records out as the papers do; :func:`publish` copies the store
into ``book/results``. Records are looked for in ``STFLOW_RUNS`` (default ``runs/``), then in
``book/results/WING/TARGET.csv``. Wings are found by name, so this package imports none of them.
"""

from stflow_lib.runs.execute import (
    compute,
    compute_missing,
    ensure,
    ensure_all,
    predictor,
    validation,
)
from stflow_lib.runs.publish import publish, published
from stflow_lib.runs.run import Run, RunError
from stflow_lib.runs.settings import build_settings, changed, merged
from stflow_lib.runs.staleness import find, state
from stflow_lib.runs.table import Rows, RowTable, records, summary, table
from stflow_lib.training.provenance.source_hash import source_hash

__all__ = [
    "RowTable",
    "Rows",
    "Run",
    "RunError",
    "build_settings",
    "changed",
    "compute",
    "compute_missing",
    "ensure",
    "ensure_all",
    "find",
    "merged",
    "predictor",
    "publish",
    "published",
    "records",
    "source_hash",
    "state",
    "summary",
    "table",
    "validation",
]
