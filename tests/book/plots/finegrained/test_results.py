"""Layout of the result page: what is printed is what hand-made records hold."""

import pandas as pd
import pytest

from stflow_lib.book.plots.finegrained import results

RECORD = {"method": "HA", "city": "c", "scarcity": "20", "seed": 1, "metric_conservation": 0.5,
          "metric_dead_blocks": 0.25, "notes": {}}  # fmt: skip


@pytest.fixture
def group(recorded):
    """Two seeds of HA with errors of 4 and 6, MAE half of it."""
    return [
        recorded("HA", "c", {"rmse": e, "mae": e / 2}, s, "20") for s, e in enumerate((4, 6))
    ]


def test_settings_are_named_in_words():
    table = results.settings_table({"HA": {}, "VDSR": {"layers": 8, "training": {"epochs": 1}}})
    assert table["method"].tolist() == ["HA", "VDSR"]
    assert table.iloc[:, 1].tolist() == ["nothing", "layers 8, training {epochs: 1}"]


def test_paper_table_without_runs_is_the_printed_one(capsys):
    results.show_paper_table("3", [], ["rmse"])
    said = capsys.readouterr().out
    assert said.startswith("Table 3: RMSE") and "TaxiBJ-P1 (paper)" in said and "SRCNN" in said
    assert said.endswith("[no runs behind this table]\n")


def test_gains_are_percent_of_the_others_mean_error(group):
    row = {"city": "c", "fraction": "20", "other": "HA", "metric": "rmse", "ours": 1.0,
           "interval_low": 0.5, "interval_high": 1.5, "so_far": "confirmed"}  # fmt: skip
    gains = results.gains_in_percent(pd.DataFrame([row]), group)
    assert gains[["gain", "low", "high"]].values.tolist() == [[20, 10, 30]]
    assert results.gains_in_percent(pd.DataFrame([row])[:0], group).columns.tolist() == [
        *results.GAINS
    ]


def test_gains_table_keeps_the_order_of_methods_and_says_confirmed():
    rows = [("c", "20 %", "HA", "rmse", 1.0, 0.5, 1.5, "confirmed"),
            ("c", "20 %", "FODE", "rmse", -1.0, -2.0, 0.5, "open")]  # fmt: skip
    table = results.gains_table(
        pd.DataFrame(rows, columns=results.GAINS), ["MEAN", "HA", "FODE"]
    )
    assert table["c", "20 %"].to_dict() == {
        "HA": "+1.0 [+0.5, +1.5] yes", "FODE": "-1.0 [-2.0, +0.5] open"}  # fmt: skip


def test_who_is_ahead_of_urbanstc_is_named_by_place_and_metric():
    """Places come in any order, and one lacks a metric: no name may move to another cell."""
    places = [("z", "20 %", "rmse"), ("a", "20 %", "rmse"), ("z", "100 %", "rmse"),
              ("a", "20 %", "mae"), ("z", "20 %", "mae")]  # fmt: skip
    words = ("opposite", "open", "confirmed")
    rows = [(*place[:2], f"{'-'.join(place)}, {word}", place[2], -1.0, -2.0, -0.5, word)
            for place in places for word in words]  # fmt: skip
    table = results.ahead_of_urbanstc(pd.DataFrame(rows, columns=results.GAINS))
    for city, fraction, metric in places:
        found = table.loc[(city, fraction), metric.upper()]
        assert found == f"{city}-{fraction}-{metric}, opposite"
    assert [*table.index] == [("z", "20 %"), ("a", "20 %"), ("z", "100 %")]
    nobody = pd.DataFrame(rows, columns=results.GAINS).query("so_far == 'open'")
    assert results.ahead_of_urbanstc(nobody).loc[("a", "20 %")].tolist() == ["none", "none"]
    assert results.ahead_of_urbanstc(pd.DataFrame(columns=results.GAINS)).empty


def test_budget_table_leaves_out_what_has_not_run(group, recorded):
    groups = {"HA, 1 x": group, "one seed": group[:1], "HA, 4 x": [recorded("HA", "d", None)]}
    table = results.budget_table(groups, ["rmse", "mae"])
    assert table["RMSE"].to_dict() == {
        "HA, 1 x": "5.000 ± 1.414 (n=2)",
        "one seed": "4.000 (n=1)",
    }
    assert table.at["one seed", "MAE"] == "2.000 (n=1)"


def test_collapsed_runs_are_named_and_kept_in_the_frame():
    records = [RECORD, RECORD | {"seed": 2, "notes": {"collapsed": True}}]
    frame = results.conservation_frame(records)
    assert frame["collapsed"].tolist() == [False, True]
    assert frame.iloc[0].tolist() == ["HA", "c", 0.5, 0.25, False]
    assert results.collapsed(records) == "HA on c, 20 %, seed 2"
    assert results.collapsed([RECORD]) == "none"
