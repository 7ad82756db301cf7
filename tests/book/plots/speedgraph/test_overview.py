"""The diagram of TSJT: every arrow joins two boxes, no box covers another, words fit."""

from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from matplotlib.transforms import Bbox

from stflow_lib.book.plots.speedgraph import overview


@pytest.fixture
def figure():
    yield overview.overview_figure()
    plt.close("all")


def test_every_arrow_joins_two_boxes_and_no_box_is_alone():
    ends = {name for arrow in overview.ARROWS for name in arrow}
    assert ends == set(overview.BOXES) and set(overview.SHARED) < ends


def test_no_box_covers_another():
    for (x, y, *_), (to_x, to_y, *_) in combinations(overview.BOXES.values(), 2):
        apart = abs(x - to_x) >= overview.WIDTH + 0.1, abs(y - to_y) >= overview.HEIGHT + 0.1
        assert any(apart)


def test_words_stay_inside_their_boxes(figure):
    (axis,) = figure.axes
    figure.draw_without_rendering()
    named = {words: (x, y) for x, y, words, _ in overview.BOXES.values()}
    for text in [text for text in axis.texts if text.get_text() in named]:
        x, y = named.pop(text.get_text())
        half = overview.WIDTH / 2, overview.HEIGHT / 2
        ends = [(x - half[0], y - half[1]), (x + half[0], y + half[1])]
        box, words = Bbox(axis.transData.transform(ends)), text.get_window_extent()
        assert box.x0 <= words.x0 and words.x1 <= box.x1, text.get_text()
        assert box.y0 <= words.y0 and words.y1 <= box.y1, text.get_text()
    assert not named
