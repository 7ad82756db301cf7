"""Claims and printed numbers: what the book carries over is what the papers say."""

import importlib
import importlib.util
import re

import pandas as pd
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.runs.pair import target_of
from stflow_lib.verdicts import claims
from stflow_lib.verdicts.claims import (
    PAPERS,
    SECOND,
    UNSTATED,
    reported,
)

ORDER = "o1,toy,S,order,A below B,any,100,NOISE,COLLAPSES,rmse,,"


TREND = "t1,toy,S,trend,more with less,any,20>100,NOISE,COLLAPSES,rmse,,"


NUMBER = "n1,toy,S,number,A is 2,TaxiBJ-P1,100,NOISE,,rmse,2.0,0.1"


@pytest.mark.parametrize(
    "row, words",
    [
        (ORDER.replace("order", "rank"), "kind 'rank'"),
        (ORDER.replace(",any,", ",TaxiBJ-P1,"), "judged on any city"),
        (NUMBER.replace("TaxiBJ-P1", "taxi-sf-64"), "'taxi-sf-64' is not the paper's"),
        (NUMBER.replace(",0.1", ","), "tolerance ''"),
        (ORDER + "0.1", "tolerance '0.1'"),
        (f"{ORDER}\n{ORDER}", "line 3: id o1 twice"),
        (
            ORDER.replace("NOISE", "NOIZE"),
            "line 2, o1: method 'NOIZE' is unknown, there is ['NOI",
        ),
        (ORDER.replace("NOISE", ""), "method '' is unknown"),
        (ORDER.replace("NOISE", "second best"), "method 'second best'"),
        (ORDER.replace("COLLAPSES", "COLLAPSE"), "other 'COLLAPSE'"),
        (ORDER.replace("COLLAPSES", "second best"), "other 'second best'"),
        (ORDER.replace("COLLAPSES", ""), "other ''"),
        (ORDER.replace("COLLAPSES", "table7:b"), "other 'table7:b'"),
        (NUMBER.replace(",,rmse", ",NOISE,rmse"), "other 'NOISE'"),
        (NUMBER.replace("rmse", "rsme"), "metric 'rsme' is unknown, there is ['rmse']"),
        (NUMBER.replace("rmse", ""), "metric ''"),
        (NUMBER.replace(",100,", ",1OO,"), "fraction '1OO' with kind number"),
        (NUMBER.replace(",100,", ",,"), "fraction ''"),
        (NUMBER.replace(",100,", ",3<0,"), "fraction '3<0' with kind number"),
        (NUMBER.replace(",100,", ",10,"), "fraction '10' is neither printed nor planned"),
        (ORDER.replace(",100,", ",20>100,"), "fraction '20>100' with kind order"),
        (TREND.replace("20>100", "100"), "fraction '100' with kind trend"),
        (TREND.replace("20>100", "20>10"), "fraction '10' is neither"),
        (NUMBER.replace("0.1", "-0.1"), "tolerance -0.1 is negative"),
        (NUMBER.replace("0.1", "nan"), "tolerance 'nan' is no number"),
        (NUMBER.replace("0.1", "inf"), "tolerance 'inf' is no number"),
        (NUMBER.replace("2.0,", "two,"), "value 'two' is no number"),
        (NUMBER.replace("2.0,", "nan,"), "value 'nan' is no number"),
        (NUMBER.replace("2.0,", "-2.0,"), "value -2.0 is negative"),
        (NUMBER.replace("n1,toy", "n1,tsjt"), "paper 'tsjt'"),
        (NUMBER.replace("n1,", ","), "id is empty"),
        (NUMBER.replace("A is 2", ""), "statement is empty"),
        (NUMBER + ",", "line 2: 13 fields, the header has 12"),
        (NUMBER.replace(",0.1", ""), "line 2: 11 fields"),
        ("=======", "line 2: a merge conflict"),
    ],
)
def test_a_bad_row_is_named(book, row, words, toy, plan):
    """A typing error would stay "not run" for ever, or be confirmed by any number."""
    plan(table1={"all": [toy.run(scarcity=amount) for amount in ("20", "100")]})
    book(row)
    with pytest.raises(DataError, match="toy.csv") as error:
        claims.claims("toy")
    assert words in str(error.value)


@pytest.mark.parametrize(
    "row, words",
    [("NOISE,rmse,1.5.2", "line 2: value '1.5.2' is no number"),
     ("NOISE,rmse,inf", "line 2: value 'inf'"), ("NOISE,rmse,1,5", "line 2: 5 fields")],
)  # fmt: skip
def test_a_printed_number_that_is_none_is_named(book, row, words):
    (claims.FOLDER / "reported_toy.csv").write_text(f"table,method,metric,value\nT,{row}\n")
    with pytest.raises(DataError, match="reported_toy.csv") as error:
        reported("toy")
    assert words in str(error.value)


PRINTED_AS = {"UrbanFM+E": "UrbanFM", "FODE+E": "FODE", "UrbanSTC+E": "fine_tuning"}


