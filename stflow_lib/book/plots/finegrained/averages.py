"""What is left of inferred maps over a whole test part, and how it is published.

    python -m stflow_lib.book.plots.finegrained.averages PROFILE

writes them of the networks in the store to book/results, so that the page of maps shows a real
city where its files and networks are not at hand. Only means over all test maps are published, no
single step, and the licence of the city stands in the file.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.plots.finegrained import inferred, live
from stflow_lib.book.plots.finegrained.maps import binned_rmse
from stflow_lib.data.catalog.index import entries
from stflow_lib.data.files.write import write_atomic
from stflow_lib.finegrained import open_task
from stflow_lib.finegrained.plan import Plan
from stflow_lib.runs import Run
from stflow_lib.runs.publish import results_folder
from stflow_lib.runs.staleness import is_stale

METHODS = (*inferred.DRAWN, "ShareNet")
RUN = ("wing", "method", "city", "protocol", "scarcity", "profile", "seed", "settings")
RECORD = (*RUN, "key", "source_hash", "data_hash", "date", "device", "threads", "metric_rmse",
          "metric_mae")  # fmt: skip
RULES = ("MEAN", "HA")


@dataclass(frozen=True)
class Averages:
    """Means over the maps of a test part, in vehicles per step."""

    city: str
    unit: str
    maps: int  # how many
    flow: np.ndarray  # mean true flow [rows, cols]
    errors: dict[str, np.ndarray]  # method -> mean |true - inferred| [rows, cols]
    by_level: dict[str, pd.Series]  # method -> RMSE of a fine cell, by the flow of its block
    honest: dict[str, pd.Series]  # method -> mean true over mean inferred flow, by the latter


def average(
    city: str, unit: str, truth: np.ndarray, coarse: np.ndarray, fine_of: Mapping
) -> Averages:
    """Of true and inferred maps [S, MI, MJ] of each method, and coarse ones [S, I, J]."""
    factor = truth.shape[1] // coarse.shape[1]
    level = coarse.repeat(factor, 1).repeat(factor, 2)
    bins = np.geomspace(1, level.max() * 1.001, 13)
    edges = np.geomspace(0.25, truth.max(), 13)
    return Averages(
        city, unit, len(truth), truth.mean(0),
        {m: np.abs(fine - truth).mean(0) for m, fine in fine_of.items()},
        {m: binned_rmse(level, fine - truth, bins) for m, fine in fine_of.items()},
        {m: inferred.honesty(fine, truth, edges) for m, fine in fine_of.items()},
    )  # fmt: skip


def gains(errors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By how much networks err less than HA, and UrbanSTC less than the best of the others."""
    networks = [method for method in errors if method not in RULES]
    found = {f"HA - {method}": errors["HA"] - errors[method] for method in networks}
    others = [method for method in networks if method != "UrbanSTC"]
    if others and "UrbanSTC" in errors:
        rival = min(others, key=lambda method: errors[method].mean())
        found[f"{rival} - UrbanSTC"] = errors[rival] - errors["UrbanSTC"]
    return found


def planned(profile: str) -> list[Run]:
    """The runs that are published: the first city, all of its data, the first seed."""
    plan = Plan.of(profile)
    methods = [method for method in METHODS if plan.has(method)]
    return plan.runs(methods, plan.first(4)[:1], plan.all_data, plan.seeds[:1])


def file_of(profile: str) -> Path:
    """Where a profile's averages are published."""
    city = Plan.of(profile).first(4)[0]
    return results_folder("finegrained") / "maps" / f"{city}-{profile}.json"


def publish(profile: str) -> Path:
    """Infer the test part with every stored network of the profile, and write the averages.

    Networks that the store lacks, or that other code has trained, are left out.
    """
    chosen = {run.method: run for run in planned(profile) if live.has_checkpoint(run)}
    records = [runs.ensure(run) for run in chosen.values()]
    task = open_task(next(iter(chosen.values())))
    fine_of = {method: inferred.infer(run, task, task.test) for method, run in chosen.items()}
    truth, coarse = (
        maps[task.test, 0].cpu().double().numpy() for maps in (task.fine, task.coarse)
    )
    found = average(task.city, task.unit, truth, coarse, fine_of)
    write(file_of(profile), found, records)
    return file_of(profile)


def write(path: Path, found: Averages, records: Iterable[Mapping]) -> None:
    """Averages with the city's source and licence, and the records of the networks behind them."""
    entry = entries()[found.city]
    content = {
        "source": entry.source,
        "licence": entry.licence,
        **vars(found),
        "runs": [{name: record.get(name) for name in RECORD} for record in records],
    }
    write_atomic(path, (json.dumps(_plain(content), separators=(",", ":")) + "\n").encode())


def read(profile: str) -> tuple[Averages, list[dict]] | None:
    """The published averages of a profile and the records behind them; None where none are."""
    path = file_of(profile)
    if not path.exists():
        return None
    content = json.loads(path.read_bytes())
    curves = {
        name: {m: pd.Series(y, x) for m, (x, y) in content[name].items()}
        for name in ("by_level", "honest")
    }
    errors = {method: np.array(error) for method, error in content["errors"].items()}
    plain = {name: content[name] for name in ("city", "unit", "maps")}
    found = Averages(**plain, flow=np.array(content["flow"]), errors=errors, **curves)
    return found, [_marked(record) for record in content["runs"]]


def _marked(record: dict) -> dict:
    run = Run(**{name: record[name] for name in RUN})
    return {**record, "stale": is_stale(run, record)}


def _plain(value):
    """Arrays and curves as lists of numbers of four digits."""
    if isinstance(value, pd.Series):
        return [_plain(value.index.to_numpy()), _plain(value.to_numpy())]
    if isinstance(value, np.ndarray):
        return (
            [_plain(v) for v in value] if value.ndim > 1 else [float(f"{v:.4g}") for v in value]
        )
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


if __name__ == "__main__":
    print(publish(*sys.argv[1:]))
