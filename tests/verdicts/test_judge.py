"""Verdicts: hand-made records with known means, differences and intervals give known verdicts."""

import sys

import numpy as np
import pytest

from stflow_lib.runs import store
from stflow_lib.verdicts import claims
from stflow_lib.verdicts.judge import judge

ORDER = "o1,toy,S,order,A below B,any,100,NOISE,COLLAPSES,rmse,,"


TREND = "t1,toy,S,trend,more with less,any,20>100,NOISE,COLLAPSES,rmse,,"


NUMBER = "n1,toy,S,number,A is 2,TaxiBJ-P1,100,NOISE,,rmse,2.0,0.1"


GAIN = "g1,toy,S,gain,A gains 10,TaxiBJ-P1,100,NOISE,second best,rmse,10,1"


def test_order_needs_the_whole_interval_above_zero(book, put):
    """Paired differences 1.0, 1.2, 0.8: t interval 1 +- 4.303 * 0.2 / sqrt 3, above zero."""
    book(ORDER)
    put("NOISE", [2.0, 5.0, 3.0])
    put("COLLAPSES", [3.0, 6.2, 3.8], notes={})
    row = judge("toy").iloc[0]
    assert (row.verdict, row.city, row.profile, row.n) == ("confirmed", "toytown", "lab", 3)
    assert row.ours == pytest.approx(1.0)
    assert row.interval_low == pytest.approx(1 - 4.302653 * 0.2 / 3**0.5, abs=1e-5)
    assert row.interval_high == pytest.approx(1 + 4.302653 * 0.2 / 3**0.5, abs=1e-5)


@pytest.mark.parametrize("theirs", [[2.5, 5.5, 2.9], [1.0, 4.0, 2.0]])
def test_order_that_is_unsure_or_reversed_is_not_confirmed(book, theirs, put):
    book(ORDER)
    put("NOISE", [2.0, 5.0, 3.0])
    put("COLLAPSES", theirs, notes={})
    assert judge("toy").iloc[0].verdict == "not confirmed"


def test_a_method_without_training_is_paired_with_every_seed(book, put):
    """HA is run once; comparing only at its seed would leave one pair and no interval."""
    book(ORDER)
    put("NOISE", [2.0, 2.1, 1.9])
    put("COLLAPSES", [3.0], epochs=0, notes={})
    row = judge("toy").iloc[0]
    assert (row.n, row.verdict) == (3, "confirmed")


def test_one_seed_is_not_enough_for_an_order(book, put):
    book(ORDER)
    put("NOISE", [2.0])
    put("COLLAPSES", [3.0], notes={})
    row = judge("toy").iloc[0]
    assert (row.verdict, row.note) == ("not run", "one seed has no interval")


def test_without_records_everything_is_not_run(book):
    book(ORDER, TREND, NUMBER, GAIN)
    judged = judge("toy")
    assert set(judged["verdict"]) == {"not run"} and judged["ours"].isna().all()
    assert judged["city"].tolist() == ["", "", "taxibj-p1", "taxibj-p1"]


def test_a_number_is_never_judged_by_another_city(book, put):
    """The right number on the wrong city is a coincidence."""
    book(NUMBER, GAIN)
    put("NOISE", [2.0, 2.0], city="taxi-sf-64")
    put("COLLAPSES", [2.2, 2.2], city="taxi-sf-64", notes={})
    assert judge("toy")["verdict"].tolist() == ["not run", "not run"]


@pytest.mark.parametrize("value, verdict", [(2.09, "confirmed"), (2.2, "not confirmed")])
def test_number_within_tolerance(book, value, verdict, put):
    book(NUMBER)
    put("NOISE", [value - 0.3, value + 0.3], city="taxibj-p1", profile="paper")
    row = judge("toy").iloc[0]
    assert row.verdict == verdict and row.ours == pytest.approx(value)
    assert row.interval_low < row.ours < row.interval_high


def test_gain_is_against_the_best_of_the_others(book, put, toy):
    book(GAIN)
    methods = sys.modules["stflow_lib.toy"].METHODS
    methods["WEAK"] = toy.Method("WEAK", toy.Settings, toy.fit_noise)
    put("WEAK", [3.6], city="taxibj-p1")
    put("NOISE", [1.8], city="taxibj-p1")
    put("COLLAPSES", [2.0], city="taxibj-p1", notes={})
    row = judge("toy").iloc[0]
    assert row.ours == pytest.approx(10) and (row.verdict, row.note) == (
        "confirmed",
        "COLLAPSES",
    )


