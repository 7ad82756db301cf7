"""The picture of "What to use": the best method of each place against the next best."""

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib.book.advice import place
from stflow_lib.book.plots.comparisons import gains_figure
from stflow_lib.verdicts.ranking import Standing


def lead_figure(wing: str, found: list[Standing], title: str) -> plt.Figure:
    """By how much the best is lower than the next, a row for each place.

    A point without a bar has no interval: one seed, or nothing that depends on a seed.
    """
    rows = pd.DataFrame([one.rows.iloc[1] for one in found])
    names = [f"{place(wing, one)}:\n{one.best} before {one.rows.index[1]}" for one in found]
    fig = gains_figure(
        rows.assign(label=names).astype({"gain": float, "low": float, "high": float}),
        "error lower by (%), with 95 % interval",
    )
    fig.set_size_inches(8, 0.44 * len(found) + 1.2)
    fig.axes[0].set_title(title)
    return fig
