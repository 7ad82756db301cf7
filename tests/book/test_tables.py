"""Result tables: rows meet by seed, text keeps its signs, gaps are counted."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book import tables
from stflow_lib.runs import RowTable

NAN = float("nan")


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


@pytest.fixture
def rows(recorded):
    """Two rows of three seeds each on one pair, the second twice as wrong, and an empty one."""
    return {
        "A": [recorded("A", "x>y", {"rmse": 1 + s / 10, "mae": 1.0}, s) for s in range(3)],
        "B": [recorded("B", "x>y", {"rmse": 2.0, "mae": 2.0}, s) for s in range(3)],
        "C": [recorded("C", "x>y", None)],
    }


def test_gaps_are_counted_for_each_table(rows, capsys):
    """A page that is silent about a gap shows a mean of fewer runs as if it were whole."""
    tables.fill({"one": rows, "two": {"A": rows["A"]}}, train_missing=False)
    one, two = capsys.readouterr().out.splitlines()
    assert one == "one: 1 of 7 runs have no record and are gaps below"
    assert two == "two: all 3 runs are recorded"


def test_missing_runs_are_computed_only_when_wanted(rows, capsys, monkeypatch):
    computed = []
    monkeypatch.setattr(tables.runs.execute, "ensure", computed.append)
    tables.fill({"one": rows}, train_missing=False)
    assert not computed
    tables.fill({"one": rows}, train_missing=True)
    assert computed == rows["C"]
    assert "7 runs, 1 of them computed on this page" in capsys.readouterr().out


def test_a_short_schedule_is_left_where_nothing_longer_is_recorded(recorded):
    """Row by row, city by city, amount by amount; what is not recorded at all is no answer."""
    place = {"city": "x>y", "errors": {"rmse": 1.0}}
    longer = {"A": [recorded("A", **place)], "B": [recorded("B", "x>y", None)]}
    here, there = recorded("A", **place, seed=1), recorded("A", **place, scarcity="0")
    other, gap = recorded("B", **place, seed=1), recorded("C", "x>y", None)
    short = {"A": [here, there], "B": [other], "C": [gap]}
    assert tables.without_record(short, longer) == {"A": [there], "B": [other]}


@pytest.mark.parametrize("known, profile", [("AB", "bench"), ("A", "lab"), ("", "lab")])
def test_a_table_is_shown_at_the_size_that_has_most_of_its_rows(recorded, known, profile):
    """Half is not most: three points of a figure of six are no figure."""
    rows = {name: [recorded(name, "x>y", {"rmse": 1.0} if name in known else None)]
            for name in ("A", "B")}  # fmt: skip
    assert tables.longest_recorded(RowTable(lambda _: rows), "bench") == profile


def test_one_city_of_a_row_is_not_the_row(recorded):
    """A row with a record on one pair of four counted as known, and hid the table of the other."""
    rows = {name: [recorded(name, city, {"rmse": 1.0} if city == "w>z" else None)
                   for city in ("w>z", "x>z", "y>z", "v>z")] for name in ("A", "B")}  # fmt: skip
    assert tables.longest_recorded(RowTable(lambda _: rows), "bench") == "lab"


def test_provenance_counts_the_records_of_all_rows(rows, capsys):
    tables.show_provenance(rows)
    assert capsys.readouterr().out.startswith("[6 runs · profile lab · cpu")


def test_what_knows_no_source_stands_at_every_pair(recorded):
    """A rule fitted on the target alone is a bar for each of its sources."""
    group = [recorded("R", "y", {"rmse": 3.0}), recorded("R", "z", {"rmse": 4.0}),
             recorded("R", "x>y", {"rmse": 5.0}, 1),
             recorded("R", "y", {"rmse": 6.0}, scarcity="0")]  # fmt: skip
    assert tables.by_seed(group, "x>y", "3", "rmse").tolist() == [3.0, 5.0]
    assert tables.by_seed(group, "w>z", "3", "rmse").tolist() == [4.0]


def test_comparisons_are_named_and_paired_by_seed(rows):
    judged = tables.compare(rows, tables.below([("A", "B")]), ["rmse", "mae"])
    assert judged["label"].tolist() == ["A below B, RMSE", "A below B, MAE"]
    assert judged["row"].tolist() == ["A below B"] * 2 and judged["n"].tolist() == [3, 3]
    assert judged["gain"].tolist() == pytest.approx([45, 50])
    assert judged["so_far"].tolist() == ["confirmed", "confirmed"]


@pytest.mark.parametrize("pair", [("A", "C"), ("C", "A"), ("A", "not planned")])
def test_rows_without_records_are_no_comparison(rows, pair):
    judged = tables.compare(rows, tables.below([pair]), ["rmse"])
    assert judged.empty and {"row", "label", "gain", "verdict"} <= set(judged)


@pytest.mark.parametrize(
    "gain, low, high, so_far, text",
    [(1.23, 0.4, 2.06, "confirmed", "+1.2 [+0.4, +2.1] yes"),
     (-1.0, -2.0, -0.5, "opposite", "-1.0 [-2.0, -0.5] opposite"),
     (0.0, -2.0, 2.0, "open", "+0.0 [-2.0, +2.0] open"),
     (0.0, -0.5, 0.5, "equal within 1 %", "+0.0 [-0.5, +0.5] equal"),
     (2.0, NAN, NAN, "", "+2.0")],
)  # fmt: skip
def test_a_gain_says_what_it_allows(gain, low, high, so_far, text):
    """A number without its interval would read like a finding."""
    row = SimpleNamespace(gain=gain, low=low, high=high, so_far=so_far)
    assert tables.judged_text(row) == text
    assert text.startswith(tables.gain_text(row))


def test_verdicts_are_counted_of_all():
    judged = pd.DataFrame({"verdict": ["confirmed", "open", "confirmed"]}).assign(so_far="open")
    assert tables.count_verdicts(judged) == "confirmed: 2 of 3; open: 1 of 3"
    early = pd.DataFrame({"verdict": ["not converged"] * 3 + ["one seed"],
                          "so_far": ["open", "opposite", "open", ""]})  # fmt: skip
    want = "not converged: 3 of 4; one seed: 1 of 4; so far: open 2, opposite 1"
    assert tables.count_verdicts(early) == want


def test_gains_lie_under_their_task(rows, capsys):
    """Columns in another order than their cells would give one city another's gain."""
    judged = tables.compare(rows, {"B": ("A", "B")}, ["rmse"])
    other = judged.assign(city="v>w", gain=-7.0, low=NAN, high=NAN, so_far="")
    tables.show_gains(pd.concat([judged, other]), "below")
    caption, task, line = capsys.readouterr().out.splitlines()
    assert caption == "below, RMSE, 3 days of target data, %; confirmed?"
    assert task.index("x → y") < task.index("v → w")
    assert line.split() == ["B", "+45.0", "[+32.6,", "+57.4]", "yes", "-7.0"]


