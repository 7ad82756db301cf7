"""Gains with intervals: what an axis cuts off is said to go on."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from stflow_lib.book.plots.intervals import GOES_ON, draw_gains


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(*rows):
    """An axis with rows (gain, low, high) at heights 0, 1, ..., each in another grey."""
    _, axis = plt.subplots()
    axis.set_xlabel("gain (%)")
    greys = ["#222222", "#444444", "#666666"][: len(rows)]
    draw_gains(axis, pd.DataFrame(rows, columns=["gain", "low", "high"]), range(len(rows)), greys,
               greys)  # fmt: skip
    return axis


def test_an_axis_ends_at_twice_the_largest_gain():
    """An interval of hundreds of percent would press all others into the line at zero."""
    axis = drawn((2.0, 1.0, 3.0), (-1.0, -300.0, 298.0))
    assert axis.get_xlim() == pytest.approx((-4.56, 4.56))  # a margin of 7 % of the whole
    assert drawn((2.0, 1.0, 3.0)).get_xlim() == pytest.approx((-0.21, 3.21))
    assert drawn((0.1, np.nan, np.nan)).get_xlim() == pytest.approx((-0.007, 0.107))


def test_an_arrow_head_stands_where_an_interval_goes_on():
    """Without it an interval of hundreds of percent looks like one that ends at the frame."""
    axis = drawn((2.0, 1.0, 3.0), (-1.0, -300.0, 3.0), (-1.0, -4.1, 298.0))
    _, left, right, points = axis.collections
    least, most = axis.get_xlim()
    assert left.get_offsets().tolist() == [[least, 1]]
    assert right.get_offsets().tolist() == [[most, 2]]
    inward = [head.get_paths()[0].vertices[:, 0].mean() for head in (left, right)]
    assert inward[0] > 0 > inward[1]  # their tips are at the frame
    assert [to_hex(head.get_facecolor()[0]) for head in (left, right)] == ["#444444", "#666666"]
    assert len(points.get_offsets()) == 3
    assert axis.get_xlabel() == f"gain (%);\n{GOES_ON}"


def test_what_ends_on_the_axis_has_no_arrow_and_no_words():
    axis = drawn((2.0, 1.0, 3.0), (1.0, np.nan, np.nan))
    assert len(axis.collections) == 2 and axis.get_xlabel() == "gain (%)"
