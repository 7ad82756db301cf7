"""Curves of a source and of a city without a day: what the figure and the sentences say of them."""

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib.book.plots.gridflow.source_epochs import figure, reading
from stflow_lib.book.source_epochs import COLUMNS

SOURCE = [0.9, 0.8, 0.7, 0.75]  # the third epoch is chosen


def table() -> pd.DataFrame:
    """One transfer where the hour helps early, one that nothing helps."""
    targets = {
        ("a>b", False): [1.2, 1.1, 1.3, 1.4],
        ("a>b", True): [0.9, 0.95, 1.05, 1.1],
        ("c>d", False): [1.5, 1.4, 1.3, 1.2],
        ("c>d", True): [1.3, 1.2, 1.1, 1.01],
    }
    lines = [
        (city, told, n, SOURCE[n - 1], error)
        for (city, told), errors in targets.items()
        for n, error in enumerate(errors, 1)
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def test_the_chosen_epoch_is_the_source_s_and_the_best_is_the_target_s():
    plain, told = reading(table())
    assert "a → b 1.30 at the chosen epoch 3, at best 1.10 at epoch 2" in plain
    assert "a → b 1.05 at the chosen epoch 3, at best 0.90 at epoch 1" in told
    assert "below the last value on 0 of 2 transfers" in plain
    assert "below the last value on 1 of 2 transfers" in told


def test_a_panel_for_each_transfer_with_its_dots():
    fig = figure(table())
    assert [axes.get_title() for axes in fig.axes] == ["a → b", "c → d"]
    dots = [line for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_xydata().tolist() for line in dots] == [[[3, 1.3]], [[3, 1.05]]]
    plt.close(fig)


def test_an_odd_number_leaves_no_empty_panel():
    one = table()
    fig = figure(one[one["city"] == "a>b"])
    assert len(fig.axes) == 1
    plt.close(fig)


def test_nothing_is_said_where_nothing_was_trained():
    assert reading(table().iloc[:0]) == []
