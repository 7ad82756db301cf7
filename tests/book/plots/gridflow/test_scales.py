"""A quantile grows with the record, too, only less than a maximum."""

import pandas as pd
import pytest
import torch

from stflow_lib.book.plots.gridflow import scales


def test_shares_are_of_the_whole_history():
    """By hand: 1 to 2,000 in steps of one hour, of which the last thousand are shown."""
    flow = torch.arange(2000.0, 0, -1)[:, None, None, None]  # falling: the end tells less
    flow = torch.cat([flow, flow.clamp(max=500)], 1)
    found = scales.shares(flow, 1000)
    assert found["maximum"] == [0.5, 1.0]
    assert (
        found["99.9 % quantile"][0] == pytest.approx(1000 / 1999)
        and found["99.9 % quantile"][1] == 1.0
    )


def test_every_city_has_a_line_and_the_spans_are_said():
    names = {"sim-grid-a": "P60", "sim-grid-c": "P60"}
    found = scales.growth(names, 3)
    assert list(found.index) == [*names] and (found > 0).all(axis=None)
    assert (found["maximum"] <= 1).all(axis=None)
    frame = pd.DataFrame(
        {("99.9 % quantile", "in"): [0.5, 1.0], ("maximum", "in"): [0.25, 0.9]}
    )
    assert scales.growth_sentence(frame, 3) == (
        "Upper end of 3 days over that of the whole history: 0.50 to 1.00 for the 99.9 % quantile, "
        "0.25 to 0.90 for the maximum."
    )
