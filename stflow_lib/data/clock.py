"""Clocks: regular steps, and the two hours a year that daylight saving repeats or skips."""

import numpy as np
import pandas as pd


def check_clock(time: np.ndarray, attrs: dict, error: type[Exception]):
    """Raise `error` unless `time` [T] is datetime64[ns], regular, and honest about its zone.

    attrs: name, step_minutes, zone (IANA name or "nominal"). A regular local clock that runs
    over a daylight-saving change must say in attrs["clock"] what the source did with the hour.
    """
    name = attrs["name"]
    if time.dtype != "datetime64[ns]" or not len(time):
        raise error(f"{name}: time must be datetime64[ns] and not empty, is {time.dtype}")
    step = np.timedelta64(int(attrs["step_minutes"] * 60), "s")
    wrong = np.flatnonzero(np.diff(time) != step)
    if len(wrong):
        raise error(_irregular(time, int(wrong[0]), step, attrs))
    changes = daylight_changes(time[0], time[-1], attrs["zone"])
    if changes and "clock" not in attrs:
        raise error(f"{name}: time runs over the daylight-saving hour of {changes[0]} in "
                    f"{attrs['zone']}, and attrs['clock'] does not say how")  # fmt: skip


def _irregular(time, at, step, attrs) -> str:
    before, after = pd.Timestamp(time[at]), pd.Timestamp(time[at + 1])
    kind = "duplicated" if after == before else "irregular"
    text = f"{attrs['name']}: {kind} time stamp at index {at + 1}: {after} follows {before}, "
    text += f"the step is {pd.Timedelta(step)}"
    for change in daylight_changes(before - pd.Timedelta("1D"), after, attrs["zone"]):
        text += f" (daylight-saving hour of {change} in {attrs['zone']})"
    return text


def daylight_changes(first, last, zone: str) -> list[pd.Timestamp]:
    """Local hours within [first, last] that `zone` repeats or skips; none for "nominal"."""
    if zone == "nominal":
        return []
    hours = pd.date_range(pd.Timestamp(first).ceil("h"), pd.Timestamp(last), freq="h")
    real = hours.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return list(hours[real.isna()])


def fill_spring_gap(time, values, zone: str, step_minutes: int):
    """Put NaN rows where `zone` skips an hour and the source skips its rows.

    time [T], values [T, N] -> the same with the missing steps of that hour inserted as NaN.
    Any other gap is left for `check_clock` to refuse.
    """
    time = pd.DatetimeIndex(time)
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
