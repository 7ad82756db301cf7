"""Layout of the ablations: rows beside the printed ones, paired differences, sweeps."""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.display import OTHER, show_table
from stflow_lib.book.plots.comparisons import gains_figure
from stflow_lib.book.tables import below, compare, count_verdicts, show_provenance
from stflow_lib.runs import Rows, Run
from stflow_lib.verdicts import paired

METRICS = ("rmse", "mae", "mape")
SHOWN = ["label", "gain", "low", "high", "n", "so_far", "verdict"]
PRETEXTS = {  # curve -> (title, y label)
    "reg_valid": ("8b: regional contrast", "validation loss"),
    "inf_valid_rmse": ("8c: super-resolution", "validation RMSE (vehicles)"),
    "tcs_valid": ("8d: temporal contrast", "validation loss"),
    "valid_rmse": ("fine-tuning", "validation RMSE (vehicles)"),
}


def in_words(cell) -> str:
    """A cell of `runs.summary`: mean, spread and number of seeds, and what is lacking."""
    if not cell.n:
        return "collapsed" if cell.collapsed else "not run"
    spread = "" if np.isnan(cell.spread) else f" ± {cell.spread:.3f}"
    gone = f", {cell.collapsed} collapsed" * bool(cell.collapsed)
    marks = ", incomplete" * bool(cell.missing) + ", stale" * bool(cell.stale)
    return f"{cell.mean:.3f}{spread} (n={cell.n}{gone}{marks})"


def rows_table(rows: Rows) -> pd.DataFrame:
    """A line per row of runs, whatever their settings; (city, amount, metric) across, in words."""
    lines = {label: _line(group) for label, group in rows.items() if group}
    widest = max((line.index for line in lines.values()), key=len)
    return pd.DataFrame(lines).T[widest]


def _line(group: Sequence[Run]) -> pd.Series:
    cells = runs.summary(group, METRICS).itertuples()
    return pd.Series({(c.city, c.scarcity, c.metric): in_words(c) for c in cells})


def beside_printed(rows: Rows, printed: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Our rows, a table per metric, and the printed numbers of the same rows to the right.

    `printed`: method, dataset, fraction, metric, value.
    """
    paper = printed.assign(dataset=printed["dataset"] + " (paper)").pivot(
        index="method", columns=["dataset", "fraction", "metric"], values="value"
    )
    ours, tables = rows_table(rows), {}
    for metric in METRICS:
        mine, theirs = (t.xs(metric, axis=1, level=2) for t in (ours, paper))
        theirs = theirs.reindex(mine.index).map("{:.3f}".format).replace("nan", "")
        tables[metric] = mine.fillna("").join(theirs).rename_axis(index="row")
    return tables


def show_rows(number: str, rows: Rows, printed: pd.DataFrame) -> None:
    """Table `number` with the printed rows beside ours, and where ours come from."""
    why = ""
    for metric, table in beside_printed(rows, printed).items():
        show_table(table, f"Table {number}: {metric.upper()}", best=True, folded=why)
        why = OTHER
    show_provenance(rows)


def ordered_gains(
    rows: Rows, pairs: Iterable[tuple[str, str]], metrics: Sequence[str] = ("rmse", "mae")
) -> pd.DataFrame:
    """What the paper orders, (better row, other row), as paired differences with intervals."""
    judged = compare(rows, below(pairs), metrics)
    return judged.assign(label=judged["row"] + ": " + places(judged))[SHOWN]


def places(judged: pd.DataFrame) -> pd.Series:
    """ "RMSE, taxi-sf-64, 20 %" for each row of paired differences."""
    return (
        judged["metric"].str.upper() + ", " + judged["city"] + ", " + judged["scarcity"] + " %"
    )


def show_gains(judged: pd.DataFrame) -> None:
    """Paired differences as a table and, with intervals, as a picture; how many are confirmed."""
    if judged.empty:
        print("not run")
        return
    show_table(judged.rename(columns={"gain": "difference (%)"}),
               "Paired by seed: how much lower the first error is", 2, index=False)  # fmt: skip
    if judged["low"].notna().any():
        gains_figure(judged).axes[0].set_title("Paired differences with 95 % intervals")
        plt.show()
    print(count_verdicts(judged))


def printed_gains(without: pd.DataFrame, extra: pd.DataFrame) -> pd.DataFrame:
    """How much +E lowers the printed error, in percent: methods down, (metric, set) across."""
    merged = extra.assign(method=extra["method"].str.removesuffix("+E")).merge(
        without, on=["dataset", "method", "metric"], suffixes=(" with", " without")
    )
    merged["gain"] = 100 * (1 - merged["value with"] / merged["value without"])
    shown = merged[merged["metric"] != "mape"]
    return shown.pivot(index="method", columns=["metric", "dataset"], values="gain")


def mean_seconds(rows: Rows) -> pd.DataFrame:
    """Seconds of a training, mean over seeds: a line per row that has records, cities across."""
    found = {label: runs.records(group) for label, group in rows.items()}
    seconds = {
        label: pd.DataFrame(records).groupby("city")["fit_seconds"].mean()
        for label, records in found.items()
        if records
    }
    return pd.DataFrame(seconds).T


def by_value(rows: Rows) -> dict[str, list[float]]:
    """{value: RMSE of its seeds} of a sweep, values without a run left out."""
    found = {value: paired.errors(group, "rmse").tolist() for value, group in rows.items()}
    return {value: rmse for value, rmse in found.items() if rmse}


def same_place(table: Sequence[Run], rows: Rows) -> list[Run]:
    """The runs of `table` on the city and amount of data where a sweep took place."""
    swept = next(run for group in rows.values() for run in group)
    return [r for r in table if (r.city, r.scarcity) == (swept.city, swept.scarcity)]


def sweep_in_words(title: str, values: Mapping[str, Sequence[float]], tables: pd.Series) -> str:
    """The best value, and the span of a sweep beside one standard deviation over seeds."""
    means = {value: np.mean(found) for value, found in values.items()}
    spread = (max(means.values()) - min(means.values())) / np.mean(list(means.values()))
    noise = f"{tables.std() / tables.mean():.2%}" if len(tables) > 1 else "unknown"
    return (f"{title}: best at {min(means, key=means.get)}; the sweep spans {spread:.2%} of the "
            f"error, one standard deviation over seeds is {noise}")  # fmt: skip


def width_curves(rows: Rows) -> dict[tuple[str, str], dict[str, list]]:
    """The panels of `curves_figure`: how the pretexts and fine-tuning converge, by width."""
    records = {f"C = {width}": runs.records(group) for width, group in rows.items()}
    records = {name: found for name, found in records.items() if found}
    return {
        where: {name: [r["curves"][curve] for r in found] for name, found in records.items()}
        for curve, where in PRETEXTS.items()
        if records
    }
