"""Gains over a row in words: beside each its verdict, and a reason where there is none."""

from stflow_lib.book import tables
from stflow_lib.book.verdict_table import verdicts_table


def test_a_comparison_without_runs_says_so(recorded):
    """An empty cell would look like a gain of nothing."""
    rows = {
        name: [recorded(name, city, errors and {"mae": errors, "rmse": 1.0}, 0, amount)
               for amount, errors in found.items()]
        for name, city, found in (("base", "c", {"1": 4.0, "3": 2.0}),
                                  ("A", "a>c", {"1": 3.0, "3": None}))
    }  # fmt: skip
    judged = tables.compare(rows, {"A": ("A", "base")}, ["mae"])
    wide = verdicts_table(judged, rows, "base", ["mae"])
    assert wide.loc["A"].to_dict() == {
        ("MAE", "c", "1"): "+25.0, one seed", ("MAE", "c", "3"): "not run"
    }  # fmt: skip
    gaps = {"base": rows["base"], "A": [recorded("B", "a>c", None, 0, "1")]}
    empty = verdicts_table(judged.head(0), gaps, "base", ["mae"])
    assert set(empty.loc["A"]) == {"not run"}


def test_a_difference_that_cannot_be_taken_says_why(recorded):
    """A method that is recorded was said not to be run where the base has failed."""
    failed = {"notes": {"collapsed": True}}

    def row(name, *places):
        return [recorded(name, "c", errors, seed, amount, **notes)
                for amount, errors, seed, notes in places]  # fmt: skip

    good = {"mae": 1.0}
    rows = {
        "base": row("base", ("1", good, 0, failed), ("3", good, 0, {}), ("7", None, 0, {})),
        "A": row("A", ("1", good, 0, {}), ("3", good, 0, failed), ("7", good, 0, {})),
        "B": row("B", ("1", None, 0, {}), ("3", good, 1, {}), ("7", None, 0, {})),
    }
    judged = tables.compare(rows, {n: (n, "base") for n in "AB"}, ["mae"])
    wide = verdicts_table(judged, rows, "base", ["mae"])
    assert wide.loc["A"].tolist() == ["base failed", "failed", "base not run"]
    assert wide.loc["B"].tolist() == ["not run", "no seed of both", "not run"]