def test_gains_of_each_amount_of_data_are_a_table(rows, capsys, monkeypatch):
    """Tasks times amounts are more columns than a screen holds; one table at a time is read."""
    monkeypatch.setattr(tables, "show_table", lambda frame, title, folded: print(
        [*frame.columns], title.split(", ")[2], bool(folded)))  # fmt: skip
    judged = tables.compare(rows, {"B": ("A", "B")}, ["rmse"])
    tables.show_gains(pd.concat([judged, judged.assign(scarcity="0")]), "below")
    assert capsys.readouterr().out.splitlines() == [
        "['x → y'] 3 days of target data False",
        "['x → y'] no day of target data True",
    ]


def test_comparisons_end_in_one_sentence(rows, capsys):
    tables.show_comparisons(tables.compare(rows, tables.below([("A", "B")]), ["rmse"]))
    out = capsys.readouterr().out
    half = 4.302653 * 5 / 3**0.5  # of gains 50, 45 and 40 %
    assert f"a gain must exceed about {half:.1f} %" in out
    assert out.splitlines()[-1] == "not converged: 1 of 1; so far: confirmed 1"
    assert plt.gcf().axes[0].get_title() == "Paired differences with 95 % intervals"


def test_without_an_interval_nothing_is_drawn(capsys):
    tables.show_comparisons(pd.DataFrame())
    assert capsys.readouterr().out == "No pair of runs to compare yet.\n"
    names = ["label", "gain", "low", "high", "n", "so_far", "verdict"]
    single = pd.DataFrame([("a", 1.0, np.nan, np.nan, 1, "", "one seed")], columns=names)
    tables.show_comparisons(single)
    assert not plt.get_fignums() and "one seed: 1 of 1" in capsys.readouterr().out


