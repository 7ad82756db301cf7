"""Whether learning had ended: means over the seeds that both trainings have, and what is said."""

import pandas as pd
import pytest

from stflow_lib.book import patience

NAN = float("nan")


def test_only_seeds_with_both_records_are_compared(monkeypatch):
    """Errors 2 and 4 become 2.2 and 4.4; a third seed was trained with plain patience only."""

    def recorded(run):
        if run.wing != "finegrained" or run.method != "UrbanSTC":
            return None
        patient = run.settings["training"]["plateau"] == 20
        if run.seed == 2 and patient:
            return None
        error = 2.0 * (run.seed + 1) * (1.1 if patient else 1.0)
        steps = {"fit": {"steps": 100}, "reg": {"steps": 50}}
        return {"valid_error": error, "metric_rmse": 5 - patient, "stages": steps}

    monkeypatch.setattr(patience, "find", recorded)
    found = patience.table()
    assert found["method"].tolist() == ["UrbanSTC"] and found["seeds"].tolist() == [2]
    assert found.loc[0, ["error", "twice", "change", "steps"]].tolist() == pytest.approx(
        [3.0, 3.3, 10.0, 150.0]
    )
    shown = patience.shown(found)
    assert shown["test error, change (%)"].tolist() == [
        "-20.0"
    ]  # from 5 to 4, with either seed
    assert shown["steps"].dtype == int  # no decimals on the page
    assert shown["change (%)"].tolist() == ["+10.0 [+10.0, +10.0]"]  # the same with either seed


def test_changes_of_single_seeds_make_the_interval(monkeypatch):
    """-1 % and +3 %: mean 1, and Student's t with one degree of freedom, 12.706 times 2."""
    errors = {(0, 10): 2.0, (0, 20): 1.98, (1, 10): 4.0, (1, 20): 4.12}

    def recorded(run):
        if run.method != "UrbanSTC" or run.seed > 1:
            return None
        error = errors[run.seed, run.settings["training"]["plateau"]]
        return {"valid_error": error, "metric_rmse": 1.0, "stages": {"fit": {"steps": 1}}}

    monkeypatch.setattr(patience, "find", recorded)
    (row,) = patience.table().itertuples()
    assert [row.change, row.low, row.high] == pytest.approx(
        [1, 1 - 25.412, 1 + 25.412], abs=1e-3
    )
    assert patience.in_words(row) == "+1.0 [-24.4, +26.4]"


def test_the_sentence_counts_and_names_the_largest_change():
    found = pd.DataFrame({
        "method": ["A", "B", "C"], "where": ["x", "y", "z"], "seeds": [1, 3, 1],
        "change": [0.4, -1.2, 0.5], "low": [NAN, -2.0, NAN], "high": [NAN, -0.4, NAN],
    })  # fmt: skip
    assert patience.said(found) == (
        "With twice the patience the validation error of 1 of 3 methods moves by less than 0.5 "
        "percent; the largest change is -1.2 [-2.0, -0.4] percent (B, y, seeds: 3)."
    )
    assert patience.said(found[:0]) == "No training has been repeated with twice the patience."
