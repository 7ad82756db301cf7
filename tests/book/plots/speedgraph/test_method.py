"""Pictures of gradients and prompts: parts add up, layers in their rows, patterns by colour."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex, to_rgb

from stflow_lib.book.plots.speedgraph import method


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_toy_draws_every_way_from_one_start():
    way = np.array([[0.0, 0.0], [1.0, 1.0]])
    bowl = lambda x, y: x**2 + y**2
    paths = {"one": way, "two": way * 2}
    curves = {"one": np.array([3.0, 1.0]), "two": np.array([3.0, 2.0])}
    arrows = {"g": np.array([1.0, 0.0]), "h": np.array([0.0, 2.0])}
    figure = method.toy_figure({"target": bowl, "source": bowl}, paths, curves, arrows)
    left, middle, right = figure.axes
    assert (right.get_xlabel(), right.get_ylabel()) == ("step", "target's loss")
    assert (middle.get_title(), middle.get_xlabel()) == ("ways from one start", "θ₁")
    tips = [note.xy for note in left.texts if note.arrow_patch is not None]
    assert [tuple(tip) for tip in tips] == [(1, 0), (0, 2)]
    drawn = [line for line in middle.lines if line.get_label() in paths]
    assert [line.get_xdata()[1] for line in drawn] == [1, 2]
    assert [line.get_ydata()[-1] for line in right.lines] == [1, 2]
    assert [line.get_color() for line in drawn] == [line.get_color() for line in right.lines]
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert names == {"one", "two", "minimum of the target", "minimum of the source"}


def test_angles_keep_along_and_across_apart():
    angles = np.array([0.0, 90.0, 180.0])
    added = {"rule": np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])}
    along, across = method.angles_figure(angles, added).axes
    assert along.get_title() == "along the target's gradient"
    assert across.get_xlabel() == "angle between both gradients (°)"
    assert along.get_ylabel() == "added by a source of length 1"
    assert along.lines[0].get_ydata().tolist() == [1, 0, -1]
    assert across.lines[0].get_ydata().tolist() == [0, 1, 0]


def test_spectra_and_cosines_by_number_of_patterns():
    figure = method.spectrum_figure(
        {1: np.array([1.0, 0.0]), 9: np.array([1.0, 0.5])}, (1, 9), {"measured": [0.2, 0.9]}
    )
    left, right = figure.axes
    assert left.get_ylabel() == "eigenvalue over the largest"
    assert right.get_xlabel() == "patterns in the bank, K"
    assert [line.get_label() for line in left.lines] == ["K = 1", "K = 9"]
    assert right.lines[0].get_xdata().tolist() == [1, 9]


def test_graphs_share_one_scale():
    """On scales of their own a dense graph would look as strong as the roads."""
    figure = method.graphs_side_by_side({"roads": np.eye(3), "A": np.full((3, 3), 0.2)})
    assert [axis.get_title() for axis in figure.axes[:2]] == ["roads", "A"]
    assert figure.axes[0].get_ylabel() == "receives (sensor)"
    one, two = (axis.images[0] for axis in figure.axes[:2])
    assert one.norm.vmax == two.norm.vmax == 1
    assert one.get_array().mask.sum() == 6 and not two.get_array().mask.any()


def test_agreement_rows_are_layers():
    """Rows upside down would blame another layer."""
    cosines = pd.DataFrame([[0.5, -0.9], [0.1, 0.2]], ["head", "all"], [1, 2])
    left, right = method.agreement_figure(cosines, (cosines < 0) * 1.0).axes[:2]
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["head", "all"]
    assert left.get_xlabel() == "epoch" and right.get_title() == "opposed to each other"
    assert left.images[0].norm.vmin == -1 and right.images[0].norm.vmax == 100
    assert [text.get_text() for text in left.texts] == ["0.50", "-0.90", "0.10", "0.20"]
    assert [text.get_text() for text in right.texts] == ["0", "100", "0", "0"]
    assert left.texts[1].get_position() == (2, 0)


def test_a_pattern_has_one_colour_on_map_and_curve():
    nodes = {"node": range(3)}
    city = xr.Dataset(
        {"adjacency": (("node", "node_to"), np.eye(3))},
        {**nodes, "lat": ("node", [1.0, 1.1, 1.2]), "lon": ("node", [5.0, 5.1, 5.2])},
    )
    windows = pd.DataFrame({0: [50.0, 40.0], 2: [30.0, 20.0]}, index=[-10, 0])
    figure = method.patterns_figure(
        city, {"night": np.array([0, 2, 2])}, windows, [0.4, 0.6], "mph"
    )
    assert figure.axes[0].get_title() == "night"
    assert figure.axes[1].get_ylabel() == "speed (mph)"
    points = figure.axes[0].collections[-1].get_facecolors()[:, :3]
    curves = [line.get_color() for line in figure.axes[1].lines]
    assert [to_hex(p) for p in points] == [to_hex(to_rgb(curves[k])) for k in (0, 1, 1)]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [
        "pattern 1: 40%",
        "pattern 3: 60%",
    ]
