"""Measurements by city: older rows of the same city go, those of others stay."""

import pandas as pd
import pytest

from stflow_lib.book.by_city import read, renew


def test_rows_of_a_city_are_renewed_and_others_stay_in_order(tmp_path):
    path = tmp_path / "scores.csv"
    assert list(read(path, ["city", "score"])) == ["city", "score"] and not len(read(path, []))
    for city, scores in (("b", [2.0]), ("a", [1.0, 3.0]), ("b", [0.123456])):
        renew(path, city, pd.DataFrame({"city": city, "score": scores}))
    assert read(path, []).to_numpy().tolist() == [["a", 1.0], ["a", 3.0], ["b", 0.1235]]


def test_amounts_of_data_are_words(tmp_path):
    """As in the records, so that rows can be joined."""
    path = tmp_path / "scores.csv"
    rows = pd.DataFrame({"city": "a", "scarcity": ["20", "100"], "score": 1.0})
    renew(path, "a", rows, ("city", "scarcity"))
    assert read(path, [])["scarcity"].tolist() == ["100", "20"]


@pytest.mark.parametrize("lacking", ["city", "score"])
def test_an_order_by_a_column_that_is_not_there_writes_nothing(tmp_path, lacking):
    rows = pd.DataFrame({"city": ["a"], "score": [1.0]}).drop(columns=lacking)
    with pytest.raises(KeyError):
        renew(tmp_path / "scores.csv", "a", rows, ("city", "score"))
    assert not (tmp_path / "scores.csv").exists()
