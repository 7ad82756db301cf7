"""Gains by kind of region: whether those that are rare in the source gain more.

Records hold errors by kind, `kind_<number>_<metric>`; a kind is a number with a name.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from stflow_lib.book.display import show_table
from stflow_lib.book.plots.gridflow.tasks import open_pair
from stflow_lib.book.plots.transfers import arrow, days, kinds_figure
from stflow_lib.book.tables import gain_text, judged_text
from stflow_lib.gridflow import Task, score
from stflow_lib.gridflow.baselines.linear import Rule
from stflow_lib.gridflow.beyond.control import weighted_line
from stflow_lib.gridflow.problem.from_run import region_types
from stflow_lib.gridflow.problem.protocol import protocol_of
from stflow_lib.runs import Run
from stflow_lib.runs.pair import split_pair
from stflow_lib.verdicts import paired, statistics

Case = tuple[Sequence[Run], Sequence[Run], str]  # better runs, other runs, pair of cities


def kind_shares(city: str, protocol: str) -> pd.Series | None:
    """Percent of a city's cells by (number, name) of the kind, rarest first; None without kinds.

    Words after the protocol's name change no kind.
    """
    kinds = region_types(city, protocol_of(protocol.partition("-")[0]))
    if kinds is None:
        return None
    counts = pd.Series(kinds.values.ravel()).value_counts(ascending=True)
    counts = counts[counts.index >= 0]
    return (100 * counts / counts.sum()).rename(lambda kind: (kind, kinds.attrs["names"][kind]))


def gains_by_kind(case: Case, metric: str = "rmse") -> pd.DataFrame:
    """Gains for each kind of the target, the rarest in the source first; empty without kinds.

    Columns of `paired.paired_gains`, and kind, number, source and target (percent of cells).
    """
    better, other, pair = case
    better, other = ([run for run in group if run.city == pair] for group in (better, other))
    if not other:
        return pd.DataFrame()
    (source, *_), target = split_pair(pair)
    there, here = (kind_shares(city, other[0].protocol) for city in (source, target))
    if there is None or here is None:
        return pd.DataFrame()
    found = [
        paired.paired_gains(better, other, [f"kind_{number}_{metric}"]).assign(
            kind=name, source=there.get((number, name), 0.0), target=share, number=number
        )
        for (number, name), share in here.items()
    ]
    found = [frame for frame in found if len(frame)]
    return pd.concat(found).sort_values("source", kind="stable") if found else pd.DataFrame()


def rare_minus_common(case: Case, judged: pd.DataFrame, metric: str = "rmse") -> pd.DataFrame:
    """Mean gain of the rarer half of the kinds minus that of the commoner half, by seed.

    `judged`: of `gains_by_kind`. A row per amount of data: scarcity, gain, low, high, n.
    """
    lines = []
    for amount, found in judged.groupby("scarcity", sort=False):
        halves = np.array_split(found["number"].to_numpy(), 2)
        rare, common = (_mean_gain(case, amount, half, metric) for half in halves)
        difference = (rare - common).dropna()
        interval = statistics.interval(difference)
        lines.append((amount, difference.mean(), *interval, len(difference)))
    return pd.DataFrame(lines, columns=["scarcity", "gain", "low", "high", "n"])


def _mean_gain(case: Case, amount: str, numbers: Sequence[int], metric: str) -> pd.Series:
    """Gain in percent by seed, the mean over some kinds."""
    *groups, pair = case
    here = [[r for r in g if (r.city, r.scarcity) == (pair, amount)] for g in groups]
    sides = [paired.aligned(*here, f"kind_{number}_{metric}") for number in numbers]
    ratios = pd.concat([mine / theirs for mine, theirs in sides], axis=1)
    return 100 * (1 - ratios.mean(axis=1))


def told_shares(pair: str, protocol: str, days: int) -> dict[str, float]:
    """Test RMSE of the line on a pair with known kinds: "none" all cells of the source weigh alike,
    "oracle" each kind weighs there what it does in the target, which no method can know."""
    task = open_pair(pair, protocol, days)
    (source,), _ = split_pair(pair)
    kinds = region_types(source, protocol_of(protocol.partition("-")[0]))
    known = torch.from_numpy(kinds.values)
    found = {}
    for name in ("none", "oracle"):
        rules = [
            _weighted_line(task.only(d), known, name) for d, _ in enumerate(task.directions)
        ]
        found[name] = score(task, partial(_forecast, rules))["metrics"]["rmse"]
    return found


def _weighted_line(one: Task, known: Int[Tensor, "row col"], name: str) -> Rule:
    own, theirs = known[one.sources[0].mask[0]], one.kinds[one.target.mask[0]]
    if name == "none":
        return weighted_line(one, torch.ones(len(own)))
    most = int(known.max()) + 1
    source, target = (k[k >= 0].bincount(minlength=most).float() for k in (own, theirs))
    weights = (target / source.clamp_min(1))[own]
    return weighted_line(one, weights / weights.mean())


def _forecast(rules: Sequence[Rule], task: Task, steps: Int[Tensor, " b"]):
    cities = [task.target.only(d) for d, _ in enumerate(rules)]
    maps = [c.on_map(rule(c, steps)) for c, rule in zip(cities, rules, strict=True)]
    return torch.cat(maps, 1)


def kinds_table(judged: pd.DataFrame) -> pd.DataFrame:
    """Kinds down with their shares of both cities, amounts of data across."""
    text = judged.assign(
        text=[judged_text(row) for row in judged.itertuples()],
        days=judged["scarcity"].map(days),
    )
    keys = ["kind", "source", "target"]
    wide = text.pivot(index=keys, columns="days", values="text")
    wide = wide.reindex(pd.MultiIndex.from_frame(text[keys]).unique())
    wide = wide.reset_index(keys[1:]).rename_axis(index=None, columns=None)
    return wide.rename(columns={"source": "% of source", "target": "% of target"})


def contrast_text(row) -> str:
    """A line of `rare_minus_common` in words."""
    sure = (
        "rare kinds gain more" if row.low > 0
        else "common kinds gain more" if row.high < 0
        else "no certain difference"
    )  # fmt: skip
    return f"rarer minus commoner half {_points(row)}, n={row.n}: {sure}"


def _points(row) -> str:
    gain, _, interval = gain_text(row).partition(" ")
    return f"{gain} points {interval}".strip()


def show_kinds(cases: Mapping[str, Case], title: str) -> None:
    """Cases by panel: a table and a sentence for each, and a figure of all."""
    drawn = []
    for panel, case in cases.items():
        judged = gains_by_kind(case)
        if judged.empty:
            print(f"{arrow(panel)}: no errors by kind")
            continue
        caption = f"{arrow(panel)}: gain in RMSE by kind, %, rarest in the source first"
        show_table(kinds_table(judged), caption, 1)
        for row in rare_minus_common(case, judged).itertuples():
            print(f"{arrow(panel)}, {days(row.scarcity)}: {contrast_text(row)}")
        drawn.append(judged.assign(panel=panel, share=judged["source"]))
    if drawn:
        figure = kinds_figure(pd.concat(drawn), title, "gain in RMSE (%)")
        figure.supylabel("kind of region, share of the source's cells", fontsize="small")
        plt.show()
