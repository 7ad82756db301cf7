"""Scarcity: a record's case from its name, means of the right runs, orders and losses."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib import runs
from stflow_lib.book.plots.speedgraph import sources_and_days as scarce


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def frame():
    rows = [("Target only", "a day", "", 0, 4.0, 5.0), ("TSJT", "a day", "", 0, 3.0, 5.0),
            ("Target only", "all", "1", 0, 2.0, 5.0), ("Target only", "all", "2", 0, 4.0, 5.0),
            ("TSJT", "all", "1", 0, 3.3, 5.0)]  # fmt: skip
    return pd.DataFrame(rows, columns=["method", "case", "draw", "seed", "mae", "rmse"])


@pytest.mark.parametrize(
    "case, record, words",
    [(scarce.days_of, {"scarcity": "0.25"}, "6 hours"),
     (scarce.sensors_of, {"protocol": "P10-sensors8-draw1"}, "8 sensors"),
     (scarce.sensors_of, {"protocol": "P10-change1"}, "all sensors"),
     (scarce.first_day_of, {"protocol": "P10-every4-from1"}, "from day 2"),
     (scarce.first_day_of, {"protocol": "P10"}, "from day 1"),
     (scarce.sources_of, {"city": "a+b>c"}, "a + b")],
)  # fmt: skip
def test_case_of_a_record(case, record, words):
    assert case(record) == words


def test_records_become_rows_and_collapsed_ones_do_not(recorded):
    good = recorded("A", "x>y", {"mae": 1.0, "rmse": 2.0}, 3)
    bad = recorded("A", "x>y", {"mae": 9.0, "rmse": 9.0}, 4, notes={"collapsed": True})
    other = recorded("B", "z>y", {"mae": 3.0, "rmse": 4.0})
    found = scarce.errors_by_case(scarce.sources_of, {"A": [good, bad]}, {"B": [other]})
    assert found.to_numpy().tolist() == [
        ["A", "x", "", 3, 1.0, 2.0],
        ["B", "z", "", 0, 3.0, 4.0],
    ]


def test_means_and_gains_over_the_target_alone(frame, capsys):
    means = scarce.mean_errors(frame)
    assert means.loc["Target only"].tolist() == [4.0, 3.0] and [*means] == ["a day", "all"]
    scarce.show_means(frame, "Days of y", "mph")
    out = capsys.readouterr().out
    assert "Days of y, MAE (mph)" in out and out.endswith("TSJT    +25.0  -65.0\n")
    scarce.show_means(frame.head(0), "Days of y", "mph")
    assert capsys.readouterr().out == "Days of y: nothing recorded yet\n"


def test_gains_are_over_the_draws_that_both_have(frame):
    """A failed draw of the one left the other's mean over three draws beside one over two."""
    more = [
        ("TSJT", "all", "2", 0, 3.0, 5.0),
        ("TSJT", "all", "3", 0, 99.0, 5.0),
        ("Trees", "b", "", 0, 1.0, 1.0),
    ]
    frame = pd.concat([frame, pd.DataFrame(more, columns=frame.columns)])
    found = scarce.gains_over_alone(frame)
    assert found.loc["TSJT"].to_dict() == {
        "a day": "+25.0 (n=1)",
        "all": "-5.0 (n=2)",
        "b": "-",
    }
    assert [*found.index] == ["TSJT"]
    assert scarce.gains_over_alone(frame[frame["method"] == "TSJT"]).empty


def test_a_panel_for_each_case_and_a_point_for_each_run(frame):
    figure = scarce.cases_figure(frame, "mph", "Days of y")
    day, whole = figure.axes
    assert figure.get_suptitle() == "Days of y"
    assert (day.get_xlabel(), whole.get_xlabel()) == ("a day: MAE (mph)", "all: MAE (mph)")
    assert [points.get_offsets()[:, 0].tolist() for points in whole.collections] == [
        [2.0, 4.0], [3.3]]  # fmt: skip
    assert scarce.cases_figure(frame.head(0), "mph", "t") is None


def test_an_order_that_turns_is_told(frame):
    assert scarce.other_order(frame) == (
        "Other order than a day, and how far apart: all: TSJT and Target only (10.0 %)."
    )
    assert scarce.other_order(frame.replace(3.3, 2.9)) == "a day has the order of all others."


def test_an_order_is_that_of_methods_with_every_case(frame):
    """Trees that are recorded in the first case alone made every order another one."""
    more = [("Trees", "a day", "", 0, 1.0, 5.0)]
    frame = pd.concat([frame.replace(3.3, 2.9), pd.DataFrame(more, columns=frame.columns)])
    assert scarce.other_order(frame) == "a day has the order of all others."