def test_the_books_claims_repeat_the_printed_numbers():
    """A typing error in a claim would confirm or refute what the paper never said."""
    printed = reported("urbanstc")
    gain = printed["table"].str.endswith("_delta")
    printed["table"] = printed["table"].str.removesuffix("_delta")
    printed["metric"] = printed["metric"].str.removesuffix("_gain_pct")
    printed["method"] = printed["method"].str.replace("_vs_.*", "", regex=True)
    keys = ["table", "dataset", "fraction", "method", "metric"]
    known = {
        True: printed[gain].set_index(keys)["value"],
        False: printed[~gain].set_index(keys)["value"],
    }
    stated = claims.claims("urbanstc")
    stated = stated[stated["kind"].isin(["number", "gain"])]
    for row in stated.itertuples():
        table, method = row.source.removeprefix("Table "), row.method.rpartition(":")[2]
        if row.metric == "params_m":  # printed for the networks with external factors
            method = PRINTED_AS.get(method, method)
        place = (table, row.dataset, row.fraction, method, row.metric)
        assert known[row.kind == "gain"][place] == row.value, row.id
        assert row.value in map(float, re.findall(r"\d+\.\d+", row.statement)), row.id
    assert stated["kind"].value_counts().to_dict() == {"number": 250, "gain": 76}


def test_stbats_claims_repeat_the_printed_numbers():
    """Every error of Table 2 but the one that its text lacks, Table 3, and every percentage."""
    printed = reported("stbat")
    place = ["table", "dataset", "fraction", "method", "metric"]
    printed = printed[printed["table"].isin(["Table 2", "Table 3"])].dropna(subset="value")
    printed.loc[printed["table"] == "Table 3", ["dataset", "fraction"]] = UNSTATED, "3"
    stated = claims.claims("stbat")
    gain = stated["kind"].eq("gain") & stated["source"].eq("Table 2")
    stated.loc[gain, "method"] = "improvement_of_STBaT"
    stated.loc[gain, "metric"] += "_pct"
    stated = stated[stated["kind"].eq("number") | gain].rename(columns={"source": "table"})
    same = printed.merge(stated, on=place, suffixes=("", "_claimed"))
    assert len(same) == len(stated) == len(printed) == 227 + 32 + 8
    assert same["value"].eq(same["value_claimed"]).all()
    for row in same.itertuples():
        assert row.value in map(float, re.findall(r"\d+\.\d+", row.statement)), row.id


def test_printed_gains_of_stbat_follow_from_its_errors_but_for_two():
    """A claim says so itself where the percentage does not belong to the printed errors."""
    printed, stated = reported("stbat"), claims.claims("stbat")
    for row in stated[stated["kind"].eq("gain") & stated["source"].eq("Table 2")].itertuples():
        alone = target_of(row.dataset)
        cell = printed["dataset"].isin([row.dataset, f"{row.dataset.split()[0]} {alone}"])
        cell &= printed["fraction"].eq(row.fraction) & printed["metric"].eq(row.metric)
        errors = printed[cell].set_index("method")["value"]
        gain = 100 * (1 - errors["STBaT"] / errors.drop("STBaT").min())
        assert (abs(gain - row.value) < 0.1) != ("its own errors" in row.statement), row.id
    assert stated["statement"].str.contains("its own errors").sum() == 2


def test_table3s_ratios_are_those_of_its_numbers():
    printed = reported("stbat", "Table 3").set_index(["method", "metric"])["value"]
    frame = claims.claims("stbat")
    for row in frame[frame["id"].str.contains("ratio")].itertuples():
        ratio = printed[row.method, row.metric] / printed[row.other, row.metric]
        assert row.value == pytest.approx(100 * (1 - ratio), abs=0.05), row.id
        assert f"{ratio:.2f} times" in row.statement


@pytest.mark.parametrize("wing", ["finegrained", "gridflow", "speedgraph"])
def test_the_books_claims_name_what_the_wing_has(wing):
    """A misspelt row or method would stay "not run" for ever."""
    package = importlib.import_module(f"stflow_lib.{wing}")
    names = set(package.METHODS) | {"", SECOND}
    for table, planned in package.TABLES.items():
        rows = planned.rows("paper") if hasattr(planned, "rows") else {}
        names |= {f"{table}:{label}" for label in rows}
    frame = claims.claims(PAPERS[wing])
    assert not {*frame["method"], *frame["other"]} - names


def test_acceptance_numbers_of_mean():
    """Spec of the data: MEAN has no parameter, so it must come out to the last digit."""
    frame = claims.claims("urbanstc")
    mean = frame[frame["method"] == "MEAN"]
    assert mean["tolerance"].tolist() == [0.001] * 14
    got = mean[mean["metric"] == "rmse"].set_index("dataset")["value"].to_dict()
    assert got == {
        "TaxiBJ-P1": 20.918,
        "TaxiBJ-P2": 26.729,
        "TaxiBJ-P3": 27.442,
        "TaxiBJ-P4": 19.049,
        "BikeNYC": 3.776,
    }


@pytest.mark.parametrize("paper, rows", [("urbanstc", 1193), ("stbat", 283), ("tsjt", 502)])
def test_all_printed_numbers_are_carried_over(paper, rows):
    frame = reported(paper)
    assert len(frame) == rows and pd.api.types.is_float_dtype(frame["value"])


def test_printed_numbers_are_read_once_and_never_shared(tmp_path, monkeypatch):
    """Judging asks for them a hundred times; who changes a table changes only a copy."""
    monkeypatch.setattr(claims, "FOLDER", tmp_path)
    path = tmp_path / "reported_p.csv"
    path.write_text("table,method,metric,value\n3,HA,rmse,1.5\n")
    first = claims.reported("p")
    first["value"] = 0.0
    monkeypatch.setattr(claims, "rows", None)  # nothing is read again
    assert claims.reported("p")["value"].tolist() == [1.5]
    assert claims.reported("p", "3")["method"].tolist() == ["HA"]
