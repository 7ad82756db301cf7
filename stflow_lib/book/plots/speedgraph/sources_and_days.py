"""Tables and figures of the page on scarcity: days, sensors, beginnings and sources."""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.display import show_table
from stflow_lib.book.plots.sweeps import variants_figure
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.runs import Rows

ALONE = "Target only"


def errors_by_case(case: Callable[[Mapping], str], *tables: Rows) -> pd.DataFrame:
    """A row per record: method, what `case(record)` says, seed, errors; collapsed ones out."""
    lines = [
        (method, case(r), r["seed"], r["metric_mae"], r["metric_rmse"])
        for table in tables
        for method, group in table.items()
        for r in runs.records(group)
        if not r["notes"].get("collapsed")
    ]
    return pd.DataFrame(lines, columns=["method", "case", "seed", "mae", "rmse"])


def days_of(record: Mapping) -> str:
    """ "0.25" -> "0.25 day(s)"."""
    return f"{float(record['scarcity']):g} day(s)"


def sensors_of(record: Mapping) -> str:
    """ "P10-sensors8-draw1" -> "8 sensors"."""
    words = _switches(record, "sensors")
    return f"{words[0]} sensors" if words else "all sensors"


def first_day_of(record: Mapping) -> str:
    """ "P10-from1" -> "from day 2"."""
    words = _switches(record, "from")
    return f"from day {int(words[0]) + 1}" if words else "from day 1"


def sources_of(record: Mapping) -> str:
    """ "a+b>c" -> "a + b"."""
    return arrow(record["city"]).rpartition(" → ")[0]


def _switches(record: Mapping, name: str) -> list[str]:
    """What stands behind a word of the protocol's name."""
    words = [word for word in record["protocol"].split("-") if word.startswith(name)]
    return [word.removeprefix(name) for word in words]


def mean_errors(
    frame: pd.DataFrame, down: str = "method", across: str = "case"
) -> pd.DataFrame:
    """Mean MAE over the runs of each cell, rows and columns as the records have them."""
    return frame.pivot_table(index=down, columns=across, values="mae", sort=False)


def show_means(frame: pd.DataFrame, caption: str, unit: str) -> None:
    """Mean MAE, methods down, and what each gains over the target alone."""
    if frame.empty:
        print(f"{caption}: nothing recorded yet")
        return
    wide = mean_errors(frame)
    show_table(wide, f"{caption}, MAE ({unit})", 2)
    if ALONE in wide.index:
        gain = 100 * (1 - wide / wide.loc[ALONE])
        show_table(gain.drop(index=ALONE), "below the target alone, %", 1)


def cases_figure(frame: pd.DataFrame, unit: str, title: str) -> plt.Figure | None:
    """A panel for each case, a row per method, a point per run; None without a record."""
    panels = {
        f"{case}: MAE ({unit})": {
            method: own["mae"].tolist() for method, own in here.groupby("method", sort=False)
        }
        for case, here in frame.groupby("case", sort=False)
    }
    return variants_figure(panels, ALONE, title) if panels else None


def same_order(frame: pd.DataFrame) -> dict[str, bool]:
    """Whether the methods have in each later case the order of the first one."""
    ranks = mean_errors(frame).rank()
    first, *later = ranks.columns
    return {case: bool((ranks[case] == ranks[first]).all()) for case in later}


def show_sources(frame: pd.DataFrame, every: str, target: str, unit: str) -> None:
    """Mean MAE by set of sources, and how far it is above the error with `every` source."""
    if frame.empty:
        return
    wide = mean_errors(frame, "case", "method").rename_axis(index="sources")
    show_table(wide, f"Sources of {target}, MAE ({unit})", 2)
    if every in wide.index and len(wide) > 1:
        worse = 100 * (wide.drop(index=every) / wide.loc[every] - 1)
        show_table(worse, "above the error with all sources, %", 1)
        print("mean loss from fewer sources, %:", worse.mean().dropna().round(2).to_dict())
