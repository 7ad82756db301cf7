"""Pictures of cost: all points drawn, names apart, axes labelled."""

import numpy as np
import pandas as pd
from matplotlib.text import Text

from stflow_lib.book.plots.finegrained import efficiency as plots


def labelled(figure) -> bool:
    return all(a.get_xlabel() and a.get_title() for a in figure.axes)


def test_hollow_markers_stand_where_a_count_is_printed():
    """A marker at zero for a method without a printed count would look like a claim."""
    counts = pd.DataFrame({"name": ["a", "b"], "ours": [2.0, 3.0], "printed": [2.1, np.nan]})
    figure = plots.parameters_figure(counts)
    drawn = figure.axes[0].collections[0].get_offsets().compressed()
    assert drawn.tolist() == [2.1, 1.0] and labelled(figure)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [2.0, 3.0]


def test_costs_are_means_of_records_and_failed_runs_have_no_error(recorded):
    make = lambda seed, seconds, **more: recorded(
        "FODE", "c", {"rmse": 2.0 + seed, "fit_seconds": seconds, "predict_seconds": 1.0,
                      "seconds_per_epoch": 0.5}, seed, **more)  # fmt: skip
    planned = {"FODE": [make(0, 10.0), make(1, 20.0), make(2, 60.0, notes={"collapsed": True})],
               "SCN": [recorded("SCN", "c", None)]}  # fmt: skip
    table = plots.cost_table(planned)
    assert table.loc["FODE", ["train s", "test part s", "s per epoch"]].tolist() == [30, 1, 0.5]
    assert table.loc["FODE", ["RMSE", "epochs", "not converged"]].tolist() == [
        2.5,
        "1",
        "3 of 3",
    ]
    assert np.isnan(table.at["SCN", "RMSE"]) and table.at["SCN", "not converged"] == "not run"
    assert plots.cost_table({"SCN": planned["SCN"]}).columns.tolist() == ["not converged"]


def crowd(n: int) -> pd.DataFrame:
    """n methods, most of them at nearly the same place."""
    random = np.random.default_rng(0)
    near = 1 + 0.05 * random.random((n, 2))
    near[0] = 9
    return pd.DataFrame({"name": [f"method {k}" for k in range(n)], "seconds": near[:, 0],
                         "error": near[:, 1], "spread": np.nan})  # fmt: skip


def test_names_of_close_points_do_not_overlap():
    """Methods of equal cost are the ones that a reader wants to tell apart."""
    figure = plots.error_cost_figure(crowd(9), "RMSE", "seconds")
    figure.canvas.draw()
    boxes = [Text.get_window_extent(text).extents for text in figure.axes[0].texts]
    assert len(boxes) == 9
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def test_filled_points_are_those_that_nothing_beats():
    rows = pd.DataFrame({"name": list("abc"), "seconds": [1.0, 2.0, 3.0],
                         "error": [3.0, 1.0, 2.0], "spread": np.nan})  # fmt: skip
    assert [plots._unbeaten(r, rows) for r in rows.itertuples()] == [True, True, False]


def test_error_is_drawn_over_seconds_with_its_spread():
    rows = pd.DataFrame({"name": ["a", "b"], "seconds": [1.0, 2.0], "error": [2.0, 3.0],
                         "spread": [0.5, np.nan]})  # fmt: skip
    axis = plots.error_cost_figure(rows, "test RMSE (cars)", "seconds per epoch").axes[0]
    points = next(
        c for c in axis.collections if len(c.get_offsets()) == 2 and c.get_sizes().size
    )
    assert sorted(map(tuple, points.get_offsets())) == [(1, 2), (2, 3)]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("seconds per epoch", "test RMSE (cars)")
