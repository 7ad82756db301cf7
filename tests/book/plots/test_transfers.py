"""Transfer figures: a point per seed, a row per comparison, and filled only where it is certain."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb

from stflow_lib.book.plots import transfers as plots
from stflow_lib.book.plots.intervals import GOES_ON


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
    return pd.DataFrame(rows, columns=plots.POINTS[:4]).assign(failed=False)


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
        "no day of target data",
        "line, 3 days of target data",
    ]


def test_a_failed_training_is_a_cross_that_the_legend_explains():
    """The table says "collapsed" where the figure had a point like any other."""
    frame = errors().assign(failed=lambda f: f["value"].isin([110.0, 120.0]))
    figure = plots.relative_figure(frame, "title", "RMSE (%)", {"Bar": "line"})
    crosses = [c for c in figure.axes[0].collections if len(c.get_paths()[0].vertices) == 4]
    assert sorted(c.get_offsets()[0][0] for c in crosses if len(c.get_offsets())) == [110, 120]
    assert sorted(x for x, _ in points(figure.axes[0])) == [90, 110, 120]
    assert plots.FAILED in [t.get_text() for t in figure.legends[0].get_texts()]


def test_failed_trainings_count_and_are_marked(recorded):
    group = [recorded("A", "x>y", {"rmse": 1.0}),
             recorded("A", "x>y", {"rmse": 3.0}, 1, notes={"collapsed": True}),
             recorded("A", "x>y", None, 2)]  # fmt: skip
    assert plots.percents(group, "rmse", 2.0) == [(50, False), (150, True)]


def judged():
    rows = [("x>a", "over A", "3", 4.0, 1.0, 7.0), ("x>a", "over A", "0", 2.0, -1.0, 5.0),
            ("x>a", "over B", "3", -6.0, -8.0, -4.0),
            ("x>a", "over B", "0", 1.0, -900.0, 902.0)]  # fmt: skip
    return pd.DataFrame(rows, columns=["city", "row", "scarcity", "gain", "low", "high"])


def test_only_certain_gains_are_filled_and_wide_intervals_do_not_set_the_scale():
    """An interval of 900 percent would press all others into the line at zero."""
    (axis,) = plots.gains_panels(judged(), "title", "gain (%)").axes
    gains, white = axis.collections[-1], (1.0, 1.0, 1.0)
    places = [(4.0, -0.15), (2.0, 0.15), (-6.0, 0.85), (1.0, 1.15)]
    assert [tuple(place) for place in gains.get_offsets()] == places
    blue = to_rgb(plots.AMOUNTS["3"])
    assert [tuple(face[:3]) for face in gains.get_facecolors()] == [blue, white, blue, white]
    assert -16 < axis.get_xlim()[0] < -6 and 4 < axis.get_xlim()[1] < 16
    assert axis.get_xlabel() == f"gain (%);\n{GOES_ON}"


def test_one_seed_is_drawn_without_an_interval():
    """Smoke runs have one seed; its point is hollow, for nothing is certain."""
    single = judged().assign(low=np.nan, high=np.nan)
    (axis,) = plots.gains_panels(single, "title", "gain (%)").axes
    assert set(faces(axis)) == {(1.0, 1.0, 1.0)} and np.isfinite(axis.get_xlim()).all()


def kinds():
    rows = [("p", "hub", 4.0, "3", 5.0, 2.0, 8.0), ("p", "hub", 4.0, "0", 3.0, 1.0, 5.0),
            ("p", "a kind with a long name", 60.0, "3", -1.0, -2.0, 0.5),
            ("q", "homes", 50.0, "3", 0.0, -1.0, 1.0)]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["panel", "kind", "share", "scarcity", "gain", "low", "high"]
    )


def names_beside(axis):
    return [text.get_text() for text in axis.get_yticklabels()]


def test_kinds_are_rows_of_their_own_panel_with_their_share():
    """Beside another kind's name a gain would turn the slope that the page is about."""
    figure = plots.kinds_figure(kinds(), "title", "gain (%)")
    first, second = figure.axes
    assert names_beside(first) == ["hub, 4.0 %", "a kind with a long name, 60.0 %"]
    assert names_beside(second) == ["homes, 50.0 %"]
    assert sorted(points(first)) == [(-1.0, 0.85), (3.0, 0.15), (5.0, -0.15)]
    assert first.get_ylim()[0] > first.get_ylim()[1]  # the first row is on top
    assert (first.get_xlabel(), second.get_title()) == ("gain (%)", "q")
    assert figure.get_suptitle() == "title"


def test_panels_of_the_same_kinds_name_them_once():
    frame = kinds()
    frame = pd.concat([frame[frame["panel"] == "p"].assign(panel=name) for name in "uv"])
    first, second = plots.kinds_figure(frame, "title", "gain (%)").axes
    assert first.get_shared_y_axes().joined(first, second)


def test_names_of_kinds_do_not_touch_each_other():
    """At their shares along the x axis those that are equally rare stood on each other."""
    rows = [("p", f"a kind with a long name {k}", 4.0, "3", k, k - 1, k + 1) for k in range(10)]
    frame = pd.DataFrame(rows, columns=[*kinds()])
    figure = plots.kinds_figure(frame, "title", "gain (%)")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    assert not any(one.overlaps(two) for one, two in pairwise(boxes))


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
    "amount, words", [("0", "no day"), ("0.25", "6 hours"), ("1", "1 day"), ("3", "3 days")]
)
def test_amounts_are_written_as_people_read_them(amount, words):
    assert plots.in_words(amount) == words
    assert plots.days(amount) == f"{words} of target data"
