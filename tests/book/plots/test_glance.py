"""Panels of gains: a point for each place, filled where an interval is known."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book.glance import GROUPS
from stflow_lib.book.plots.glance import groups_figure
from stflow_lib.book.plots.intervals import GOES_ON

NAN = float("nan")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_panel_for_each_group_with_names_and_units():
    rows = [("x", GROUPS[0], "A", 5.0, 2.0, 8.0, "confirmed"),
            ("x", GROUPS[1], "B", -5.0, -99.0, 90.0, "open"),
            ("y", GROUPS[0], "C", 1.0, NAN, NAN, "")]  # fmt: skip
    names = ["where", "group", "other", "gain", "low", "high", "so_far"]
    fig = groups_figure(pd.DataFrame(rows, columns=names), "against ...")
    assert [axis.get_title() for axis in fig.axes] == list(GROUPS)
    first, second, third = fig.axes
    assert first.get_xlabel() == third.get_xlabel() == "error lower by (%)"
    assert second.get_xlabel() == f"error lower by (%);\n{GOES_ON}"  # 90 is beyond 12.4
    assert [t.get_text() for t in first.get_yticklabels()] == ["x", "y"]
    assert [t.get_text() for t in first.texts] == ["A", "C"] and not third.texts
    assert second.get_xlim() == pytest.approx((-12.4, 12.4))  # twice the largest gain, a margin
    known, unknown = first.collections[1], first.collections[3]
    assert (
        known.get_facecolor()[0].tolist() != [1, 1, 1, 1] == unknown.get_facecolor()[0].tolist()
    )
    shown = [t.get_text() for t in fig.legends[0].get_texts()]
    assert set(shown) == {"confirmed", "no interval", "open"}
    assert fig.get_suptitle() == "against ..."
