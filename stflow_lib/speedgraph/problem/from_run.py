"""From the name of a run to its task: "san-diego+bay-i680+aarhus>la", "P10", "3"."""

from functools import lru_cache

import torch
import xarray as xr

from stflow_lib.data import load
from stflow_lib.data.errors import DataError
from stflow_lib.runs.pair import split_pair
from stflow_lib.speedgraph.problem.protocol import protocol_of
from stflow_lib.speedgraph.problem.task import Choices, Task, make_task

WORDS = {
    "sensors": "sensors", "every": "every", "from": "first_day", "draw": "seed", "change": "change",
    "blocks": "blocks", "weekday": "weekday", "squares": "squares", "visible": "visible",
}  # fmt: skip


def open_task(run) -> Task:
    """The task of a run, on the accelerator where there is one.

    run.city "SOURCE+SOURCE>TARGET" or "TARGET" alone; run.protocol a name of PROTOCOLS, then
    choices after dashes: "P10-sensors8-draw1" (8 sensors, the second draw), "P10-every6" (one
    test window of six), "P10-from5" (the visible days begin with day 5),
    "P10-change1" (networks are asked for the change since the last input), "P10-blocks1"
    (blocks of hours choose, see `problem.task.blocks`, and all visible days teach in the end),
    "P10-weekday1" (networks are told of weekends), "P10-squares200" (in the first 200 batches of
    a city squared errors are lowered), "P10-visible7" (seven days may be seen and not three);
    run.scarcity days of the target: "3", "1", "0.25", "0".
    """
    name, *words = run.protocol.split("-")
    sources, target = split_pair(run.city)
    return make_task(
        _city(target),
        [_city(source) for source in sources],
        protocol_of(name),
        days=float(run.scarcity),
        choices=Choices(**dict(map(_choice, words))),
        device="cuda" if torch.cuda.is_available() else "cpu",
    )


def _choice(word: str) -> tuple[str, int]:
    name = word.rstrip("0123456789")
    if name not in WORDS or name == word:
        raise DataError(f"protocol switch {word!r}: want one of {[*WORDS]} and a number")
    return WORDS[name], int(word[len(name) :])


@lru_cache(maxsize=8)
def _city(name: str) -> xr.Dataset:
    return load(name)
