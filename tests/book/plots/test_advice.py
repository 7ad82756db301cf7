"""The best against the next, a row for each place."""

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib.book.plots.advice import lead_figure
from stflow_lib.verdicts.ranking import Standing

NAN = float("nan")


def test_rows_name_place_best_and_next():
    rows = pd.DataFrame(
        [(1.0, NAN, NAN, NAN, ""), (1.1, 4.0, 1.0, 7.0, "confirmed"), (1.2, 9.0, NAN, NAN, "")],
        ["A", "B", "C"], ["error", "gain", "low", "high", "so_far"],
    )  # fmt: skip
    found = [
        Standing(city, "3", "lab", rows, {}, frozenset(), {}, 3)
        for city in ("s>la", "s>aarhus")
    ]
    fig = lead_figure("speedgraph", found, "Speeds")
    (axis,) = fig.axes
    labels = [t.get_text() for t in axis.get_yticklabels()]
    assert labels == ["la, 3 days:\nA before B", "aarhus, 3 days:\nA before B"]
    assert axis.get_title() == "Speeds" and "%" in axis.get_xlabel()
    assert axis.collections[1].get_offsets()[:, 0].tolist() == [4.0, 4.0]
    plt.close(fig)
