"""Numbers as JSON and back: what is drawn of a file is what was put in."""

import json

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.finegrained.as_json import decode, encode


def there_and_back(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


def test_series_and_frames_keep_their_places():
    """A column or a level in another's place would be drawn under a wrong name."""
    places = pd.MultiIndex.from_product([["A", "B"], ["as trained", "rescaled"]])
    frame = pd.DataFrame({"rmse": [1.5, 2.0, 3.0, 4.0], "mae": [0.5, np.nan, 1.0, 2.0]}, places)
    series = pd.Series([0.25, np.nan], [0.05, 0.9])
    found = there_and_back({"of a method": {"frame": frame, "series": series}})["of a method"]
    pd.testing.assert_frame_equal(found["frame"], frame)
    pd.testing.assert_series_equal(found["series"], series)
    pd.testing.assert_frame_equal(
        there_and_back(frame.xs("A")), frame.xs("A"), check_names=False
    )


def test_empty_frames_stay_frames():
    assert there_and_back(pd.DataFrame()).empty
    rows = there_and_back(pd.DataFrame(columns=["low", "high"], dtype=float))
    assert [*rows.columns] == ["low", "high"] and rows.empty


def test_maps_have_four_digits_and_other_numbers_six():
    """Digits beyond are noise of a training, and most of a file's bytes."""
    number = 1.23456789
    assert encode(np.array([[number]])) == [[1.235]] and encode(np.array([number])) == [1.23457]
    assert encode(number) == encode(np.float32(number)) == 1.23457
    assert encode(np.int64(7)) == 7 and type(encode(np.int64(7))) is int
    assert encode(12345678) == 12345678, "counts are exact"


def test_missing_values_are_null_and_infinite_ones_are_refused():
    """JSON has neither; a reader in another language would stop at the word NaN."""
    holes = np.array([[1.0, np.nan], [0.0, 2.0]])
    assert encode(holes) == [[1.0, None], [0.0, 2.0]]
    np.testing.assert_array_equal(there_and_back(holes), holes)
    with pytest.raises(ValueError):
        json.dumps(encode(np.array([np.inf])), allow_nan=False)
