"""The runs of a table on a city that the table does not have: registered, or in an .nc file."""

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from stflow_lib.data.catalog import index, registered
from stflow_lib.data.errors import DataError
from stflow_lib.runs.pair import split_pair, target_of
from stflow_lib.runs.plan import Plan
from stflow_lib.runs.run import Run


def placed(runs: Iterable[Run], names: Iterable[str]) -> list[Run]:
    """For each name the runs on that city; where there are none, all of them moved to it.

    names: cities of the runs, or any city that `data.load` knows, which takes the place of the
    target, or "SOURCE+SOURCE>TARGET" of such. Moved are methods, amounts of data, seeds and
    settings; the protocol is the one that the wing has for the city. DataError, listing what there
    is, for a name that is no city.
    """
    runs, found = list(runs), dict[str, Run]()
    for name in names:
        own = [run for run in runs if run.city == name] or _moved(runs, name)
        found |= {run.key: run for run in own}
    return list(found.values())


def _moved(runs: list[Run], name: str) -> list[Run]:
    sources, target = split_pair(name)
    known = list(dict.fromkeys(run.city for run in runs))
    *lent, own = (_city(part, known) for part in (*sources, target))
    plans = {place: _plan(*place) for place in {(run.wing, run.profile) for run in runs}}
    return [_on(run, plans[run.wing, run.profile], lent, own) for run in runs]


def _city(name: str, known: list[str]) -> str:
    """The name, of a file its full path, so that it means the same in every process."""
    if registered.is_path(name):
        if not Path(name).exists():
            raise DataError(f"city {name}: there is no such file")
        return str(Path(name).resolve())
    if name not in index.entries():
        raise DataError(f"city {name}: the table has {', '.join(known)}; any other is a file "
                        f"*{registered.SUFFIX} or one of {', '.join(index.entries())}")  # fmt: skip
    return name


def _on(run: Run, plan: Plan, lent: list[str], own: str) -> Run:
    """The run on another city, with the sources `lent`, else those that it has.

    Words behind its protocol stay where the table put them.
    """
    sources = lent or [source for source in split_pair(run.city)[0] if source != own]
    usual = plan.protocol(target_of(run.city)).split("-")
    words = "".join(f"-{word}" for word in run.protocol.split("-")[1:] if word not in usual)
    city = plan.place(run.method, f"{'+'.join(sources)}>{own}" if sources else own)
    return replace(run, city=city, protocol=plan.protocol(own) + words)


def _plan(wing: str, profile: str) -> Plan:
    return import_module(f"stflow_lib.{wing}.plan").Plan.of(profile)