def test_costs_are_medians_of_what_is_recorded(monkeypatch, capsys):
    """One long fit on a busy machine says nothing of a method."""
    monkeypatch.setattr(tables.runs, "records", list)
    group = [{"fit_seconds": seconds, "parameters": 7} for seconds in (1.0, 500.0, 3.0)]
    tables.show_costs({"A": group, "B": []}, "cost")
    *_, line = capsys.readouterr().out.splitlines()
    assert line.split() == ["A", "3", "7"]


def test_failed_trainings_are_named_under_the_table(rows, recorded, capsys):
    """A method that is in no mean looks as if nobody had tried it."""
    failed = recorded("F", "x>y", {"rmse": 9.0}, notes={"collapsed": True})
    fine = recorded("F", "x>y", {"rmse": 7.0}, 1)
    assert tables.failures(rows | {"F": [failed, fine]}) == ["F 1 of 2"]
    tables.show_provenance({"F": [failed, fine]})
    assert capsys.readouterr().out.endswith("which no mean counts: F 1 of 2.\n")
    tables.show_provenance(rows)
    assert "Failed" not in capsys.readouterr().out
    assert tables.all_errors([failed, fine], "rmse").tolist() == [9.0, 7.0]


def test_rows_of_older_code_are_named_under_the_table(rows, recorded, capsys):
    old, new = (recorded("F", "x>y", {"rmse": 7.0}, seed) for seed in (0, 1))
    next(iter(tables.runs.records([old])))["stale"] = True
    tables.show_provenance(rows | {"F": [old, new]})
    assert capsys.readouterr().out.endswith("have changed since they were made: F 1 of 2.\n")
    tables.show_provenance({"F": [new]})
    assert "Stale" not in capsys.readouterr().out


def test_live_rows_are_trained_and_labelled(rows, recorded, capsys, monkeypatch):
    """Shown without its label, an error at smoke size reads like a result."""
    trained = []
    monkeypatch.setattr(tables.runs, "compute_missing", trained.extend)
    failed = recorded("F", "x>y", {"rmse": 9.0}, notes={"collapsed": True}, scarcity="0")
    tables.show_live({"A": rows["A"], "F": [failed]}, ["rmse"])
    assert trained == [*rows["A"], failed]
    caption, *_, first, last = capsys.readouterr().out.splitlines()
    assert caption == f"{tables.LIVE}, RMSE" and "simulated cities, smoke size" in caption
    assert first.split() == ["A", "1.100", "-"] and last.split() == ["F", "-", "9.000"]


def test_units_need_no_data(monkeypatch, tmp_path):
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    assert tables.unit_of("la+san-diego>aarhus") == "km/h" and tables.unit_of("la") == "mph"


def test_cities_that_are_not_here_are_named_once(monkeypatch, tmp_path):
    """Simulated cities have no files and are always here."""
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    pairs = ["jonas-nyc-taxi>jonas-dc-taxi", "jonas-dc-taxi>jonas-nyc-taxi", "sim-grid-a>la"]
    assert tables.not_here(pairs) == ["jonas-nyc-taxi", "jonas-dc-taxi", "la"]
    assert tables.not_here(["sim-grid-a>sim-grid-c"]) == []
