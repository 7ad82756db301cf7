"""Tables and figures of the page on scarcity: days, sensors, beginnings and sources."""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations, product

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib import runs
from stflow_lib.book import findings, tables
from stflow_lib.book.display import OTHER, show_table, show_text
from stflow_lib.book.plots.speedgraph.left import LAST, show_failed, show_left
from stflow_lib.book.plots.speedgraph.results import mean_and_spread
from stflow_lib.book.plots.sweeps import variants_figure
from stflow_lib.book.plots.transfers import arrow, in_words
from stflow_lib.book.verdict_table import verdicts_table
from stflow_lib.runs import Rows, Run
from stflow_lib.speedgraph.tables import ALONE
from stflow_lib.verdicts import paired

ERRORS = ("mae", "rmse")


def errors_by_case(case: Callable[[Mapping], str], *several: Rows) -> pd.DataFrame:
    """A row per record: method, what `case(record)` says, draw of sensors, seed, errors; no failed
    ones."""
    lines = [
        (method, case(r), draw_of(r), r["seed"], r["metric_mae"], r["metric_rmse"])
        for table in several
        for method, group in table.items()
        for r in runs.records(group)
        if not r["notes"].get("collapsed")
    ]
    return pd.DataFrame(lines, columns=["method", "case", "draw", "seed", "mae", "rmse"])


def days_of(record: Mapping) -> str:
    """ "0.25" -> "6 hours"."""
    return in_words(record["scarcity"])


def sensors_of(record: Mapping) -> str:
    """ "P10-sensors8-draw1" -> "8 sensors"."""
    words = _switches(record, "sensors")
    return f"{words[0]} sensors" if words else "all sensors"


def draw_of(record: Mapping) -> str:
    """ "P10-sensors8-draw1" -> "1"; "" where all sensors are in."""
    return "".join(_switches(record, "draw"))


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
    show_table(mean_errors(frame), f"{caption}, MAE ({unit})", 2)
    gains = gains_over_alone(frame)
    if len(gains):
        show_table(
            gains, "MAE below the target alone, %, over the n draws and seeds that both have"
        )


def gains_over_alone(frame: pd.DataFrame) -> pd.DataFrame:
    """By how many percent a method's mean MAE is below the target alone's, over the draws and seeds
    of a case that both have, with their number: methods down, cases across.
    """
    own = frame.set_index(["case", "draw", "seed"])
    alone = own[own["method"] == ALONE]["mae"].rename("alone")
    both = own[own["method"] != ALONE].join(alone, how="inner").reset_index()
    found = both.groupby(["method", "case"], sort=False)[["mae", "alone"]]
    means, counts = found.mean(), found.size()
    gain = 100 * (1 - means["mae"] / means["alone"])
    text = [f"{g:+.1f} (n={n})" for g, n in zip(gain, counts, strict=True)]
    wide = pd.Series(text, gain.index).unstack(fill_value="-")
    return wide.reindex(both["method"].unique(), columns=frame["case"].unique(), fill_value="-")


def amounts_of(rows: Rows) -> list[str]:
    """Amounts of data that the rows plan, the least first."""
    found = {run.scarcity for group in rows.values() for run in group}
    return sorted(found, key=float)


def amounts_table(rows: Rows, metric: str) -> pd.DataFrame:
    """Mean and spread over seeds in words, "not run" where none is: methods by amounts of data."""
    cells = {
        in_words(amount): {name: mean_and_spread(_at(group, amount), metric)
                           for name, group in rows.items()}
        for amount in amounts_of(rows)
    }  # fmt: skip
    return pd.DataFrame(cells).rename_axis(index="method")


def _at(group: Iterable[Run], amount: str) -> list[Run]:
    return [run for run in group if run.scarcity == amount]


def common_means(rows: Rows, amount: str, metric: str = "mae") -> tuple[pd.Series, list[int]]:
    """Mean error of each row with an amount of data over the most seeds that a network has.

    A network without one of these seeds is left out: a mean over fewer would compare other
    trainings. What is not trained has every seed, and failed trainings are no runs.
    """
    found = {name: paired.errors(_at(group, amount), metric) for name, group in rows.items()}
    by_seed = {name: own.droplevel([0, 1]) for name, own in found.items() if len(own)}
    trained = [name for name in by_seed if any(r["epochs"] for r in runs.records(rows[name]))]
    seeds = max((set(by_seed[n].index) for n in trained or by_seed), key=len, default=set())
    means = {
        name: own[own.index.isin(seeds)].mean() if name in trained else own.mean()
        for name, own in by_seed.items()
        if name not in trained or seeds <= {*own.index}
    }
    return pd.Series(means, dtype=float), sorted(seeds)


def extremes_by_amount(rows: Rows, what: str, unit: str) -> list[str]:
    """For each amount of data and error which row has the lowest mean and which the highest.

    All over the same seeds, see `common_means`; networks with fewer are named.
    """
    lines = []
    for amount, error in product(amounts_of(rows), ERRORS):
        means, seeds = common_means(rows, amount, error)
        fewer = [n for n in rows if n not in means and runs.records(_at(rows[n], amount))]
        said = f"{what}, {in_words(amount)} of data, {len(means)} methods, "
        said += f"{len(seeds)} common seed{'s' * (len(seeds) != 1)}"
        said += f" (left out, with fewer: {', '.join(fewer)})" if fewer else ""
        lines.append(findings.extremes(means, f"{error.upper()} {said}", unit))
    return lines


