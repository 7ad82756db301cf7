"""Pictures of what methods cost: parameters, and error against seconds."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.plots.style import BLUE, bare, legend_above, plain_ticks
from stflow_lib.runs import Rows, Run
from stflow_lib.verdicts.evidence import has_converged

RECORDED = {  # field of a record -> column
    "parameters": "parameters", "epochs": "epochs", "seconds_per_epoch": "s per epoch",
    "fit_seconds": "train s", "predict_seconds": "test part s",
}  # fmt: skip


def cost_table(planned: Rows) -> pd.DataFrame:
    """What the recorded trainings of each method cost, means over seeds; NaN where none has run.

    `planned`: method -> its runs on one city and amount of data. Seconds are as recorded, whole
    numbers are text; RMSE leaves failed runs out.
    """
    rows = {name: _costs(group) for name, group in planned.items()}
    return pd.DataFrame(rows).T.infer_objects().rename_axis("network")


def _costs(group: Sequence[Run]) -> dict[str, float | str]:
    records = runs.records(group)
    if not records:
        return {"not converged": "not run"}
    means = pd.DataFrame(records).reindex(columns=[*RECORDED]).mean().rename(RECORDED)
    whole = {name: f"{means[name]:,.0f}" for name in ("parameters", "epochs")}
    cell = runs.summary(group, "rmse").iloc[0]
    early = sum(not has_converged(record) for record in records)
    errors = {"RMSE": cell["mean"], "± RMSE": cell["spread"]}
    return {**means, **whole, **errors, "not converged": f"{early} of {len(records)}"}


def parameters_figure(counts: pd.DataFrame) -> plt.Figure:
    """Sizes as bars on a logarithmic axis, the printed ones as hollow markers.

    `counts`: one row per network, name, ours and printed (NaN where the paper has none), both
    in the same unit, 2^20 parameters.
    """
    height = 0.3 * len(counts) + 1.3
    fig, axis = plt.subplots(figsize=(7.6, height), layout="constrained")
    y = np.arange(len(counts))[::-1]
    axis.barh(y, counts["ours"], color=BLUE, height=0.62, label="ours, built and counted")
    axis.scatter(counts["printed"], y, s=46, facecolor="none", edgecolor="black", lw=1.3,
                 zorder=3, label="printed in Table 10")  # fmt: skip
    for place, value in zip(y, counts["ours"], strict=True):
        axis.annotate(f"{value:.2f}", (value, place), (9, 0), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
    axis.set_yticks(y, counts["name"])
    axis.set(title="Parameters at the paper's size", xscale="log",
             xlabel="parameters in units of 2²⁰ (logarithmic)")  # fmt: skip
    axis.set_xlim(right=2.2 * counts[["ours", "printed"]].max().max())
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    legend_above(axis)
    bare(axis, "x")
    return fig


def error_cost_figure(rows: pd.DataFrame, what: str, seconds: str) -> plt.Figure:
    """Error against seconds, a point per method, named beside it.

    `rows`: name, seconds, error, spread (of the error over seeds, NaN for one). Below and to
    the left is better; methods that nothing else beats in both are filled.
    """
    fig, axis = plt.subplots(figsize=(7.6, 4.6), layout="constrained")
    rows = rows.sort_values("error", ascending=False, ignore_index=True)
    best = [_unbeaten(row, rows) for row in rows.itertuples()]
    colours = [BLUE if b else "white" for b in best]
    axis.errorbar(rows["seconds"], rows["error"], rows["spread"].fillna(0), fmt="none",
                  ecolor="0.7", lw=1.2)  # fmt: skip
    axis.scatter(rows["seconds"], rows["error"], color=colours, edgecolor=BLUE, s=48, zorder=3)
    axis.set(title="Error against training time; filled: no other is better in both",
             xlabel=seconds, ylabel=what, xscale="log")  # fmt: skip
    bare(axis)
    plain_ticks(axis.xaxis)
    axis.margins(0.12)
    _name_points(axis, rows["name"], rows["seconds"], rows["error"])
    return fig


def _unbeaten(row, rows: pd.DataFrame) -> bool:
    better = (rows["error"] <= row.error) & (rows["seconds"] <= row.seconds)
    strictly = (rows["error"] < row.error) | (rows["seconds"] < row.seconds)
    return not (better & strictly).any()


def _name_points(axis: plt.Axes, names, x, y, size: float = 8.5) -> None:
    """A name near each point, at the first of many places where it covers nothing."""
    axis.figure.canvas.draw()  # settles the layout, and with it where points are
    scale = 72 / axis.figure.dpi
    points = axis.transData.transform(np.column_stack([x, y])) * scale
    frame = axis.get_window_extent().extents * scale
    taken = [(px - 5, py - 5, px + 5, py + 5) for px, py in points]
    for name, (px, py), where in zip(names, points, zip(x, y, strict=True), strict=True):
        width, height = 0.58 * size * len(name), 1.25 * size
        dx, dy = _free_place(px, py, width, height, taken, frame)
        taken.append((px + dx, py + dy, px + dx + width, py + dy + height))
        line = {"arrowstyle": "-", "color": "0.6", "lw": 0.6, "shrinkA": 0, "shrinkB": 4}
        axis.annotate(name, where, (dx, dy), textcoords="offset points", fontsize=size,
                      arrowprops=line if abs(dy) > 14 else None)  # fmt: skip


def _free_place(px, py, width, height, taken, frame) -> tuple[float, float]:
    """Offset of a label's lower left corner from its point, in points: near ones first."""
    away = [
        (dx, side * reach - height / 2)
        for reach in (0, 9, 14, 22, 32, 44, 58, 74)
        for side in (1, -1)
        for dx in (8, -width - 8, -width / 2)
    ]
    for dx, dy in away:
        box = (px + dx, py + dy, px + dx + width, py + dy + height)
        inside = frame[0] <= box[0] and box[2] <= frame[2] + width
        if inside and not any(_overlap(box, other) for other in taken):
            return dx, dy
    return away[0]


def _overlap(a: tuple, b: tuple) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
