"""Pictures of the cost page: every number stands where it says, and axes are named."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.gridflow import cost as plots


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def named(figure) -> bool:
    return all(a.get_xlabel() and a.get_title() for a in figure.axes)


def test_measured_and_printed_ratios_stand_in_their_methods_row():
    """A row that slips would lay a method's printed ratio beside another's measured one."""
    rows = pd.DataFrame({"method": ["A", "B"] * 2, "quantity": ["memory"] * 2 + ["time"] * 2,
                         "ours": [3.0, 1.0, 4.0, 1.1], "low": np.nan, "high": np.nan,
                         "printed": [2.0, 1.2, 9.0, 1.5]})  # fmt: skip
    figure = plots.ratios_figure(rows, "Finetuned")
    memory, time = figure.axes
    points = [c.get_offsets().tolist() for c in memory.collections if len(c.get_offsets()) == 2]
    assert points[-2:] == [[[3, 1], [1, 0]], [[2, 1], [1.2, 0]]]
    assert [t.get_text() for t in memory.get_yticklabels()] == ["B", "A"]
    low, high = time.get_xlim()
    assert low < 1 and high > 9 and named(figure)


def test_growth_has_each_form_once_in_the_key_and_every_point():
    """A key of both panels would name each line twice."""
    forms = {
        "sorted": ([128, 256, 512], [1.0, 4.0, 16.0]),
        "literal": ([128, 256], [2.0, 16.0]),
    }
    panels = {"time (s)": forms, "memory (MB)": forms}
    figure = plots.growth_figure(panels, {"sorted": ": R^2"}, 256)
    (key,) = figure.legends
    assert [t.get_text() for t in key.get_texts()] == ["sorted: R^2", "literal"]
    assert [line.get_ydata().tolist() for line in figure.axes[1].lines[:2]] == [
        [1, 4, 16], [2, 16]]  # fmt: skip
    assert named(figure) and figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"


def test_bars_are_sorted_and_keep_their_own_notes():
    """Sorted bars with notes in the order given would carry each other's numbers."""
    figure = plots.bars_figure({"a": 1.0, "b": 3.0}, "ms", "title", ["one", "three"])
    (axis,) = figure.axes
    at = {text.xy: text.get_text() for text in axis.texts}
    assert at == {(3.0, 1): "three", (1.0, 0): "one"} and named(figure)
    assert [t.get_text() for t in axis.get_yticklabels()] == ["b", "a"]
