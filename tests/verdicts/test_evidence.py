"""Which records are evidence for which row of a table."""

import sys
from dataclasses import replace

import pytest

from stflow_lib import runs
from stflow_lib.runs import RowTable, store
from stflow_lib.verdicts.judge import judge

ORDER = "o1,toy,S,order,A below B,any,100,NOISE,COLLAPSES,rmse,,"


NUMBER = "n1,toy,S,number,A is 2,TaxiBJ-P1,100,NOISE,,rmse,2.0,0.1"


def test_smoke_records_are_no_evidence(book, put):
    book(ORDER)
    put("NOISE", [2.0, 5.0, 3.0], profile="smoke")
    put("COLLAPSES", [9.0, 9.2, 9.8], profile="smoke", notes={})
    assert judge("toy")["verdict"].tolist() == ["not run"]


def test_collapsed_runs_are_left_out_and_counted(book, put, toy):
    book(ORDER)
    put("NOISE", [2.0, 2.1, 1.9])
    put("COLLAPSES", [3.0, 90.0, 3.1])  # the toy reports a collapse for seed 1
    store.write(
        toy.run("COLLAPSES", seed=1),
        store.read(toy.run("COLLAPSES", seed=1)) | {"notes": {"collapsed": True}},
    )
    row = judge("toy").iloc[0]
    assert row.n == 2 and row.ours == pytest.approx(1.1)
    assert row.note == "about 3 seeds would settle it; 1 failed run(s) left out"


def test_a_methods_row_with_anothers_runs_is_that_method(book, put, toy):
    """RegionTrans without a day is Finetuned: its claims are judged by Finetuned's records."""
    book(NUMBER.replace("NOISE", "COLLAPSES"))
    shared = [toy.run("NOISE", city="taxibj-p1")]
    rows = lambda profile: {"COLLAPSES": shared} if profile == "lab" else {}
    sys.modules["stflow_lib.toy"].TABLES = {"table1": RowTable(rows)}
    put("NOISE", [2.05], city="taxibj-p1")
    row = judge("toy").iloc[0]
    assert (row.n, row.ours) == (1, 2.05)


def test_planned_settings_are_the_methods_own_and_ablations_are_not_mixed_in(book, put, toy):
    """An ablation's record under the same method name must not enter the comparison."""
    book(NUMBER)
    own = toy.run(city="taxibj-p1", offset=3.0)
    sys.modules["stflow_lib.toy"].TABLES = {
        "table1": lambda profile: [own] if profile == "lab" else []
    }
    put("NOISE", [2.0, 2.0], city="taxibj-p1")
    store.write(own, runs.ensure(own) | {"metric_rmse": 7.0, "epochs": 5})
    row = judge("toy").iloc[0]
    assert (row.n, row.ours) == (1, 7.0)


def test_rows_of_a_table_are_compared_by_their_names(book, plan, store_values, toy):
    """Two settings of one method: by the method's name they would be one row, or none."""
    book("o1,toy,S,order,A below B,any,100,table7:a,table7:b,rmse,,")
    a, b = ([toy.run(seed=s, offset=x) for s in range(3)] for x in (3.0, 4.0))
    plan(table7={"a": a, "b": b})
    store_values(a, [2.0, 5.0, 3.0])
    store_values(b, [3.0, 6.2, 3.8])
    row = judge("toy").iloc[0]
    assert (row.verdict, row.n, row.ours) == ("confirmed", 3, pytest.approx(1.0))


def test_a_claim_is_judged_where_both_methods_are_planned(book, plan, toy):
    """A city that the comparison leaves out on purpose is no open question."""
    book("o1,toy,S,order,A below B,any,100,NOISE,table7:b,rmse,,")
    both = [toy.run(city=c) for c in ("here", "there")]
    plan(table3={"NOISE": both}, table7={"b": [toy.run(city="here", offset=4.0)]})
    assert judge("toy")["city"].tolist() == ["here"]


def test_what_knows_no_source_stands_beside_every_transfer_into_its_city(book, put):
    """ST-net runs on the target alone, so under its own city it would never meet STBaT."""
    book(ORDER)
    put("NOISE", [2.0, 5.0, 3.0], city="near>town")
    put("COLLAPSES", [3.0, 6.2, 3.8], city="town", notes={})
    judged = judge("toy")
    assert judged["city"].tolist() == ["near>town"]
    assert judged["verdict"].tolist() == ["confirmed"] and judged["ours"][0] == pytest.approx(1)


def test_another_protocol_is_no_substitute_for_a_missing_run(
    book, put, plan, store_values, toy
):
    """The control with random POI is STBaT too, but not the STBaT of the table."""
    book(ORDER)
    own = [toy.run(seed=seed) for seed in range(3)]
    control = [replace(run, protocol=f"{run.protocol}-random") for run in own]
    plan(table2={"own": own}, poi={"random": control})
    store_values(control, [2.0, 5.0, 3.0])
    put("COLLAPSES", [3.0, 6.2, 3.8], notes={})
    assert judge("toy")["verdict"].tolist() == ["not run"]


def test_a_mean_over_sets_needs_all_of_them_at_the_same_seed(book, put):
    """The mean of three of the four periods is another number than the printed one."""
    book(NUMBER.replace("TaxiBJ-P1", "TaxiBJ-avg"), NUMBER.replace("n1", "n2"))
    for n, value in enumerate([1.0, 2.0, 3.0], start=1):
        put("NOISE", [value, 9.0], city=f"taxibj-p{n}")
    assert judge("toy")["verdict"].tolist() == ["needs data that cannot be had", "open"]
    put("NOISE", [2.2], city="taxibj-p4")
    row = judge("toy").iloc[0]
    assert (row.n, row.city, row.profile) == (1, "taxibj-avg", "lab")
    assert (row.verdict, row.so_far, row.ours) == ("one seed", "confirmed", pytest.approx(2.05))
