"""The intervals of `forecast` on the last fifth of every real city, beside those of the rules.

`python -m stflow_lib.book.interval_scores [city ...]` measures them and writes what the pages
show to book/interval_scores.csv: what is taken where no method is named (`own`), and each rule with
the quantiles of its own residuals, found in the same way on the same held-out steps.
"""

import sys
import time
from pathlib import Path

import pandas as pd
import torch
import xarray as xr

from stflow_lib import ROOT, gridflow, speedgraph
from stflow_lib.book import by_city
from stflow_lib.data import load
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import first_steps
from stflow_lib.gridflow.apply import origins as grids
from stflow_lib.speedgraph.apply import origins as roads

FILE = ROOT / "book" / "interval_scores.csv"
CITIES = {
    "grid": ("jonas-nyc-taxi", "jonas-dc-taxi", "jonas-nyc-bike", "jonas-dc-bike",
             "bikes-chicago-2021", "bikes-dc-2021", "didi-chengdu-2016", "didi-xian-2016",
             "taxi-sf-trips", "nyc-2016", "bikenyc-p6", "taxi-sf-64"),
    "graph": ("la", "san-diego", "bay-i680", "aarhus"),
}  # fmt: skip
RULES = {kind: tuple(rule.name for rule in wing.RULES if rule.name != "Few-shot mean")
         for kind, wing in (("grid", gridflow), ("graph", speedgraph))}  # fmt: skip
TEST = 5  # the last fifth of a city is forecast
ORIGINS = 100  # moments from which
HOURS = {"grid": 6, "graph": 1}
LEVELS = (0.05, 0.95)
OWN = "own"  # of the column `asked`: no method was named
COLUMNS = ("city", "kind", "asked", "method", "seconds", "inside", "below", "above", "width",
           "score", "mae", "n")  # fmt: skip


def main(names: list[str], path: Path = FILE) -> None:
    """Measure cities, all unless some are named, and write their rows in place of older ones."""
    for name in names or [name for kind in CITIES.values() for name in kind]:
        by_city.renew(path, name, pd.DataFrame(list(measured(load(name)))))


def table(path: Path = FILE) -> pd.DataFrame:
    """A row for each city and method; empty where nothing was measured."""
    return by_city.read(path, COLUMNS)


def measured(city: xr.Dataset, asked: tuple[str, ...] = ()):
    """Rows of a city: of what is taken by itself and of the rules, or of those named.

    A rule that looks further back than the steps that may be seen has none.
    """
    kind, name = city.attrs["kind"], city.attrs["name"]
    for method in asked or (OWN, *RULES[kind]):
        begun = time.process_time()
        try:
            model = _fitted(city, kind, None if method == OWN else method)
        except DataError as error:
            print(f"{name}, {method}: {error}")
            continue
        fitted = {"method": model.predictor.made.method.name,
                  "seconds": time.process_time() - begun}  # fmt: skip
        found = _outcome(model, city, kind).summary(LEVELS)
        yield {"city": name, "kind": kind, "asked": method, **fitted, **found}


def beside_rules(found: pd.DataFrame) -> pd.DataFrame:
    """A row for each city: its own intervals, the best rule's, and the ratio of their scores."""
    own = found[found["asked"] == OWN].set_index("city")
    rules = found[found["asked"] != OWN].sort_values("score").groupby("city").first()
    best = rules[["method", "inside", "score"]].add_prefix("rule_")
    whole = own[["kind", "method", "seconds", "inside", "score"]].join(best)
    return whole.assign(ratio=whole["score"] / whole["rule_score"])


def shown(kind: str, found: pd.DataFrame | None = None) -> pd.DataFrame:
    """What a page shows of one kind of city: shares in percent, scores, and the ratio."""
    found = table() if found is None else found
    whole = beside_rules(found[found["kind"] == kind])
    return pd.DataFrame({
        "method": whole["method"], "inside (%)": 100 * whole["inside"], "score": whole["score"],
        "best rule": whole["rule_method"], "its inside (%)": 100 * whole["rule_inside"],
        "its score": whole["rule_score"], "ratio": whole["ratio"],
    })  # fmt: skip


def said(kind: str, found: pd.DataFrame | None = None) -> str:
    """The table in two sentences."""
    rows = shown(kind, found)
    if rows.empty:
        return "Nothing was measured yet."
    held, better = rows["inside (%)"].between(85, 95), rows["ratio"] < 1
    return (f"In {held.sum()} of {len(rows)} cities the 90 % intervals hold 85 to 95 % of what "
            f"came; their score is below that of every rule in {better.sum()}.")  # fmt: skip


def _fitted(city: xr.Dataset, kind: str, method: str | None):
    past = first_steps(city, _cut(city))
    if kind == "grid":
        return gridflow.fit(past, hours=HOURS[kind], method=method)
    return speedgraph.fit(past, minutes=60 * HOURS[kind], method=method)


def _outcome(model, city: xr.Dataset, kind: str):
    ahead = HOURS[kind] * 60 // int(city.attrs["step_minutes"])
    last = city.sizes["time"] - ahead
    origins = torch.linspace(_cut(city), last, ORIGINS).round().long().unique()
    if kind == "grid":
        return grids.outcome(model, city, origins, LEVELS, ahead)
    return roads.outcome(model, city, origins, LEVELS)


def _cut(city: xr.Dataset) -> int:
    return city.sizes["time"] - city.sizes["time"] // TEST


if __name__ == "__main__":
    main(sys.argv[1:])
