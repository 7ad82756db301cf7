"""The question on Graph WaveNet: right with few rows, with none, and with all of them."""

import pytest

from stflow_lib import runs
from stflow_lib.book.plots.speedgraph import waves
from stflow_lib.speedgraph import TABLES

ERRORS = {"TSJT": 2.0, "w/o TSB": None, "Target only": 4.0, "Joint": 5.0}
PAIR = "san-diego>la"


@pytest.fixture
def made(recorded):
    def make(errors):
        rows = {
            name: [recorded(name, "la" if name == "Target only" else PAIR,
                            error and {"mae": error + s, "rmse": 2 * error + s}, s)
                   for s in (0, 1)]
            for name, error in errors.items()
        }  # fmt: skip
        rule = [recorded("Last value", "la", {"mae": 4.5, "rmse": 9.0}, epochs=0)]
        for record in [r for g in (*rows.values(), rule) for r in runs.records(g)]:
            record |= {f"part_min{m}_{e}": 1.0 for m in (10, 30, 60) for e in ("mae", "rmse")}
        return rows, {"Last value": rule}

    return make


def test_rows_of_the_page_are_those_of_the_table():
    assert {waves.WHOLE, waves.ALONE} <= TABLES["waves"].rows("bench").keys()


def test_each_target_has_errors_gains_and_who_left(made, capsys):
    rows, beside = made(ERRORS)
    waves.show_waves(rows, beside, [PAIR], "bench")
    out = capsys.readouterr().out
    for words in ("three days, mph (profile bench)", "Not run: w/o TSB", "target alone, %",
                  "Error of TSJT below the other's, MAE", "1 of 2", "2 of 2"):  # fmt: skip
        assert words in out, words
    said = waves.finding(rows, "bench")
    assert [sentence.split()[0] for sentence in said] == ["MAE", "RMSE"]
    assert all(
        "(profile bench): clearly lower in" in s and "of 2 comparisons" in s for s in said
    )


def test_nothing_recorded_is_said(made, capsys):
    rows, beside = made(dict.fromkeys(ERRORS))
    waves.show_waves(rows, beside, [PAIR], "bench")
    assert capsys.readouterr().out == "Graph WaveNet: not run; 8 runs are planned.\n"
    assert all("to compare is recorded yet" in said for said in waves.finding(rows, "bench"))
