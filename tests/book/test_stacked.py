"""A figure for narrow screens: nothing is lost, nothing is small, the figure stays as it was."""

import io
from base64 import b64decode
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

import stflow_lib.book.plots  # noqa: F401  figures have two forms
from stflow_lib.book.published import NARROW
from stflow_lib.book.stacked import SMALLEST, WIDTH, forms, is_wide, stacked

SHOWN = 350  # pixels of a phone's page
DPI = 100


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def row(count: int = 3, **chosen):
    fig, axes = plt.subplots(1, count, figsize=(12, 3.9), layout="constrained", **chosen)
    for k, axis in enumerate(axes):
        axis.plot([1, 2], [k, k + 1], label=f"method {k} with a name that is rather long")
    return fig, axes


def bounds(axes):
    return [axis.get_window_extent().bounds for axis in axes]


def size_of(picture: str) -> tuple[int, int]:
    return plt.imread(io.BytesIO(b64decode(picture))).shape[1::-1]


def test_panels_stand_below_each_other_and_are_no_lower():
    fig, axes = row()
    fig.draw_without_rendering()
    height = min(box[3] for box in bounds(axes))
    with stacked(fig):
        fig.draw_without_rendering()
        found = bounds(axes)
    assert [box[1] for box in found] == sorted((box[1] for box in found), reverse=True)
    assert np.ptp([box[0] for box in found]) < 1 and min(box[3] for box in found) > 0.8 * height


def test_words_are_as_large_as_a_reader_needs():
    """Seven pixels are the least that people read; a phone shows 350 pixels of a page."""
    fig, axes = row()
    fig.suptitle("A title over all panels that is much too long for a phone, " * 3)
    fig.legend(loc="outside lower center", ncols=5)
    axes[0].tick_params(labelsize=6)
    width, _ = size_of(forms(fig)[NARROW])
    assert SMALLEST / 72 * DPI * SHOWN / width >= 7


def test_shared_axes_keep_their_numbers_and_names():
    """A panel below another has no neighbour that says what its axis is."""
    fig, axes = plt.subplots(
        2, 2, figsize=(10, 6), sharex=True, sharey=True, layout="constrained"
    )
    axes[0, 0].set(title="sf", ylabel="RMSE")
    axes[1, 1].set(xlabel="days")
    for axis in axes.flat:
        axis.plot([1, 2])
    with stacked(fig):
        assert axes[1, 0].get_title() == "sf" and axes[0, 1].get_ylabel() == "RMSE"
        assert axes[0, 1].get_xlabel() == "days"
        for axis in axes.flat:
            assert axis.yaxis.get_tick_params()["labelleft"]
            assert axis.xaxis.get_tick_params()["labelbottom"]
    assert axes[1, 0].get_title() == axes[0, 1].get_ylabel() == ""
    assert not axes[0, 1].yaxis.get_tick_params()["labelleft"]


def test_the_figure_stays_as_it_was():
    """The page may draw on, or show the figure again."""
    fig, _ = row(sharey=True)
    fig.legend(loc="outside lower center", ncols=3)
    fig.suptitle(
        "Errors of three methods on a city, by days of the target, mean over seeds" * 2
    )
    first = forms(fig)
    assert forms(fig) == first and len(fig.legends) == 1
    assert fig.get_size_inches().tolist() == [12, 3.9] and size_of(first["image/png"])[0] > 1100


def test_many_small_panels_stand_in_pairs():
    """Twelve maps below each other are three screens."""
    fig, axes = plt.subplots(3, 4, figsize=(12, 9), layout="constrained")
    for axis in axes.flat:
        drawn = axis.imshow(np.eye(3))
    fig.colorbar(drawn, ax=axes)
    with stacked(fig):
        fig.draw_without_rendering()
        left = {round(box[0]) for box in bounds(axes.flat)}
        assert len(left) == 2 and fig.get_figwidth() == WIDTH
        assert fig.get_figheight() < 16  # maps shrink on both sides


def test_names_that_touch_are_turned():
    fig, axis = plt.subplots(figsize=(9, 3), layout="constrained")
    axis.bar([f"a long method {k}" for k in range(9)], range(9))
    with stacked(fig):
        fig.draw_without_rendering()
        assert axis.get_xticklabels()[0].get_rotation() == 90
    fig.draw_without_rendering()
    assert axis.get_xticklabels()[0].get_rotation() == 0


def test_unused_panels_take_no_place():
    fig, axes = row(4)
    axes[3].cla()
    axes[3].axis("off")
    with stacked(fig):
        assert axes[0].get_gridspec().get_geometry() == (3, 1)


def test_small_figures_have_one_form():
    small, _ = plt.subplots(figsize=(5, 4))
    assert not is_wide(small) and set(small._repr_mimebundle_()) == {"image/png"}
    tiny, axis = plt.subplots(figsize=(5, 4))
    axis.tick_params(labelsize=6)
    assert is_wide(tiny) and set(forms(tiny)) == {"image/png", NARROW}


def test_names_of_another_axis_are_not_borrowed():
    """Rows of a map are not what the bars beside it count."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.imshow(np.eye(3))
    left.set_ylabel("row (cells)")
    right.barh(["homes", "parks"], [1, 2])
    with stacked(fig):
        assert right.get_ylabel() == ""


def test_panels_that_stand_in_one_column_already_say_nothing_twice():
    fig, (top, low) = plt.subplots(2, 1, figsize=(10, 4), sharex=True, layout="constrained")
    top.set_title("weather")
    low.set_xlabel("local time")
    with stacked(fig):
        assert not low.get_title() and not top.get_xlabel()
        assert not top.xaxis.get_tick_params()["labelbottom"]


def test_low_panels_get_room_for_their_titles_and_turned_labels():
    """Two flat panels with titles would overlap when they stand below each other."""
    fig, axes = plt.subplots(1, 2, figsize=(11, 2), layout="constrained")
    for axis in axes:
        axis.bar([f"a long method {k}" for k in range(9)], range(9))
        axis.set(title="cosine", xlabel="method")
    with stacked(fig):
        fig.draw_without_rendering()
        boxes = [axis.get_tightbbox() for axis in axes]
    assert boxes[0].y0 > boxes[1].y1


def test_long_names_are_broken_and_leave_the_panel_most_of_the_width():
    """Four tenths of a phone for names, whose lines do not touch; all words stay."""
    names = [
        f"all three pretexts below pretext {k} alone: RMSE, a city, 20 %" for k in range(9)
    ]
    fig, axis = plt.subplots(figsize=(8, 3), layout="constrained")
    axis.scatter(range(9), range(9))
    axis.set_yticks(range(9), names)
    axis.set_title("A title that is as long as two panels of this figure are wide")
    with stacked(fig):
        fig.draw_without_rendering()
        labels = axis.get_yticklabels()
        boxes = sorted((label.get_window_extent() for label in labels), key=lambda b: b.y0)
        assert axis.get_window_extent().width > 0.5 * fig.bbox.width
        assert fig.get_tightbbox().x1 <= 1.02 * fig.get_figwidth()
        assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
        assert [" ".join(label.get_text().split()) for label in labels] == names
    assert [label.get_text() for label in axis.get_yticklabels()] == names
