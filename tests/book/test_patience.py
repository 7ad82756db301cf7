"""Whether learning had ended: means over the seeds that both trainings have, and what is said."""

import pandas as pd
import pytest

from stflow_lib.book import patience


def test_only_seeds_with_both_records_are_compared(monkeypatch):
    """Errors 2 and 4 become 2.2 and 4.4; a third seed was trained with plain patience only."""

    def recorded(run):
        if run.wing != "finegrained" or run.method != "UrbanSTC":
            return None
        patient = run.settings["training"]["plateau"] == 20
        if run.seed == 2 and patient:
            return None
        error = 2.0 * (run.seed + 1) * (1.1 if patient else 1.0)
        return {"valid_error": error, "stages": {"fit": {"steps": 100}, "reg": {"steps": 50}}}

    monkeypatch.setattr(patience, "find", recorded)
    found = patience.table()
    assert found["method"].tolist() == ["UrbanSTC"] and found["seeds"].tolist() == [2]
    assert found.loc[0, ["error", "twice", "change", "steps"]].tolist() == pytest.approx(
        [3.0, 3.3, 10.0, 150.0]
    )
    assert (
        patience.shown(found).loc["UrbanSTC", "steps"].dtype == int
    )  # no decimals on the page


def test_the_sentence_counts_and_names_the_largest_change():
    found = pd.DataFrame({
        "method": ["A", "B", "C"], "where": ["x", "y", "z"], "seeds": [1, 3, 1],
        "change": [0.4, -1.2, 0.5],
    })  # fmt: skip
    assert patience.said(found) == (
        "With twice the patience the validation error of 1 of 3 methods moves by less than 0.5 "
        "percent; the largest change is -1.2 percent (B, y, seeds: 3)."
    )
    assert patience.said(found[:0]) == "No training has been repeated with twice the patience."
