"""Who has left the last value: validation and test apart, and what no record says."""

import pytest

from stflow_lib import runs
from stflow_lib.book.plots.speedgraph import left
from stflow_lib.book.plots.transfers import in_words

RULE = {"rule_valid_error": {"Last value": 2.0}}


def case(record):
    return in_words(record["scarcity"])


@pytest.fixture
def rows(recorded):
    """Net learns six hours by heart; Old has no validation error; Bad fails; None is not run."""

    def row(name, city, errors, epochs=5):
        made = [recorded(name, city, e and {"mae": e}, 0, amount, epochs=epochs)
                for amount, e in zip(("3", "0.25"), errors, strict=True)]  # fmt: skip
        for record in runs.records(made):
            record |= (
                {} if name == "Old" else RULE | {"valid_error": 9.0 if "Bad" == name else 1.0}
            )
        return made

    return {"Last value": row("Last value", "c", (3.0, 3.0), 0), "Net": row("Net", "c", (2.0, 4.0)),
            "Old": row("Old", "a>c", (2.0, None)), "Bad": row("Bad", "a>c", (9.0, 9.0)),
            "None": row("None", "c", (None, None))}  # fmt: skip


def test_who_leaves_the_last_value_is_told_for_either_part(rows):
    """Six hours learned by heart are below the rule on validation, and above it on test."""
    table = left.left_table(rows, rows["Last value"], case)
    assert [*table.index] == ["Net", "Old", "Bad"]
    assert table.loc["Net"].to_dict() == {
        ("validation", "6 hours"): "1 of 1", ("validation", "3 days"): "1 of 1",
        ("test", "6 hours"): "0 of 1", ("test", "3 days"): "1 of 1",
    }  # fmt: skip
    assert table.loc["Bad"].tolist() == ["0 of 1"] * 4
    assert table.loc["Old"].tolist() == ["not run", "-", "not run", "1 of 1"]
    part = rows | {"Bad": rows["Bad"][:1]}
    table = left.left_table(part, rows["Last value"], case)
    assert table.loc["Bad"].tolist() == ["-", "0 of 1", "-", "0 of 1"]  # shown elsewhere


def test_without_a_record_of_the_rule_nothing_is_said_of_test_days(rows, capsys):
    table = left.left_table({"Net": rows["Net"]}, rows["None"], case)
    assert [*table] == [("validation", "6 hours"), ("validation", "3 days")]
    left.show_left(rows, rows["Last value"], case, "Days of c")
    assert "Days of c: trainings with an MAE below the last value's" in capsys.readouterr().out
    left.show_left({"None": rows["None"]}, rows["Last value"], case, "Days of c")
    assert not capsys.readouterr().out


def test_failed_trainings_are_told_one_by_one(rows, capsys):
    for record in runs.records(rows["Bad"]):
        record["notes"]["collapsed"] = True
    (low,) = [r for r in runs.records(rows["Bad"]) if r["scarcity"] == "0.25"]
    low["metric_mae"] = 1.5
    found = left.failed_table(rows, rows["Last value"], case)
    assert found.loc[("Bad", "3 days", 0)].tolist() == pytest.approx([9, 200, 9, 350])
    assert found.loc[("Bad", "6 hours", 0)].tolist() == pytest.approx([1.5, -50, 9, 350])
    assert len(found) == 2
    left.show_failed(rows, rows["Last value"], case, "Days of c")
    assert "on the test days: 3 days: 0 of 1; 6 hours: 1 of 1." in capsys.readouterr().out
    left.show_failed({"Net": rows["Net"]}, rows["Last value"], case, "Days of c")
    assert not capsys.readouterr().out
