"""Which steps of a city fit methods, which weigh them, and which calibrate the intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.checks import steps_a_day
from stflow_lib.gridflow.problem.protocol import Protocol
from stflow_lib.gridflow.problem.task import ALL_DAYS

LEAST_DAYS = 2  # from which on a city's own days are learned from
SHARE = 5  # a fifth of the steps weighs, another calibrates
LONGEST = 14  # days of each at most: the rest is better learned from


@dataclass(frozen=True)
class Split:
    """A protocol without a test part, the days that are learned from, and the held-out steps."""

    protocol: Protocol
    days: int  # ALL_DAYS: those before validation; 0: none, only other cities are learned from
    held_out: range
    learns: bool  # there is something to learn from: own days or a source


def split_of(
    city: xr.Dataset, sources: Sequence[xr.Dataset], lags: int, fit: bool = True
) -> Split:
    """The split of a city with any number of steps, and of sources cut to the shortest of them.

    From LEAST_DAYS days on the first three fifths of the steps fit, the next weigh and the last
    calibrate. With less, or without `fit`, nothing of the city is learned from, so all steps
    calibrate. DataError where there is not one step behind the first `lags`.
    """
    steps, day = city.sizes["time"], steps_a_day(city)
    if steps <= lags:
        raise DataError(f"{city.attrs['name']}: {steps} steps, a forecast needs {lags + 1}")
    lent = min((source.sizes["time"] for source in sources), default=steps)
    own = fit and steps >= LEAST_DAYS * day
    part = min(LONGEST * day, steps // SHARE) if own else 0
    protocol = Protocol("own", steps, steps - 2 * part, steps - part, lent, lent * 2 // 3, True)
    held_out = range(steps - part if own else lags, steps)
    return Split(protocol, ALL_DAYS if own else 0, held_out, own or bool(sources))
