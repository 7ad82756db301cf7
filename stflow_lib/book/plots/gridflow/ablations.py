"""What the parts and settings of STBaT did inside a training, and how far a sweep spans by luck.

Pre-training writes a diary: quantities after each epoch, for each direction of the flow.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.runs import Rows, Run
from stflow_lib.verdicts import paired

DIARY = {  # curve of a record -> what tables call it
    "omega_std": "std of ω", "omega_min": "least ω", "omega_max": "largest ω",
    "neighbours": "neighbours", "contrast_gain": "contrast", "rank_correlation": "rank corr.",
    "poi": "POI loss", "divergence": "divergence",
}  # fmt: skip
SETTINGS = {"D": "width D", "beta": "weight β", "h": "bandwidth h", "tau": "temperature τ"}
LUCK = {2: 1.13, 3: 1.69, 4: 2.06, 5: 2.33}  # mean range of n normal draws, in deviations
Sweep = Mapping[str, Sequence[float]]  # value of a setting -> an error for each seed


def seeds(group: Iterable[Run], metric: str = "rmse") -> list[float]:
    """Test errors of the recorded runs of one row."""
    return paired.errors(group, metric).tolist()


def diary(record: Mapping, name: str) -> np.ndarray:
    """One quantity after each epoch of pre-training, mean of the two directions."""
    ways = [curve for curve in record["curves"] if curve.endswith(f"_source_{name}")]
    return np.mean([record["curves"][way] for way in ways], axis=0)


def last_lines(group: Iterable[Run]) -> pd.DataFrame:
    """The last line of the diaries of a row's runs, columns as in DIARY's words."""
    found = [record for record in runs.records(group) if record["method"] == "STBaT"]
    lines = [{word: diary(r, name)[-1] for name, word in DIARY.items()} for r in found]
    return pd.DataFrame(lines, columns=[*DIARY.values()])


def mean_last_lines(rows: Rows) -> pd.DataFrame:
    """Means over seeds of the diaries' last lines, for the rows that have any."""
    found = {row: last_lines(group) for row, group in rows.items()}
    return pd.DataFrame({row: lines.mean() for row, lines in found.items() if len(lines)}).T


def diary_panels(rows: Rows) -> dict[tuple[str, str], dict[str, list]]:
    """Spread of the weights and neighbours over epochs, as `curves_figure` takes them."""
    titles = {
        "omega_std": ("Spread of the weights", "standard deviation of ω"),
        "neighbours": ("Neighbours", "effective neighbours of a region"),
    }
    found = {row: runs.records(group) for row, group in rows.items()}
    return {
        title: {row: [diary(r, name) for r in records] for row, records in found.items()}
        for name, title in titles.items()
    }


def sweeps_of(rows: Rows) -> dict[str, dict[str, list[float]]]:
    """Rows "tau = 0.5" with records by setting: "temperature τ" -> "0.5" -> errors."""
    sweeps: dict[str, dict[str, list[float]]] = {}
    for row, group in rows.items():
        symbol, _, value = row.partition(" = ")
        if errors := seeds(group):
            sweeps.setdefault(SETTINGS.get(symbol, symbol), {})[value] = errors
    return sweeps


def sweep_spans(sweeps: Mapping[str, Sweep], base: Sequence[float]) -> pd.DataFrame:
    """Range of each sweep's means, percent, and that of as many runs that differ by seed only.

    `base`: errors of the unchanged setting over seeds, from which luck is known.
    """
    noise = np.std(base, ddof=1) if len(base) > 1 else np.nan
    lines = {}
    for name, sweep in sweeps.items():
        means = {value: np.mean(errors) for value, errors in sweep.items()}
        middle = np.mean(list(means.values()))
        lines[name] = {
            "values": len(means),
            "best at": min(means, key=means.__getitem__),
            "span (%)": 100 * (max(means.values()) - min(means.values())) / middle,
            "by luck (%)": 100 * LUCK.get(len(means), np.nan) * noise / middle,
        }
    return pd.DataFrame(lines).T


def spread_points(rows: Rows, parts: Rows) -> pd.DataFrame:
    """Spread of the weights and error of the first run of each row: see `spread_figure`.

    `rows`: of sweeps, "h = 0.5"; `parts`: rows with a part left out. A run that several rows
    share stands once.
    """
    cases = [(*row.split(" = "), group) for row, group in rows.items()]
    cases += [("part left out", row, group) for row, group in parts.items()]
    points = [
        (SETTINGS.get(changed, changed), value, line, record["metric_rmse"], record["key"])
        for changed, value, group in cases
        for record, line in zip(
            runs.records(group[:1]), last_lines(group[:1])["std of ω"], strict=True
        )
    ]
    names = ["changed", "value", "spread", "error", "key"]
    return pd.DataFrame(points, columns=names).drop_duplicates("key")