def test_trend_compares_percent_at_the_same_seeds(book, put):
    book(TREND)
    put("NOISE", [8.0, 7.9, 8.1], scarcity="20")
    put("COLLAPSES", [10.0, 10.0, 10.0], scarcity="20", notes={})
    put("NOISE", [0.95, 0.95, 0.95])
    put("COLLAPSES", [1.0, 1.0, 1.0], notes={})
    row = judge("toy").iloc[0]
    assert row.ours == pytest.approx(15) and row.verdict == "confirmed"


def test_an_order_may_hold_between_two_amounts_of_data(book, put):
    """3<0: three days against none. Compared at one amount a method is as good as itself."""
    book(
        ORDER.replace(",100,", ",3<0,").replace("COLLAPSES", "NOISE"),
        TREND.replace("20>100", "3<0>30<3").replace("COLLAPSES", "NOISE"),
    )
    for days, values in {"0": [8.0, 8.1], "3": [4.0, 4.1], "30": [3.9, 4.0]}.items():
        put("NOISE", values, scarcity=days)
    order, trend = judge("toy").itertuples()
    assert (order.verdict, order.ours) == ("confirmed", pytest.approx(4.0))
    falls = [100 * (4 / 8 - 0.1 / 4), 100 * (4 / 8.1 - 0.1 / 4.1)]
    assert (trend.n, trend.ours) == (2, pytest.approx(np.mean(falls)))


def test_the_second_best_is_printed_in_the_paper(book, put, toy):
    """A rule that we put into the paper's table is not what its gain is against."""
    book(GAIN)
    head, rows = "table,method,metric,value", ("NOISE,rmse,1", "COLLAPSES,rmse,2")
    lines = [head, *(f"Table 3,{row}" for row in rows), ""]
    (claims.FOLDER / "reported_toy.csv").write_text("\n".join(lines))
    put("NOISE", [1.8], city="taxibj-p1")
    put("COLLAPSES", [2.0], city="taxibj-p1", notes={})
    rule = toy.run("NAN", "taxibj-p1")
    found = {"method": "NAN", "key": rule.key, "metric_rmse": 1.0}
    store.write(rule, store.read(toy.run("COLLAPSES", "taxibj-p1")) | found)
    assert judge("toy").iloc[0]["note"] == "COLLAPSES"


def test_the_second_best_is_one_of_the_claims_own_table(book, put, plan, store_values, toy):
    """Beyond the paper something may be better: the paper's gain is not against that."""
    book(GAIN.replace(",S,", ",Table 3,"))
    city = {"city": "taxibj-p1"}
    plan(
        table3={"all": [toy.run(**city), toy.run("COLLAPSES", **city)]},
        beyond={"ours": [toy.run("NAN", **city)]},
        table7={"a": [toy.run(offset=3.0, **city)]},
    )
    put("NOISE", [1.8], **city)
    put("COLLAPSES", [2.0], notes={}, **city)
    store_values([toy.run(offset=3.0, **city)], [1.5])
    better = toy.run("NAN", **city)
    found = {"method": "NAN", "key": better.key, "metric_rmse": 1.0}
    store.write(better, store.read(toy.run("COLLAPSES", **city)) | found)
    row = judge("toy").iloc[0]
    assert (row.note, row.ours) == ("COLLAPSES", pytest.approx(10))


def test_a_gain_may_name_the_row_it_is_against(book, plan, store_values, toy):
    book("g1,toy,Table 8,gain,A gains 50,TaxiBJ-P1,100,table8:a,table8:b,rmse,50,1")
    a, b, c = ([toy.run(city="taxibj-p1", offset=x)] for x in (3.0, 4.0, 5.0))
    plan(table8={"a": a, "b": b, "c": c})
    for row, value in ((a, 2.0), (b, 4.0), (c, 2.1)):
        store_values(row, [value])
    row = judge("toy").iloc[0]
    assert (row.verdict, row.ours, row.note) == ("confirmed", 50, "table8:b")


def test_parameters_are_counted_as_the_papers_do(book, put):
    """The paper's millions are 2^20; with 10^6 every count would be five percent off."""
    book("n1,toy,S,number,A has 3 M,TaxiBJ-P1,100,NOISE,,params_m,3.0,0.006")
    put("NOISE", [2.0], city="taxibj-p1", parameters=3 * 2**20)
    row = judge("toy").iloc[0]
    assert (row.verdict, row.ours) == ("confirmed", 3.0)
