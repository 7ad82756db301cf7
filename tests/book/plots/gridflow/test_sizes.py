"""Two schedules on one page: nothing recorded is hidden, and they are never mixed."""

from types import SimpleNamespace

import pandas as pd
import pytest

from stflow_lib.book.plots.gridflow import sizes
from stflow_lib.book.tables import compare
from stflow_lib.gridflow.plan import Plan
from stflow_lib.runs import RowTable


def test_a_row_that_only_the_short_schedule_has_is_shown(recorded, capsys):
    """One pair of two trained to the end hid what the short schedule had of the other."""
    sound = {"rmse": 1.0, "mae": 0.5}
    here, there = recorded("A", "x>y", sound), recorded("A", "v>w", None)
    early = [recorded("A", "x>y", {"rmse": 2.0, "mae": 1.0}, seed=5),
             recorded("A", "v>w", {"rmse": 7.0, "mae": 6.0}, seed=5)]  # fmt: skip
    table = RowTable(lambda p: {"A": early if p == "lab" else [here, there]})
    assert sizes.rest(table, "bench", "bench") == {"A": early[1:]}
    assert sizes.rest(table, "bench", "lab") == {"A": [here]}
    assert sizes.rest(table, "lab", "lab") == {}
    sizes.show_rest(table, "bench", "bench", "Table")
    out = capsys.readouterr().out
    assert "v → w" in out and "7.000" in out and "2.000" not in out


def test_what_table_2_has_is_not_shown_once_more(recorded, monkeypatch):
    run = recorded("A", "x>y", {"rmse": 1.0, "mae": 0.5})
    monkeypatch.setattr(sizes, "TABLES", {"table2": RowTable(lambda _: {"A": [run]})})
    table = RowTable(lambda p: {"again": [run], "other": [recorded("A", "x>y", None, 3)]})
    assert sizes.rest(table, "bench", "lab") == {}


@pytest.fixture
def sides(recorded):
    """STBaT and Finetuned: long with three days on x>y, short with three and none there and on
    v>w."""
    long = {name: [recorded(name, "x>y", {"rmse": 1.0})] for name in ("STBaT", "Finetuned")}
    short = {
        name: [
            recorded(name, city, {"rmse": 2.0}, seed=7, scarcity=amount)
            for city in ("x>y", "v>w")
            for amount in ("3", "0")
        ]
        for name in long
    }
    return long, short


def test_cases_of_the_short_schedule_hold_what_the_other_lacks(sides):
    found = sizes.cases(*sides, ["x>y", "v>w", "t>u"])
    brief = {pair: f"{pair}, {sizes.BRIEF}" for pair in ("x>y", "v>w")}
    assert list(found) == ["x>y", brief["x>y"], brief["v>w"], "t>u"]
    amounts = {name: [run.scarcity for run in case[0]] for name, case in found.items()}
    assert amounts == {brief["x>y"]: ["0"], "x>y": ["3"], brief["v>w"]: ["3", "0"], "t>u": []}


def test_comparisons_that_are_there_already_are_left_out(sides):
    first, second = (compare(rows, {"F": ("STBaT", "Finetuned")}, ["rmse"]) for rows in sides)
    left = sizes.not_in(second, first)
    places = set(left[["city", "scarcity"]].itertuples(index=False, name=None))
    assert len(second) == 4 and places == {("x>y", "0"), ("v>w", "3"), ("v>w", "0")}
    none = sizes.not_in(pd.DataFrame(columns=first.columns), first)
    assert none.empty and [*none.columns] == [*first.columns]


@pytest.mark.parametrize(
    "every, keeps, text",
    [(5, True, ""), (1, True, ""), (6, True, "4 of 24 hours"), (12, False, "2 of 24 hours"),
     (5, False, "Profile lab: fine-tuning could not leave a network as it came.")],
)  # fmt: skip
def test_a_choice_on_part_of_the_clock_is_said(monkeypatch, every, keeps, text):
    """Five has no factor in common with 24, so every fifth hour sees all of the day."""
    stage = SimpleNamespace(valid_every=every, keep_start=keeps)
    settings = SimpleNamespace(source=SimpleNamespace(valid_every=1), target=stage)
    monkeypatch.setattr(Plan, "settings", lambda plan, method: settings)
    said = sizes.choices(Plan.of("lab"))
    assert (text in said) and bool(said) == bool(text)
    assert ("as it came" in said) == (not keeps)


def test_the_bench_schedule_chooses_on_all_hours(capsys):
    sizes.show_choices(["bench", "bench"])
    assert capsys.readouterr().out == ""
    sizes.show_choices(["lab", "bench"])
    assert "4 of 24 hours of the day" in capsys.readouterr().out
