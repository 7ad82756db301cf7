"""Regular local time steps, from UTC seconds or from wall-clock times.

A city's `time` is regular in local time. A span in which the clocks change has an hour that
does not exist or that happens twice, so it has no such axis: both makers refuse it by name
instead of shifting half of the city's days by an hour.
"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError

MONTH = 31  # days without anybody, after which a stamp counts as stray


def check_clock(time: np.ndarray, attrs: dict, error: type[Exception]):
    """Raise `error` unless `time` [T] is datetime64[ns], regular, and honest about its zone.

    It names the city and the first index that is missing or irregular.

    attrs: name, step_minutes, zone (IANA name or "nominal"). A regular local clock that runs
    over a daylight-saving change must say in attrs["clock"] what the source did with the hour.
    """
    name = attrs["name"]
    if time.dtype != "datetime64[ns]" or not len(time):
        raise error(f"{name}: time must be datetime64[ns] and not empty, is {time.dtype}")
    if np.isnat(time).any():
        raise error(f"{name}: no time stamp at index {int(np.isnat(time).argmax())}")
    if attrs["zone"] != "nominal" and not _is_zone(attrs["zone"]):
        raise error(
            f"{name}: zone={attrs['zone']!r} is neither an IANA time zone nor 'nominal'"
        )
    step = _step(attrs, error)
    wrong = np.flatnonzero(np.diff(time) != step)
    if len(wrong):
        raise error(_irregular(time, int(wrong[0]), step, attrs))
    changes = daylight_changes(time[0], time[-1], attrs["zone"])
    if changes and "clock" not in attrs:
        raise error(f"{name}: time runs over the daylight-saving hour of {changes[0]} in "
                    f"{attrs['zone']}, and attrs['clock'] does not say how")  # fmt: skip


def _step(attrs, error) -> np.timedelta64:
    minutes = attrs["step_minutes"]
    number = isinstance(minutes, int | float | np.number)
    if not (number and 0 < minutes < np.inf and (60 * minutes) % 1 == 0):
        raise error(f"{attrs['name']}: step_minutes={minutes!r} is no whole number of seconds")
    return np.timedelta64(int(60 * minutes), "s")


def _irregular(time, at, step, attrs) -> str:
    before, after = pd.Timestamp(time[at]), pd.Timestamp(time[at + 1])
    kind = "duplicated" if after == before else "irregular"
    text = f"{attrs['name']}: {kind} time stamp at index {at + 1}: {after} follows {before}, "
    text += f"the step is {pd.Timedelta(step)}"
    if abs(after - before) > pd.Timedelta("1D"):  # no change of the clocks leaves such a gap
        return text
    for change in daylight_changes(before - pd.Timedelta("1D"), after, attrs["zone"]):
        text += f" (daylight-saving hour of {change} in {attrs['zone']})"
    return text


def daylight_changes(first, last, zone: str) -> list[pd.Timestamp]:
    """Local hours within [first, last] that `zone` repeats or skips; none for "nominal".

    DataError when `zone` is no IANA name either.
    """
    if zone == "nominal":
        return []
    _demand_zone(zone)
    hours = pd.date_range(pd.Timestamp(first).ceil("h"), pd.Timestamp(last), freq="h")
    real = hours.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return list(hours[real.isna()])


def fill_spring_gap(time, values, zone: str, step_minutes: int):
    """Put NaN rows where `zone` skips an hour and the source skips its rows.

    time [T], values [T, N] -> the same with the missing steps of that hour inserted as NaN;
    whole numbers become float64. Any other gap is left for `check_clock` to refuse.
    """
    time = pd.DatetimeIndex(time)
    if values.dtype.kind != "f":
        values = exact(values, np.float64, "values")
    step = pd.Timedelta(minutes=step_minutes)
    skipped = [
        stamp
        for hour in daylight_changes(time[0], time[-1], zone)
        for stamp in pd.date_range(hour, hour + pd.Timedelta("1h") - step, freq=step)
        if not len(time[(time >= hour) & (time < hour + pd.Timedelta("1h"))])
    ]
    order = np.argsort(both := time.append(pd.DatetimeIndex(skipped)), kind="stable")
    gaps = np.full((len(skipped), values.shape[1]), np.nan, values.dtype)
    return both[order], np.concatenate([values, gaps])[order]


def stray_day(days: np.ndarray) -> int | None:
    """Index of the first of the stamps that lie more than MONTH days from most, or None.

    days [N]: whole days, in any order. The widest gap parts them; the fewer are astray, the
    later ones of two halves.
    """
    present = np.flatnonzero(np.bincount(days - days.min())) + days.min()
    gaps = np.diff(present)
    if not gaps.size or gaps.max() <= MONTH:
        return None
    early = days <= present[gaps.argmax()]
    return int(np.argmax(early if 2 * early.sum() < early.size else ~early))


def wall_time(stamp) -> pd.Timestamp:
    """A wall-clock time from whatever pandas reads; DataError when it is none or has an offset."""
    try:
        time = pd.Timestamp(stamp)
    except (ValueError, TypeError) as error:
        raise DataError(f"{stamp!r} is no time: {error}") from error
    if time is pd.NaT or time.tz is not None:
        raise DataError(f"{stamp!r} is no wall-clock time without an offset")
    return time


def _is_zone(zone) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return False
    return True


def _checked(step_minutes, zone):
    """Step in seconds; DataError unless it divides a day and the zone has an IANA name."""
    whole = isinstance(step_minutes, int | float | np.number) and step_minutes % 1 == 0
    if not whole or step_minutes < 1 or 1440 % step_minutes:
        raise DataError(f"step_minutes={step_minutes}: a step must divide a day's 1440 minutes")
    _demand_zone(zone)
    return int(step_minutes) * 60


def _demand_zone(zone):
    if not _is_zone(zone):
        raise DataError(f"zone={zone!r} is not an IANA time zone")


def _regular(clock, step_s, zone, wall):
    """DataError at the first step of `clock` that is not step_s long: the clocks changed."""
    odd = np.flatnonzero(np.diff(clock.as_unit("s").asi8) != step_s)
    if odd.size:
        raise DataError(
            f"daylight saving: the clocks of {zone} change in the step from {wall[odd[0]]} "
            f"(step {odd[0]} of {len(wall) - 1}), so local time is not regular; "
            "cut the span there and load the parts apart"
        )


def time_axis_from_utc(first, last, step_minutes, zone):
    """Steps that cover the UTC seconds first..last (both inclusive), aligned to local midnight.

    Returns (start, index): start of step 0 in unix seconds UTC, and the naive local starts of
    all steps as DatetimeIndex [T]. Second s lies in step (s - start) // (60 step_minutes).
    Raises DataError for a bad step or zone, for seconds that are not whole, not in order or of
    another unit, and for a span in which the clocks change; it may end at the change.
    """
    step_s = _checked(step_minutes, zone)
    first, last = map(int, exact([first, last], np.int64, "first and last second"))
    if not -(2**33) < first <= last < 2**33:
        raise DataError(f"{first}..{last}: no unix seconds, or not in order")
    start = (first + _offset(first, zone)) // step_s * step_s - _offset(first, zone)
    edges = start + step_s * np.arange((last - start) // step_s + 2)
    edges[-1] -= 1  # the last second of the last step: what comes after it does not matter
    local = pd.to_datetime(edges, unit="s", utc=True).tz_convert(zone).tz_localize(None)
    ends = local[:-1].append(local[-1:] + pd.Timedelta("1s"))
    _regular(ends, step_s, zone, ends)
    return start, local[:-1].as_unit("ns")


def _offset(second, zone) -> int:
    """Seconds by which the clocks of `zone` are ahead of UTC."""
    local = pd.Timestamp(second, unit="s", tz="UTC").tz_convert(zone)
    return int(local.utcoffset().total_seconds())


def time_axis_from_local(first, last, step_minutes, zone):
    """Steps that cover the naive wall-clock times first..last, aligned to midnight.

    Returns the starts of all steps as naive DatetimeIndex [T]. Raises DataError as above: rides
    of the hour that happens twice in autumn cannot be told apart by wall time.
    """
    step_s = _checked(step_minutes, zone)
    first, last = wall_time(first), wall_time(last)
    if last < first:
        raise DataError(f"{first}..{last}: times not in order")
    step = pd.Timedelta(step_s, "s")
    start = first.floor(step)
    wall = pd.date_range(start, periods=(last - start) // step + 2, freq=step)
    utc = wall.tz_localize(
        zone, ambiguous=np.ones(len(wall), bool), nonexistent="shift_forward"
    )
    _regular(utc.tz_convert("UTC"), step_s, zone, wall)
    return wall[:-1].as_unit("ns")
