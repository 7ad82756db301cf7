"""Transfer figures: a point per seed, a row per comparison, and filled only where it is certain."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb

from stflow_lib.book.plots import transfers as plots


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def points(axis):
    """Every drawn point as (x, y)."""
    drawn = [c for c in axis.collections if isinstance(c, PathCollection)]
    return [tuple(point) for c in drawn for point in c.get_offsets()]


def faces(axis):
    """Fill colours of the points, in the order drawn."""
    drawn = [c for c in axis.collections if isinstance(c, PathCollection)]
    return [tuple(face[:3]) for c in drawn for face in c.get_facecolors()]


def errors():
    rows = [("x>a", "A", "3", 90.0), ("x>a", "A", "3", 110.0), ("x>a", "Bar", "3", 80.0),
            ("x>a", "B", "0", 120.0), ("y>b", "B", "3", 70.0),
            ("y>b", "Bar", "3", 60.0)]  # fmt: skip
    return pd.DataFrame(rows, columns=["pair", "method", "scarcity", "value"])


def test_each_seed_is_a_point_and_the_bar_a_line():
    """A mean would hide that one seed lies below the bar and one above."""
    figure = plots.relative_figure(errors(), "title", "RMSE (%)", {"Bar": "line"})
    first, second = figure.axes
    assert first.get_title() == "x → a" and first.get_xlabel() == "RMSE (%)"
    assert sorted(x for x, _ in points(first)) == [90, 110, 120]
    assert sorted(line.get_xdata()[0] for line in second.lines) == [60, 100]
    assert [t.get_text() for t in first.get_yticklabels()] == ["A", "B"]
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels == [
        "3 days of target data",
        "line, 3 days of target data",
        "no day of target data",
    ]


def judged():
    rows = [("x>a", "over A", "3", 4.0, 1.0, 7.0), ("x>a", "over A", "0", 2.0, -1.0, 5.0),
            ("x>a", "over B", "3", -6.0, -8.0, -4.0),
            ("x>a", "over B", "0", 1.0, -900.0, 902.0)]  # fmt: skip
    return pd.DataFrame(rows, columns=["city", "row", "scarcity", "gain", "low", "high"])


def test_only_certain_gains_are_filled_and_wide_intervals_do_not_set_the_scale():
    """An interval of 900 percent would press all others into the line at zero."""
    (axis,) = plots.gains_panels(judged(), "title", "gain (%)").axes
    blue = to_rgb(plots.AMOUNTS["3"])
    assert faces(axis) == [blue, blue, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)]
    assert {x for x, _ in points(axis)} >= {4.0, -6.0, 2.0, 1.0}
    assert -16 < axis.get_xlim()[0] < -6 and 4 < axis.get_xlim()[1] < 16


def test_one_seed_is_drawn_without_an_interval():
    """Smoke runs have one seed; its point is hollow, for nothing is certain."""
    single = judged().assign(low=np.nan, high=np.nan)
    (axis,) = plots.gains_panels(single, "title", "gain (%)").axes
    assert set(faces(axis)) == {(1.0, 1.0, 1.0)} and np.isfinite(axis.get_xlim()).all()


def test_kinds_stand_at_their_share_of_cells_and_are_named():
    """A kind at another's share would turn the slope that the page is about."""
    rows = [("p", "hub", 4.0, "3", 5.0, 2.0, 8.0), ("p", "hub", 4.0, "0", 3.0, 1.0, 5.0),
            ("p", "homes", 60.0, "3", -1.0, -2.0, 0.5),
            ("q", "homes", 50.0, "3", 0.0, -1.0, 1.0)]  # fmt: skip
    frame = pd.DataFrame(
        rows, columns=["panel", "kind", "share", "scarcity", "gain", "low", "high"]
    )
    figure = plots.kinds_figure(frame, "title", "share (%)", "gain (%)")
    first, second = figure.axes
    assert (first.get_xlabel(), first.get_ylabel()) == ("share (%)", "gain (%)")
    assert sorted(y for _, y in points(first)) == [-1.0, 3.0, 5.0]
    for x, y in points(first):
        assert x == pytest.approx(60 if y == -1 else 4, rel=0.12)
    assert [t.get_text() for t in first.texts] == ["hub", "homes"]
    assert (second.get_title(), figure.get_suptitle()) == ("q", "title")


@pytest.mark.parametrize("panels, seen", [(1, 1), (3, 3), (4, 4)])
def test_an_odd_panel_leaves_no_empty_frame(panels, seen):
    frame = pd.concat([judged().assign(city=f"x>{n}") for n in range(panels)])
    axes = plots.gains_panels(frame, "title", "gain (%)").axes
    assert sum(axis.get_visible() for axis in axes) == seen


def test_pairs_are_written_as_people_read_them():
    assert plots.arrow("jonas-nyc-taxi+jonas-dc-taxi>taxi-sf-trips") == (
        "nyc-taxi + dc-taxi → taxi-sf-trips"
    )


@pytest.mark.parametrize(
    "amount, words", [("0", "no day of target data"), ("3", "3 days of target data")]
)
def test_amounts_are_written_as_people_read_them(amount, words):
    assert plots.days(amount) == words