def test_fewer_sources_beside_all_of_them(capsys):
    rows = [
        ("TSJT", "a", "", 0, 3.3, 0.0),
        ("TSJT", "b", "", 0, 3.0, 0.0),
        ("TSJT", "a + b", "", 0, 3.0, 0.0),
    ]
    frame = pd.DataFrame(rows, columns=["method", "case", "draw", "seed", "mae", "rmse"])
    scarce.show_sources(frame, "a + b", "y", "mph")
    out = capsys.readouterr().out
    assert "Sources of y, MAE (mph)" in out and "10.0" in out
    assert out.endswith("Mean change of the error with fewer sources: TSJT +5.0 %.\n")
    scarce.show_sources(frame.head(0), "a + b", "y", "mph")
    assert not capsys.readouterr().out


@pytest.fixture
def amounts(recorded):
    """The last value, a network that left it on validation alone, and one that is not run."""
    last, net, none = (
        [recorded(name, "c", error and {"mae": error, "rmse": error}, 0, amount, epochs=epochs)
         for amount, error in zip(("3", "0.25"), errors, strict=True)]
        for name, errors, epochs in (("Last value", (3.0, 3.0), 0), ("Net", (2.0, 4.0), 5),
                                     ("None", (None, None), 5))
    )  # fmt: skip
    for record in runs.records(net):
        record |= {"valid_error": 1.0, "rule_valid_error": {"Last value": 2.0}}
        record |= {"fit_seconds": 7.0, "parameters": 9}
    for record in runs.records(last):
        record |= {"fit_seconds": 0.0, "parameters": 0}
    return {"Last value": last, "Target only": net, "None": none}


def test_amounts_stand_in_order_and_gaps_are_named(amounts):
    table = scarce.amounts_table(amounts, "mae")
    assert [*table] == ["6 hours", "3 days"]
    assert table.loc["Target only"].tolist() == ["4.00", "2.00"]
    assert table.loc["None"].tolist() == ["not run"] * 2


def test_the_main_table_has_errors_gains_who_left_and_cost(amounts, capsys):
    scarce.show_scarcity(amounts, "Days of c", "mph")
    out = capsys.readouterr().out
    for words in ("MAE (mph)", "RMSE (mph)", "below target only", "+25.0, one seed",
                  "Not run: None", "below the last value's", "seconds to fit"):  # fmt: skip
        assert words in out, words
    scarce.show_scarcity({"None": amounts["None"]}, "Days of c", "mph")
    assert capsys.readouterr().out == "Days of c: not run; 2 runs are planned.\n"


def test_what_borrowing_is_worth_is_said_by_amount(amounts):
    """The page's first lines named the best row, and not what its title asks."""
    rows = {**amounts, "Joint": amounts["Last value"]}
    gains, alone = scarce.worth(rows, ["Joint"], "c")
    assert gains == (
        "Joint on c, MAE below that of Target only, %: 6 hours +25.0, one seed; "
        "3 days -50.0, one seed."
    )
    assert (
        alone == "Target only on c has an MAE above that of the last value itself with 6 hours."
    )
    assert len(scarce.worth(rows | {"Last value": rows["Target only"]}, ["Joint"], "c")) == 1


def test_methods_are_compared_over_the_seeds_that_all_have(recorded):
    """One seed of Joint was compared with a mean of Target only that held another, worse one.

    And one row with a single seed made every comparison one of that seed.
    """

    def row(name, *errors, epochs=5):
        return [recorded(name, "c", error and {"mae": error, "rmse": 10 - error}, seed, "1",
                         epochs=epochs) for seed, error in enumerate(errors)]  # fmt: skip

    rows = {"Last value": row("Last value", 3.5, epochs=0), "Target only": row("T", 3.0, 9.0),
            "Joint": row("J", 3.1, None), "None": row("N", None, None)}  # fmt: skip
    means, seeds = scarce.common_means(rows, "1")
    assert means.to_dict() == {"Last value": 3.5, "Target only": 6.0}
    assert seeds == [0, 1]
    mae, rmse = scarce.extremes_by_amount(rows, "there", "mph")
    assert mae == (
        "MAE there, 1 day of data, 2 methods, 2 common seeds (left out, with fewer: "
        "Joint): lowest for Last value (3.5 mph), highest for Target only (6 mph)."
    )
    assert "RMSE there" in rmse and "lowest for Target only (4 mph), highest for Last" in rmse
    apart = {"A": row("A", 3.0, None), "B": row("B", None, 3.0)}
    assert scarce.common_means(apart, "1")[0].to_dict() == {"A": 3.0}
    said = scarce.extremes_by_amount({"None": rows["None"]}, "there", "mph")
    assert all(sentence.endswith("nothing is recorded yet.") for sentence in said)
