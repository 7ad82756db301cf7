"""What follows from a paper's printed numbers alone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stflow_lib.verdicts.claims import claims, reported
from stflow_lib.verdicts.printed import parameter_count, printed_gain, printed_numbers


def order(fraction="3"):
    return SimpleNamespace(method="A", other="B", metric="rmse", fraction=fraction)


def numbers(*rows):
    names = ["dataset", "fraction", "method", "value"]
    frame = pd.DataFrame(rows, columns=names).assign(kind="number", metric="rmse")
    other = frame.assign(kind="order", value=0.0)  # no printed number
    return printed_numbers(pd.concat([frame, other]))


def test_the_mean_over_data_sets_that_print_both():
    found = numbers(
        ("x", "3", "A", 9.0), ("x", "3", "B", 10.0), ("y", "3", "A", 7.0), ("y", "3", "B", 10.0),
        ("z", "3", "A", 1.0), ("x", "0", "B", 18.0),
    )  # fmt: skip
    assert printed_gain(found, order()) == pytest.approx(20)
    assert printed_gain(found, order("3<0")) == pytest.approx(50)
    assert np.isnan(printed_gain(found, order("30")))


def test_what_knows_no_source_stands_beside_every_transfer():
    found = numbers(
        ("bike NY>DC", "3", "A", 9.0), ("bike CHI>DC", "3", "A", 8.0), ("bike DC", "3", "B", 10.0)
    )  # fmt: skip
    assert printed_gain(found, order()) == pytest.approx(15)


@pytest.mark.parametrize("metric, percent", [("rmse", 8.26), ("mae", 19.46)])
def test_stbats_printed_means(metric, percent):
    """Against fine-tuning with three days: the mean of Table 2's eight transfers."""
    table = reported("stbat", "Table 2").query("metric == @metric and fraction == '3'")
    errors = table.pivot_table(index="dataset", columns="method", values="value")
    errors = errors[errors.index.str.contains(">")]
    row = SimpleNamespace(method="STBaT", other="Finetuned", metric=metric, fraction="3")
    assert len(errors) == 8
    assert printed_gain(printed_numbers(claims("stbat")), row) == pytest.approx(
        percent, abs=0.005
    )
    mean = 100 * (1 - errors["STBaT"] / errors["Finetuned"]).mean()
    assert mean == pytest.approx(percent, abs=0.005)


@pytest.mark.parametrize("name, whole, millions",
                         [("VDSR", False, 4.79), ("SCN", True, 18.55), ("UrbanFM+E", False, 5.94),
                          ("UrbanSTC+E", False, 1.98), ("UrbanSTC+E", True, 3.58)])  # fmt: skip
def test_counts_of_table_10_need_no_data(name, whole, millions, monkeypatch, tmp_path):
    """The total of UrbanSTC has its pretexts' networks too."""
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    assert parameter_count("finegrained", name, whole) == pytest.approx(millions, abs=0.006)


def test_what_has_no_network_has_no_count():
    for wing, name in (
        ("finegrained", "MEAN"),
        ("finegrained", "nobody"),
        ("gridflow", "STBaT"),
    ):
        assert np.isnan(parameter_count(wing, name, False))
