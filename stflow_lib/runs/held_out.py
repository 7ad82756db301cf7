"""Cities on which nothing is chosen: there a method of ours is scored in one setting only.

A method that a paper prints comes with settings. What goes beyond the papers could be tried until
a test error looks good, so its settings are chosen on some cities and scored once on the others.
"""

from collections.abc import Iterable, Mapping

from stflow_lib.data.errors import DataError
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.run import Run, wing_of
from stflow_lib.training.provenance.source_hash import starts

BEYOND = ".beyond."  # in the module of a method that no paper printed
SIMULATED = "sim-"  # nobody's city: there anything may be tried
SAME = ("method", "city", "protocol", "scarcity", "profile")


def is_held_out(wing: str, city: str) -> bool:
    """Whether no setting may be chosen on the target of `city`, a city or a pair of cities.

    A wing names in `CHOOSING` the cities on which settings are chosen; all others of the real ones
    are held out, none where it names none.
    """
    choosing, target = getattr(_module(wing), "CHOOSING", None), target_of(city)
    return choosing is not None and not (target in choosing or target.startswith(SIMULATED))


def own_methods(wing: str) -> list[str]:
    """The methods of a wing that no paper has: those that are written in its folder `beyond`."""
    return [
        name
        for name, method in _module(wing).METHODS.items()
        if any(BEYOND in f"{module}." for module, _ in starts(method))
    ]


def _module(wing: str):
    return wing_of(Run(wing, "", "", "", "", "", 0))


def refuse_second_settings(wing: str, records: Iterable[Mapping]) -> None:
    """DataError where two records of a method of ours differ in settings on a city held out.

    A second setting that is scored there would be a choice by test data; `run --part valid`
    scores settings without test data.
    """
    seen: dict[tuple, Mapping] = {}
    own = own_methods(wing)
    for record in records:
        if record["method"] in own and is_held_out(wing, record["city"]):
            first = seen.setdefault(tuple(record[name] for name in SAME), record)
            if first["settings"] != record["settings"]:
                raise DataError(
                    f"{wing} {record['method']} on {record['city']}, {record['protocol']}, "
                    f"{record['scarcity']} ({record['profile']}): a second setting on a city "
                    f"held out, {first['settings']} [{first['key']}] and {record['settings']} "
                    f"[{record['key']}]; choose with run --part valid and keep one"
                )
