"""From the name of a run to its task: "jonas-nyc-taxi>jonas-dc-taxi", "P90", "3"."""

from dataclasses import replace
from functools import lru_cache

import torch
import xarray as xr

from stflow_lib.data import load, simulate
from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.checks import first_step
from stflow_lib.gridflow.problem.protocol import Protocol, protocol_of
from stflow_lib.gridflow.problem.regions import (
    dirichlet_profile,
    functional_profile,
    main_purpose,
)
from stflow_lib.gridflow.problem.task import ALL_DAYS, Choices, Task, make_task
from stflow_lib.runs.pair import split_pair

PROTOCOL_OPTIONS = {  # words after the protocol's name
    "crosstres": {"scaler": "crosstres"},
    "maximum": {"scaler": "train_max"},
    "sourcescale": {"zero_shot_scale": "source"},
    "whole": {"mask": "whole"},
    "dirichlet": {},
}
OTHER_MODE = {"taxi": "bike", "bike": "taxi"}


def open_task(run) -> Task:
    """The task of a run, on the accelerator where there is one.

    run.city "SOURCE+SOURCE>TARGET", or "TARGET" for methods that transfer nothing;
    run.protocol a name of PROTOCOLS, then any of PROTOCOL_OPTIONS after dashes ("P90-crosstres");
    run.scarcity days of target data, "all" for its whole history, "0" for zero-shot.
    """
    name, *switches = run.protocol.split("-")
    protocol, words = protocol_of(name), _words(switches)
    sources, target = split_pair(run.city)
    days = ALL_DAYS if run.scarcity == "all" else int(run.scarcity)
    random = "dirichlet" in switches
    rows = slice(protocol.source_valid)
    lenders = [with_poi(source, rows, random) for source in sources]
    receiver = (
        with_poi(target, _own(target, protocol, days), random) if sources else _city(target)
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    task = make_task(
        receiver, lenders, protocol, days=days, choices=Choices(**words), device=device
    )
    kinds = region_types(target, protocol)
    return (
        task
        if kinds is None
        else replace(task, kinds=torch.from_numpy(kinds.values).to(device))
    )


def with_poi(name: str, rows: slice, random: bool = False) -> xr.Dataset:
    """The city with its own POI, else a stand-in drawn from `rows` of a city beside it.

    Any city but those of JONAS and DiDi stays as it is without POI, and so does a target of
    which no row may be read. `random` puts the control in the place of a stand-in.
    """
    city, beside = _city(name), _beside(name)
    if "poi" in city or beside is None or rows.start == rows.stop:
        return city
    if random:
        return city.assign(poi=dirichlet_profile(city.sizes["row"], city.sizes["col"]))
    return city.assign(poi=functional_profile(_city(beside), rows))


def _beside(name: str) -> str | None:
    """Whose trips tell what the cells are for: JONAS has another mode, DiDi only its own."""
    place, _, mode = name.rpartition("-")
    if name.startswith("jonas-"):
        return f"{place}-{OTHER_MODE[mode]}"
    return name if name.startswith("didi-") else None


@lru_cache(maxsize=8)
def region_types(target: str, protocol: Protocol) -> xr.DataArray | None:
    """Kinds of the target's cells [row, col], to score by: no method sees them.

    Known for simulated cities; else the largest group of the POI, or of the stand-in drawn from
    all steps before validation; None where there is neither. Attribute `names`: what they are.
    """
    if target in simulate.CITIES:
        types = simulate.CITIES[target]()[1]["type"]
        return types.astype("int64").assign_attrs(names=simulate.TYPES)
    city = with_poi(target, slice(protocol.valid))
    return main_purpose(city.poi) if "poi" in city else None


def _own(target: str, protocol: Protocol, days: int) -> slice:
    """The rows of the target that may be read."""
    first = 0 if days == ALL_DAYS else first_step(_city(target), protocol, days, 0)
    return slice(first, protocol.valid)


def _words(switches: list[str]) -> dict:
    unknown = [word for word in switches if word not in PROTOCOL_OPTIONS]
    if unknown:
        raise DataError(
            f"protocol switch {unknown[0]!r}: there are {', '.join(PROTOCOL_OPTIONS)}"
        )
    return {key: value for word in switches for key, value in PROTOCOL_OPTIONS[word].items()}


@lru_cache(maxsize=8)
def _city(name: str) -> xr.Dataset:
    return load(name)
