"""Pretexts against none: gaps are said, gains stand in their place, sentences count claims."""

import re

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib import runs
from stflow_lib.book.plots.finegrained import subsets
from stflow_lib.finegrained.ablations import CONTROL
from stflow_lib.verdicts.claims import claims


@pytest.fixture
def rows(recorded):
    """Two rows with two seeds, the second the control, and a row without a record."""

    def make(method, error, stages):
        errors = {m: error for m in ("rmse", "mae", "mape")}
        group = [recorded(method, "c", errors | {"rmse": error + s}, s, "20") for s in (0, 1)]
        for record in runs.records(group):
            record["stages"] = {name: {"steps": n} for name, n in stages.items()}
        return group

    return {
        "reg": make("A", 3.0, {"fit": 100, "reg": 30}),
        "inf": [recorded("C", "c", None, 0, "20")],
        CONTROL: make("B", 4.0, {"fit": 100}),
    }


def test_steps_of_all_stages_are_added(rows):
    """Two stages that cost more steps than one must not look as long as it."""
    table = subsets.steps(rows)
    assert table.loc["reg", ("c", "20 %")] == 130 and table.loc[CONTROL, ("c", "20 %")] == 100
    assert "inf" not in table.index


def test_the_figure_has_one_bar_for_each_recorded_row(rows, capsys):
    subsets.show_gains_over_none(rows, subsets.gains_over_none(rows))
    (axis,) = plt.gcf().axes
    assert [t.get_text() for t in axis.get_yticklabels()] == ["reg, c, 20 %"]
    said = capsys.readouterr().out
    assert "Not run: inf" in said and "+22.2 [" in said  # 1 of 4.5
    subsets.show_errors(rows)
    assert "Not run: inf" in capsys.readouterr().out


def test_a_sentence_counts_the_verdicts_of_its_claims():
    ids = [
        "order.table7.reg+inf-tcs.rmse",
        "order.table7.reg+inf-reg.rmse",
        "order.table7.inf.mae",
    ]
    judged = pd.DataFrame({"id": ids, "city": "c",
                           "verdict": ["open", "not run", "confirmed"]})  # fmt: skip
    two, _, one, *_ = subsets.sentences_table(judged)["c"]
    assert (two, one) == ("open 1, not run 1", "confirmed 1")


def test_every_order_of_these_figures_belongs_to_one_sentence():
    """A claim that no sentence counts, or that two do, would be missed or counted twice."""
    known = claims("urbanstc")
    orders = known[known["kind"].eq("order") & ~known["source"].isin(["Table 8", "Table 9"])]
    counts = [
        sum(bool(re.match(ids, name)) for ids in subsets.SENTENCES.values())
        for name in orders["id"]
    ]
    assert set(counts) == {1}
    pairs = orders["id"].str.match(next(iter(subsets.SENTENCES.values())))
    assert pairs.sum() == 3 * 3 * 2  # pairs, single pretexts, RMSE and MAE
