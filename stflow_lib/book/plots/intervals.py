"""Gains with their intervals, a row each, on an axis that ends before the widest of them do."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.markers import CARETLEFT, CARETRIGHT

GOES_ON = "arrows: the interval goes on"


def draw_gains(
    axis: plt.Axes, gains: pd.DataFrame, y, colours: Sequence[str], fills: Sequence[str]
) -> None:
    """A point and an interval at each height `y` [row]; arrow heads where it leaves the axis.

    `gains`: gain, low, high per row, NaN without an interval; `fills` are the points' colours
    inside. The axis has its label already, which explains the arrows where there are any.
    """
    axis.set_xlim(_reach(gains))
    axis.axvline(0, color="0.3", lw=0.8)
    axis.hlines(y, gains["low"], gains["high"], color=colours, lw=2)
    mark_cut(axis, gains, np.asarray(y), np.asarray(colours))
    axis.scatter(gains["gain"], y, color=fills, edgecolor=colours, s=24, zorder=3)


def _reach(gains: pd.DataFrame) -> tuple[float, float]:
    """Limits around zero and all gains, and around the intervals as far as twice the largest.

    Two seeds can give an interval of hundreds of percent.
    """
    reach = 2 * max(gains["gain"].abs().max(), 0.5)
    ends = gains[["gain", "low", "high"]].clip(-reach, reach)
    low, high = min(ends.min(axis=None), 0), max(ends.max(axis=None), 0)
    margin = 0.07 * (high - low)
    return low - margin, high + margin


def mark_cut(axis: plt.Axes, gains: pd.DataFrame, y: np.ndarray, colours: np.ndarray) -> None:
    """Arrow heads where an interval of `gains` leaves the axis, and words for them in its label."""
    least, most = axis.get_xlim()
    sides = {CARETLEFT: (least, gains["low"] < least), CARETRIGHT: (most, gains["high"] > most)}
    for marker, (end, cut) in sides.items():
        if cut.any():
            style = {"color": colours[cut], "marker": marker, "s": 60, "zorder": 3}
            axis.scatter([end] * cut.sum(), y[cut], **style)
            axis.set_xlabel(axis.get_xlabel().removesuffix(f";\n{GOES_ON}") + f";\n{GOES_ON}")
