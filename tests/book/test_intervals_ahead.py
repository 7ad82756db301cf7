"""Tables and sentences of intervals by time ahead."""

import pandas as pd
import pytest

from stflow_lib.book import intervals_ahead
from stflow_lib.book.intervals_ahead import (
    CALIBRATED,
    COLUMNS,
    OURS,
    QUANTILES,
    in_full,
    inside,
    ratio,
    read,
    renew,
    said,
    show,
    show_at,
    sides,
)


def rows(city: str, ours: float, share: float, times: tuple[int, ...] = (60, 10)) -> list[dict]:
    """Scores of ours at each time ahead beside 10 and 5 of its rivals."""
    scores = {OURS: ours, QUANTILES: 10.0, CALIBRATED: 5.0}
    return [{"city": city, "scarcity": "3", "ahead": ahead, "method": name, "score": score,
             "inside": share if name == OURS else 0.5}
            for ahead in times for name, score in scores.items()]  # fmt: skip


@pytest.fixture
def found():
    return pd.DataFrame(rows("b", 8.0, 0.9) + rows("a", 15.0, 0.8), columns=COLUMNS)


def test_a_row_for_each_place_and_a_column_for_each_time(found):
    held = inside(found, "min")
    assert held.to_numpy().tolist() == [[90, 90], [80, 80]]
    assert sorted(held.columns) == ["10 min", "60 min"] and [*held.index] == [
        ("b", "3"),
        ("a", "3"),
    ]
    assert (inside(found, "min", QUANTILES) == 50).all(axis=None)
    assert ratio(found, "min").to_numpy().tolist() == [[0.8, 0.8], [1.5, 1.5]]
    assert ratio(found, "min", CALIBRATED).to_numpy().tolist() == [[1.6, 1.6], [3, 3]]


def test_what_is_said(found):
    assert said(found, "min", "a day", "all", "town").startswith(
        "With a day, 90 % intervals of Boosted line hold 80.0 to 90.0 % of all; of 2 towns 88 to "
        "92 % in 1 at "
    )
    one = said(found[found["city"] == "a"], "min", "a day", "all", "town")
    assert "of 1 town 88 to 92 % in 0 at " in one
    assert "below that of quantiles of trees in 0 of 2 settings (ratio 1.50 to 1.50)." in one


def test_places_that_are_renewed_stand_in_order(tmp_path):
    path = tmp_path / "table.csv"
    assert read(path).empty and [*read(path).columns] == COLUMNS
    for city, ours in (("b", 1.0), ("a", 2.0), ("b", 3.0)):
        renew(path, city, rows(city, ours, 0.9))
    own = read(path)[lambda table: table["method"] == OURS]
    assert own[["city", "ahead", "score"]].to_numpy().tolist() == [
        ["a", 10, 2.0], ["a", 60, 2.0], ["b", 10, 3.0], ["b", 60, 3.0]
    ]  # fmt: skip
    assert (own["scarcity"] == "3").all()


def test_five_tables_are_shown_or_none(found, monkeypatch):
    titles = []
    monkeypatch.setattr(
        intervals_ahead, "show_table", lambda frame, title, **_: titles.append(title)
    )
    show(found[:0], "min")
    assert not titles
    show(found, "min", OURS, OURS, "Not measured")
    assert len(titles) == 8 and titles.count(f"90 % intervals of {QUANTILES}: inside, %") == 1
    titles.clear()
    show(found, "min")
    assert len(titles) == 5 and f"90 % intervals of {CALIBRATED}: inside, %" in titles


def test_one_time_ahead_has_every_method_where_all_are_measured(found, monkeypatch):
    tables = []
    monkeypatch.setattr(
        intervals_ahead, "show_table", lambda frame, *_, **__: tables.append(frame)
    )
    more = pd.DataFrame(rows("b", 8.0, 0.9, (10,)), columns=COLUMNS).query("method == @OURS")
    show_at(
        pd.concat([found, more.assign(method="Other", score=3.0)]), 10, "mph", "Ten minutes"
    )
    (table,) = tables
    assert [*table.index] == [("b", "3 days")]
    assert table["inside, %"].iloc[0].to_dict() == {
        OURS: 90,
        QUANTILES: 50,
        CALIBRATED: 50,
        "Other": 90,
    }
    assert table["interval score, mph"].iloc[0].tolist() == [8, 10, 5, 3]
    show_at(found, 30, "mph", "Half an hour")
    assert len(tables) == 1


def test_places_are_named_as_people_read_them_the_least_data_first():
    wide = pd.DataFrame({"x": [1, 2, 3]}, index=[("b>a", "3"), ("b>a", "0.25"), ("a", "0")])
    assert [*in_full(wide).index] == [
        ("b → a", "6 hours"),
        ("b → a", "3 days"),
        ("a", "no day"),
    ]
    assert in_full(wide)["x"].tolist() == [2, 1, 3]


def test_each_method_says_on_which_side_the_truth_fell():
    """Trees without a day can be wrong on one side where a line is wrong on neither."""
    place = {"city": "b", "ahead": 1}
    found = pd.DataFrame([
        place | {"scarcity": "3", "method": OURS, "above": 0.1, "below": 0.02},
        place | {"scarcity": "0", "method": OURS, "above": 0.021, "below": 0.007},
        place | {"scarcity": "0", "method": QUANTILES, "above": 0.104, "below": 0.2238},
        {"city": "a", "ahead": 1, "scarcity": "0", "method": OURS, "above": 1, "below": 0},
    ])  # fmt: skip
    assert sides(found, "b", 1, "h") == [
        "b, 1 h ahead, no day: above and below the intervals of Boosted line 2.1 and 0.7 %; "
        "quantiles of trees 10.4 and 22.4 %.",
        "b, 1 h ahead, 3 days: above and below the intervals of Boosted line 10.0 and 2.0 %.",
    ]
