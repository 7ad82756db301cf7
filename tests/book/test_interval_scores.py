"""Intervals beside those of rules: the best rule of a city, and rows that are measured anew."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book import interval_scores
from stflow_lib.book.interval_scores import (
    CITIES,
    OWN,
    RULES,
    beside_rules,
    main,
    measured,
    said,
    shown,
    table,
)
from stflow_lib.data import catalog, load


def rows():
    """Two cities with two rules each; `b` is beaten by a rule."""
    return pd.DataFrame(
        [("a", OWN, "Trees", 0.90, 8.0), ("a", "x", "x", 0.8, 12.0), ("a", "y", "y", 0.7, 10.0),
         ("b", OWN, "x", 0.84, 6.0), ("b", "x", "x", 0.9, 5.0), ("b", "y", "y", 0.9, 7.0)],
        columns=["city", "asked", "method", "inside", "score"],
    ).assign(kind="grid", seconds=1.0)  # fmt: skip


def test_each_city_stands_beside_its_best_rule():
    found = beside_rules(rows())
    assert found["rule_method"].tolist() == ["y", "x"]
    assert found["ratio"].tolist() == [0.8, 1.2]
    assert said("grid", rows()) == (
        "In 1 of 2 cities the 90 % intervals hold 85 to 95 % of what came; their score is below "
        "that of every rule in 1."
    )
    assert shown("grid", rows())["inside (%)"].tolist() == [90, 84]
    assert shown("graph", rows()).empty
    assert said("graph", rows()) == "Nothing was measured yet."


def test_a_city_that_is_measured_again_replaces_its_rows(tmp_path, monkeypatch):
    again = {"city": "a", "asked": OWN, "method": "Linear", "inside": 0.91234, "score": 7.0}
    monkeypatch.setattr(interval_scores, "load", lambda name: name)
    monkeypatch.setattr(interval_scores, "measured", lambda city: [{**again, "city": city}])
    path = tmp_path / "scores.csv"
    main(["a"], path)
    assert table(path)["inside"].tolist() == [0.9123]
    rows().to_csv(path, index=False)
    main(["a"], path)
    assert table(path)["city"].tolist() == ["a"] + ["b"] * 3
    assert table(path)["method"].tolist()[:2] == ["Linear", "x"]


@pytest.mark.parametrize("name, rule", [("sim-grid-a", "Previous hour"), ("sim-speed-a", "HA")])
def test_rows_of_a_city(name, rule):
    """Every forecast lies in the last fifth, and a truth is below, inside or above."""
    (row,) = measured(load(name), (rule,))
    assert row["city"] == name and row["method"] == row["asked"] == rule
    assert np.isclose(row["below"] + row["inside"] + row["above"], 1)
    assert row["n"] > 1000 and row["score"] >= row["width"]


def test_cities_are_those_of_the_catalogue_and_rules_those_of_the_wings():
    kinds = catalog()["kind"]
    for kind, names in CITIES.items():
        assert (kinds[list(names)] == kind).all()
    assert "Yesterday" in RULES["grid"] and "Last value" in RULES["graph"]


def test_the_published_table_has_a_row_of_its_own_and_of_rules_for_each_city():
    found = table()
    if found.empty:
        pytest.skip("nothing was measured")
    for city, part in found.groupby("city"):
        assert (part["asked"] == OWN).sum() == 1 and len(part) > 2, city
        assert part["seconds"].max() < 300 and set(part["kind"]) <= set(CITIES)


def test_intervals_hold_and_cost_less_than_those_of_rules_in_every_city():
    found = table()
    if found.empty:
        pytest.skip("nothing was measured")
    rows = beside_rules(found)
    assert set(rows.index) == {name for names in CITIES.values() for name in names}
    assert rows["inside"].between(0.85, 0.95).all() and (rows["ratio"] < 1).all()
