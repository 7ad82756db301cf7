"""Result figures: every seed a point, collapsed runs out, axes with units."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from stflow_lib.book.plots import comparisons as plots
from stflow_lib.book.plots.intervals import GOES_ON
from stflow_lib.book.plots.style import BLUE, GREEN, GREY, RED

UNITS = {"c": "cars", "d": "bikes"}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def record(method, value, city="c", scarcity="20", seed=0, **more) -> dict:
    place = {"city": city, "scarcity": scarcity, "method": method, "seed": seed}
    found = {"metric_rmse": value, "metric_mape": value, "notes": {}, "curves": {}}
    return place | found | more


RECORDS = [record("HA", 3.0), record("HA", 5.0, seed=1), record("FODE", 2.0, scarcity="100"),
           record("FODE", 9.0, city="d"),
           record("FODE", 99.0, notes={"collapsed": True})]  # fmt: skip


def offsets(axis) -> set:
    return {tuple(p) for c in axis.collections for p in c.get_offsets()}


def test_collapsed_runs_are_no_points():
    frame = plots.seeds_frame(RECORDS, "rmse")
    assert frame["value"].tolist() == [3, 5, 2, 9] and frame["scarcity"].tolist() == [
        20,
        20,
        100,
        20,
    ]


def test_methods_are_rows_and_amounts_colours():
    left, right = plots.methods_figure(RECORDS, "rmse", UNITS).axes
    assert offsets(left) == {(3, -0.11), (5, -0.11), (2, 1.11)} and offsets(right) == {
        (9, 0.89)
    }
    assert [t.get_text() for t in left.get_yticklabels()] == ["HA", "FODE"]
    assert left.get_xlabel() == "test RMSE (cars), logarithmic" and right.get_title() == "d"
    legend = left.figure.legends[0]  # below the panels, where no point is
    assert [t.get_text() for t in legend.get_texts()] == ["20 %", "100 %"]
    assert plots.methods_figure(RECORDS, "mape", UNITS).axes[0].get_xlabel() == (
        "test MAPE, logarithmic"
    )


def test_lines_over_amounts_go_through_the_means():
    axis = plots.fractions_figure(RECORDS[:3], "rmse", UNITS).axes[0]
    assert axis.lines[0].get_xydata().tolist() == [[20, 4]]
    assert offsets(axis) == {(20, 3), (20, 5), (100, 2)}
    assert axis.get_ylabel() == "test RMSE (cars)" and axis.get_title() == "c"
    assert "training steps" in axis.get_xlabel()
    assert [t.get_text() for t in axis.get_xticklabels()] == ["20 %", "100 %"]


def legend_colours(figure) -> dict[str, str]:
    (legend,) = figure.legends
    lines = zip(legend.get_texts(), legend.legend_handles, strict=True)
    return {text.get_text(): to_hex(line.get_color()) for text, line in lines}


def test_a_method_has_the_legends_colour_in_every_panel():
    """Numbered anew in a panel that lacks one, the next would look like the one it lacks."""
    figure = plots.fractions_figure(
        [*RECORDS[:3], record("FODE", 9.0, city="d")], "rmse", UNITS
    )
    named = legend_colours(figure)
    for axis in figure.axes:
        for line in axis.lines:
            assert to_hex(line.get_color()) == named[line.get_label()]
    assert [line.get_label() for line in figure.axes[1].lines] == ["FODE"]


def test_an_amount_has_the_legends_colour_in_every_panel():
    records = [*RECORDS[:3], record("FODE", 9.0, city="d", scarcity="100")]
    figure = plots.methods_figure(records, "rmse", UNITS)
    left, right = (
        {
            c.get_label(): tuple(c.get_facecolor()[0])
            for c in axis.collections
            if len(c.get_offsets())
        }
        for axis in figure.axes
    )
    assert right == {"100 %": left["100 %"]} and len(set(left.values())) == 2


def test_every_curve_is_named_in_the_legend():
    """The first panel need not have all methods."""
    records = [record("A", 1, curves={"valid_rmse": [2.0]}),
               record("B", 1, city="d", curves={"valid_rmse": [3.0]})]  # fmt: skip
    figure = plots.convergence_figure(records, UNITS)
    assert [*legend_colours(figure)] == ["A", "B"]


def test_convergence_is_the_mean_over_seeds_as_far_as_all_go():
    """A run that was stopped early must not bend the mean of the others."""
    curves = [{"valid_rmse": [4.0, 2.0, 1.0]}, {"valid_rmse": [2.0, 4.0]}]
    records = [record("A", 1, seed=s, curves=c) for s, c in enumerate(curves)]
    figure = plots.convergence_figure([*records, record("HA", 1)], UNITS)
    (line,) = figure.axes[0].lines
    assert line.get_xydata().tolist() == [[1, 3], [2, 3]]
    assert figure.axes[0].get_ylabel() == "validation RMSE (cars)"
    assert figure.axes[0].get_xlabel() == "epoch" and figure.axes[0].get_title() == "c"


def test_gains_show_interval_and_verdict():
    rows = [("a", 2.0, 1.0, 3.0, "confirmed"), ("b", -1.0, -300.0, 298.0, "open"),
            ("c", -1.0, -2.0, -0.5, "opposite"), ("d", 0.0, -0.1, 0.1, "equal within 1 %"),
            ("e", 0.5, np.nan, np.nan, "")]  # fmt: skip
    judged = pd.DataFrame(rows, columns=["label", "gain", "low", "high", "so_far"])
    axis = plots.gains_figure(judged).axes[0]
    bars, *_, points = axis.collections
    ends = [
        segment[:, 0].tolist() for segment in bars.get_segments() if len(segment.shape) == 2
    ]
    assert ends[:2] == [[1, 3], [-300, 298]]  # the one seed has no bar
    assert points.get_offsets().tolist() == [[2, 4], [-1, 3], [-1, 2], [0, 1], [0.5, 0]]
    colours = [to_hex(c).upper() for c in points.get_facecolors()]
    assert colours == [BLUE, GREY, RED, GREEN, GREY]  # one colour for each word
    assert [t.get_text() for t in axis.get_yticklabels()] == [*"abcde"]
    assert (
        axis.get_title()
        and axis.get_xlabel() == f"lower by, % of the other's error;\n{GOES_ON}"
    )
