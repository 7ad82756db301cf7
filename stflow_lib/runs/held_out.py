"""Cities on which nothing is chosen: there a method of ours is scored in one setting only."""

from collections.abc import Iterable, Mapping

from stflow_lib.data.errors import DataError
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.run import Run, wing_of
from stflow_lib.training.provenance.source_hash import starts

BEYOND = ".beyond."  # in the module of a method that no paper printed
SAME = ("method", "city", "protocol", "scarcity", "profile")


def refuse_second_settings(wing: str, records: Iterable[Mapping]) -> None:
    """DataError where two records of a beyond method differ in settings on a city held out.

    The wing names its cities held out in `HELD_OUT`. A second setting that is scored there
    would be a choice by test data; `run --part valid` scores settings without test data.
    """
    seen: dict[tuple, Mapping] = {}
    for record in records:
        if _is_held_out(record):
            first = seen.setdefault(tuple(record[name] for name in SAME), record)
            if first["settings"] != record["settings"]:
                raise DataError(
                    f"{wing} {record['method']} on {record['city']}, {record['protocol']}, "
                    f"{record['scarcity']} ({record['profile']}): a second setting on a city "
                    f"held out, {first['settings']} [{first['key']}] and {record['settings']} "
                    f"[{record['key']}]; choose with run --part valid and keep one"
                )


def _is_held_out(record: Mapping) -> bool:
    wing = wing_of(Run(record["wing"], record["method"], "", "", "", "", 0))
    held_out = getattr(wing, "HELD_OUT", ())
    method = wing.METHODS.get(record["method"])
    return (
        target_of(record["city"]) in held_out
        and method is not None
        and any(BEYOND in f"{module}." for module, _ in starts(method))
    )
