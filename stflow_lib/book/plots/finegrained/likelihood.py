"""Pages on shares by likelihood: who is compared, gains by place, and the error of known shares."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.plots import comparisons
from stflow_lib.book.plots.finegrained.live import has_files
from stflow_lib.book.tables import judged_text
from stflow_lib.finegrained import METHODS, TABLES, open_task
from stflow_lib.finegrained.plan import RULES
from stflow_lib.finegrained.problem.noise_floor import split_floor
from stflow_lib.runs import Rows, Run
from stflow_lib.runs.table import NOT_RUN
from stflow_lib.verdicts import paired

PART_ERRORS = {
    "validation RMSE": "valid_error", "test RMSE": "metric_rmse", "test MAE": "metric_mae",
}  # fmt: skip


def planned(profile: str) -> list[Run]:
    """The runs of Tables 3 and 11 and of the methods beyond the paper, each once."""
    found = [run for name in ("table3", "table11", "beyond") for run in TABLES[name](profile)]
    return list({run.key: run for run in found}.values())


def gains_table(gains: pd.DataFrame) -> pd.DataFrame:
    """Gains of one metric in words: methods down, cities and amounts of data across."""
    text = gains.assign(text=[judged_text(row) for row in gains.itertuples()])
    wide = text.pivot(index="row", columns=["city", "scarcity"], values="text").fillna("")
    return wide.reindex(gains["row"].unique()).rename_axis(index=None)


def gains_figure(gains: pd.DataFrame, ours: str) -> plt.Figure:
    """A bar for each other method that learns, and place; RMSE alone."""
    drawn = gains[gains["metric"].eq("rmse") & ~gains["row"].isin(RULES)]
    label = drawn["row"] + ", " + drawn["city"] + ", " + drawn["scarcity"] + " %"
    figure = comparisons.gains_figure(drawn.assign(label=label))
    figure.axes[0].set_title(f"RMSE of {ours} below the other method's")
    return figure


def parts_table(rows: Rows) -> pd.DataFrame:
    """RMSE on the validation and the test part and MAE, and by how much above the first row's.

    The first row has all parts; "not run" where there is no record.
    """
    records = {name: runs.records(group)[:1] for name, group in rows.items()}
    frame = pd.DataFrame(
        {title: {name: found[0][field] if found else np.nan for name, found in records.items()}
         for title, field in PART_ERRORS.items()}
    )  # fmt: skip
    higher = 100 * (frame / frame.iloc[0] - 1)
    text = frame.map("{:.3f}".format) + higher.map(" ({:+.1f} %)".format)
    text.iloc[0] = frame.iloc[0].map("{:.3f}".format)
    return text.mask(frame.isna(), NOT_RUN).rename_axis(index=None)


def floors(group: Sequence[Run]) -> pd.DataFrame:
    """For each city and amount of data whose files are here: the RMSE of known shares, by HA's,
    and the lowest recorded one and its method."""
    lines = {}
    for run in group:
        if run.method == "HA" and has_files(run.city):
            task = open_task(run)
            rule = METHODS["HA"].fit(task, METHODS["HA"].settings(), 0, None)
            floor = split_floor(rule(task, task.test), task.factor)
            lines[run.city, f"{run.scarcity} %"] = {
                "known shares": floor,
                **_lowest(group, run),
            }
    return pd.DataFrame.from_dict(lines, orient="index")


def _lowest(group: Sequence[Run], place: Run) -> dict[str, float | str]:
    here = [run for run in group if (run.city, run.scarcity) == (place.city, place.scarcity)]
    methods = dict.fromkeys(run.method for run in here)
    errors = {
        name: paired.errors([run for run in here if run.method == name], "rmse").mean()
        for name in methods
    }
    found = pd.Series(errors, dtype=float).dropna()
    return {"lowest RMSE": found.min(), "of": str(found.idxmin())} if len(found) else {}
