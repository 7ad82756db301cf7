"""What a paper's printed numbers say of one of its orders, and how large its networks are."""

import importlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from stflow_lib.training.method import count_parameters

UNIT = 2**20  # what the papers call a million parameters
Printed = tuple[str, str, str]  # method, metric, amount of data
Numbers = Mapping[Printed, Mapping[str, float]]  # printed errors by data set


def printed_numbers(claims: pd.DataFrame) -> Numbers:
    """The printed errors among a paper's claims."""
    found: dict[Printed, dict[str, float]] = {}
    for row in claims[claims["kind"].eq("number")].itertuples():
        found.setdefault((row.method, row.metric, row.fraction), {})[row.dataset] = row.value
    return found


def printed_gain(numbers: Numbers, order: Any) -> float:
    """By how much the printed errors of `order.method` are below those of `order.other`.

    Percent, the mean over the data sets among `numbers`; NaN where none has both. A method that
    knows no source stands beside every transfer into its city.
    """
    less, _, more = order.fraction.partition("<")
    mine = numbers.get((order.method, order.metric, less), {})
    theirs = numbers.get((order.other, order.metric, more or less), {})
    pairs = [
        (value, theirs.get(name, theirs.get(_target(name)))) for name, value in mine.items()
    ]
    gains = [100 * (1 - value / other) for value, other in pairs if other is not None]
    return float(np.mean(gains)) if gains else np.nan


def _target(dataset: str) -> str:
    """ "bike NY>DC" -> "bike DC"."""
    return re.sub(r"\S+>", "", dataset)


@lru_cache
def parameter_count(wing: str, method: str, whole: bool) -> float:
    """Parameters of a method at the paper's size in units of 2^20; NaN where it has no network.

    Counted on shapes without numbers, so without data. `whole`: of all networks that are
    trained, pretexts included, else of the one that predicts.
    """
    try:
        cost = importlib.import_module(f"stflow_lib.{wing}.cost")
    except ModuleNotFoundError:
        return np.nan
    known = importlib.import_module(f"stflow_lib.{wing}").METHODS.get(method)
    if known is None or cost.recipe(known) is None:
        return np.nan
    parts = cost.parts(known, cost.blank_task(), known.settings())
    counts = [count_parameters(part.network) for part in parts]
    return (sum(counts) if whole else counts[-1]) / UNIT