def worth(rows: Rows, methods: Iterable[str], target: str) -> list[str]:
    """What methods with sources gain over the target alone by amount of data, a sentence each, and
    where the target alone is above the last value itself.
    """
    error = ERRORS[0]
    judged = tables.compare(rows, {name: (name, ALONE) for name in methods}, [error])
    known = {name: rows[name] for name in (ALONE, *methods)}
    gains = _by_amount(verdicts_table(judged, known, ALONE, [error]), error)
    said = [
        f"{name} on {target}, {error.upper()} below that of {ALONE}, %: "
        + "; ".join(f"{amount} {gain}" for amount, gain in own.items())
        + "."
        for name, own in gains.iterrows()
    ]
    return said + _worse_alone(rows, target)


def _worse_alone(rows: Rows, target: str) -> list[str]:
    """At which amounts of data the target alone errs more than the last value, if any."""
    amounts = amounts_of(rows)
    worse = [a for a in amounts if mean_at(rows[ALONE], a) > mean_at(rows[LAST], a)]
    said = f"{ALONE} on {target} has an MAE above that of the last value itself with"
    return [f"{said} {', '.join(map(in_words, worse))}."] if worse else []


def mean_at(group: Iterable[Run], amount: str) -> float:
    """Mean MAE of a row's trainings with an amount of data; NaN where all failed or none is run."""
    return paired.errors(_at(group, amount), "mae").mean()


def show_verdicts(judged: pd.DataFrame, rows: Rows, caption: str) -> None:
    """Gains over the target alone with their verdicts, a table for each error."""
    wide = verdicts_table(judged, rows, ALONE, ERRORS)
    for number, error in enumerate(ERRORS):
        title = f"{caption}: {error.upper()} below {ALONE.lower()}, %"
        show_table(_by_amount(wide, error), title, folded=OTHER if number else "")


def _by_amount(wide: pd.DataFrame, error: str) -> pd.DataFrame:
    """One error and target of a `verdicts_table`: rows by amounts of data in words."""
    own = wide[error.upper()].droplevel(0, axis=1)
    return own[sorted(own, key=float)].rename(columns=in_words)


def show_scarcity(rows: Rows, caption: str, unit: str) -> None:
    """The main table: errors by amount of data, gains over the target alone, who left, cost."""
    if not runs.records(planned := tables.runs_of(rows)):
        show_text(f"{caption}: not run; {len(planned)} runs are planned.")
        return
    for number, error in enumerate(ERRORS):
        title = f"{caption}, {error.upper()} ({unit})"
        show_table(amounts_table(rows, error), title, best=True, folded=OTHER if number else "")
    others = {name: (name, ALONE) for name in rows if name != ALONE}
    show_verdicts(tables.compare(rows, others, ERRORS), rows, caption)
    show_left(rows, rows[LAST], days_of, caption)
    show_failed(rows, rows[LAST], days_of, caption)
    tables.show_costs(rows, f"{caption}: cost", "medians over amounts and seeds")
    tables.show_provenance(rows)


def cases_figure(frame: pd.DataFrame, unit: str, title: str) -> plt.Figure | None:
    """A panel for each case, a row per method, a point per run; None without a record."""
    panels = {
        f"{case}: MAE ({unit})": {
            method: own["mae"].tolist() for method, own in here.groupby("method", sort=False)
        }
        for case, here in frame.groupby("case", sort=False)
    }
    return variants_figure(panels, ALONE, title) if panels else None


def other_order(frame: pd.DataFrame) -> str:
    """Which pairs of methods with a record of every case change places after the first one, and
    how far apart their means lie there.
    """
    means = mean_errors(frame).dropna()
    first, *later = means.columns
    swaps = [
        f"{case}: {low} and {high} ({100 * abs(means[case][low] / means[case][high] - 1):.1f} %)"
        for case in later
        for low, high in combinations(means[first].sort_values().index, 2)
        if means[case][low] > means[case][high]
    ]
    if not swaps:
        return f"{first} has the order of all others."
    return f"Other order than {first}, and how far apart: {'; '.join(swaps)}."


def show_sources(frame: pd.DataFrame, every: str, target: str, unit: str) -> None:
    """Mean MAE by set of sources, and how far it is above the error with `every` source."""
    if frame.empty:
        return
    wide = mean_errors(frame, "case", "method").rename_axis(index="sources")
    show_table(wide, f"Sources of {target}, MAE ({unit})", 2)
    if every in wide.index and len(wide) > 1:
        worse = 100 * (wide.drop(index=every) / wide.loc[every] - 1)
        show_table(worse, "above the error with all sources, %", 1)
        means = "; ".join(
            f"{name} {loss:+.1f} %" for name, loss in worse.mean().dropna().items()
        )
        show_text(f"Mean change of the error with fewer sources: {means}.")
