"""Sentences that pages open with: counted by hand on small frames."""

import numpy as np
import pandas as pd

from stflow_lib.book import findings


def test_clear_gains_are_counted_on_both_sides():
    gains = pd.DataFrame(
        {
            "gain": [4.0, -2.0, 1.0, 3.0],
            "low": [1.0, -3.0, -1.0, np.nan],
            "high": [7.0, -1.0, 3.0, np.nan],
        }
    )
    assert findings.compared(gains, "A against B") == (
        "A against B: clearly lower in 1 of 4 comparisons, clearly higher in 1, "
        "too close to call in 1, without an interval in 1. The median "
        "difference is +2.0 %, from -2.0 to +4.0 %."
    )


def test_nothing_recorded_is_said():
    empty = pd.DataFrame(columns=["gain", "low", "high"])
    assert findings.compared(empty, "A") == "A: no pair of runs to compare is recorded yet."
    assert findings.extremes(pd.Series(dtype=float), "B") == "B: nothing is recorded yet."


def test_extremes_and_shares_name_what_they_count():
    values = pd.Series({"HA": 2.0, "FM": 1.25, "gone": np.nan})
    assert findings.extremes(values, "RMSE", "trips") == (
        "RMSE: lowest for FM (1.25 trips), highest for HA (2 trips)."
    )
    assert findings.share(pd.Series([True, False, True]), "Aims") == "Aims: 2 of 3."


def test_the_finding_is_shown_as_a_paragraph(capsys):
    gains = pd.DataFrame({"gain": [1.0], "low": [0.5], "high": [1.5]})
    findings.show_comparisons(gains, "A")
    assert capsys.readouterr().out == f"{findings.compared(gains, 'A')}\n"
