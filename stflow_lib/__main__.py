"""`stflow`, or `python -m stflow_lib`: runs and their store, data, the book."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from stflow_lib import __version__

if TYPE_CHECKING:  # imported where used: a line of help needs neither torch nor numba
    from stflow_lib.runs import Run
    from stflow_lib.runs.seconds import Seconds

THREADS = 2  # of torch, unless STFLOW_THREADS says otherwise
PROFILES = "smoke, lab, bench or paper"


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 when all went well, 2 after one clear line on what did not."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _command(argv)
    except (ValueError, OSError) as error:
        reason = str(error)
    except KeyboardInterrupt:
        print("stflow_lib: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except Exception as error:
        reason = _reason(error, argv)
    print(f"stflow_lib: {reason}", file=sys.stderr)
    return 2


def _command(argv: list[str]) -> int:
    if argv[:1] in (["book"], ["page"]):  # they have command lines of their own
        from stflow_lib.book import build, one_page

        return (build if argv[0] == "book" else one_page).main(argv[1:]) or 0
    options = _parser().parse_args(argv)
    options.command(options)
    return 0


def _reason(error: Exception, argv: list[str]) -> str:
    """The message of a run that failed; else the fault of ours, or of a file, with its place."""
    from stflow_lib.runs import RunError

    if isinstance(error, RunError):
        return str(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{' '.join(argv)}: {what} ({_keep_traceback()})"


def _keep_traceback() -> str:
    """Write down the exception in hand; where it lies, or why it does not."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="stflow-error-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(traceback.format_exc())
    except OSError as error:
        return f"traceback not kept: {error}"
    return f"traceback in {file.name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stflow", description=__doc__)
    parser.add_argument("--version", action="version", version=f"stflow {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name, command, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    run = add("run", _run, "compute the runs of tables that are missing or stale")
    run.add_argument("--table", required=True, nargs="+", metavar="WING.TABLE",
                     help="earlier ones first")  # fmt: skip
    run.add_argument("--profile", default="lab", help=f"{PROFILES} (default: lab)")
    run.add_argument("--only", nargs="+", metavar="METHOD", help="these methods")
    run.add_argument("--city", nargs="+", help="these cities, also a registered one or an .nc")
    run.add_argument("--seed", nargs="+", type=int, help="these seeds")
    run.add_argument("--part", default="test", choices=["test", "valid"],
                     help="valid: print errors on the validation part, store nothing")  # fmt: skip
    where = run.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_count, metavar="N", help="processes, a thread each")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a dask cluster that runs")
    add("status", _status, "what is done, stale and missing, per table and profile")
    publish = add("publish", _publish, "copy the store's records into book/results")
    publish.add_argument("wing", help="finegrained, gridflow or speedgraph")
    fetch = add("fetch", _fetch, "download a city's files, checked")
    fetch.add_argument("name")
    add("catalog", _catalog, "list the cities: what, licence, size, whether here")
    add("book", None, "run the notebooks and build the site (book --help)")
    add("page", None, "run one page on a file of your own (page --help)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: want a whole number from 1 on")
    return int(text)


def table_runs(table: str, profile: str) -> list[Run]:
    """The runs behind "<wing>.<table>" at a profile; ValueError names the tables there are."""
    from stflow_lib.runs import profiles

    wing, _, name = table.partition(".")
    if wing not in profiles.wings():
        raise ValueError(f"--table {table}: no wing '{wing}', there are {profiles.wings()}")
    tables = _tables(wing)
    if name not in tables:
        known = ", ".join(f"{wing}.{other}" for other in tables)
        raise ValueError(f"--table {table}: no such table, there are {known}")
    return tables[name](profile)


def _tables(wing: str) -> Mapping:
    from stflow_lib.runs import Run
    from stflow_lib.runs.run import wing_of

    return wing_of(Run(wing, "", "", "", "", "", 0)).TABLES


def _run(options) -> None:
    from stflow_lib import runs

    found = [run for table in options.table for run in table_runs(table, options.profile)]
    wanted = _chosen(list({run.key: run for run in found}.values()), options)
    if options.part == "valid":
        return _validate(wanted, options)
    todo = [run for run in wanted if runs.state(run) != "done"]
    print(f"{len(wanted)} runs, {len(wanted) - len(todo)} done, {len(todo)} to compute")
    if todo:
        _fill(todo, options)


def _fill(todo: list[Run], options) -> None:
    """Compute the runs, each named when it is there, with the time that is left."""
    from tqdm import tqdm

    from stflow_lib.runs.seconds import Seconds

    left, known = {run.key: run for run in todo}, Seconds({run.wing for run in todo})
    description = " ".join(options.table)
    with (
        _computing(options) as (compute, workers),
        tqdm(total=len(todo), unit="run", desc=description, disable=None) as bar,
    ):
        bar.set_postfix_str(known.left(todo, workers()))

        def done(run: Run, record: dict) -> None:
            left.pop(run.key, None)
            known.add(record)
            time_left = known.left(left.values(), workers())
            bar.write(f"{run}: {_scores(record)}; {time_left}", file=sys.stdout)
            sys.stdout.flush()
            bar.set_postfix_str(time_left)
            bar.update()

        compute(todo, done)


@contextmanager
def _computing(options) -> Iterator[tuple]:
    """What computes missing runs, and a function that says how many at a time."""
    if not options.workers and not options.scheduler:
        from stflow_lib import runs

        _set_threads()
        yield runs.compute_missing, lambda: 1
        return
    from stflow_lib.runs import cluster

    address, number = options.scheduler, options.workers
    with cluster.connected(address) if address else cluster.local(number) as client:
        print(f"{cluster.workers(client)} workers, shown on {cluster.dashboard(client)}")
        sys.stdout.flush()
        yield partial(cluster.compute_missing, client), partial(cluster.workers, client)


def _validate(wanted: list[Run], options) -> None:
    """Print the error of each run on the validation part, and those of the wing's rules."""
    from stflow_lib import runs

    if options.workers or options.scheduler:
        raise ValueError("--part valid: runs here, without --workers and --scheduler")
    _set_threads()
    failures = []
    print(f"{'valid error':>11}  run; rules")
    for run in wanted:
        try:
            found = runs.validation(run)
        except runs.RunError as error:
            failures.append(str(error))
            continue
        rules = ", ".join(f"{rule} {e:.4g}" for rule, e in found["rule_valid_error"].items())
        print(f"{found['valid_error']:11.4g}  {run}; {rules}")
        sys.stdout.flush()
    if failures:
        raise runs.RunError("\n".join(failures))


def _set_threads() -> None:
    """As many as STFLOW_THREADS, else THREADS; ValueError where it is no number of threads."""
    import torch

    text = os.environ.get("STFLOW_THREADS") or str(THREADS)
    if not text.isdecimal() or not int(text):
        raise ValueError(f"STFLOW_THREADS={text}: want a whole number from 1 on")
    torch.set_num_threads(int(text))


def _chosen(wanted: list[Run], options) -> list[Run]:
    """The runs that --only, --seed and --city leave; ValueError for a name that fits none."""
    from stflow_lib.runs.own_city import placed

    for option, name in (("only", "method"), ("seed", "seed")):
        values = getattr(options, option)
        known = list(dict.fromkeys(getattr(run, name) for run in wanted))
        for value in values or []:
            if value not in known:
                raise ValueError(f"--{option} {value}: the table has {known}")
        wanted = [run for run in wanted if not values or getattr(run, name) in values]
    return placed(wanted, options.city) if options.city else wanted


def _scores(record: dict) -> str:
    from stflow_lib.runs.seconds import seconds

    scores = [f"{k.removeprefix('metric_')} {v:.4g}" for k, v in record.items()
              if k.startswith("metric_")]  # fmt: skip
    return ", ".join(scores) + f" in {seconds(record):.0f} s"


def _status(options) -> None:
    from stflow_lib.runs import profiles
    from stflow_lib.runs.seconds import Seconds, core_seconds

    known = Seconds(profiles.wings(), core_seconds)
    print(f"{'':42}{'runs':>21}{'core-hours':>16}")
    print(
        f"{'table':32}{'profile':10}{'done':>6}{'stale':>7}{'missing':>8}{'done':>8}{'left':>8}"
    )
    for wing in profiles.wings():
        for name in _tables(wing):
            for profile in profiles.PROFILES:
                row = _row(table_runs(f"{wing}.{name}", profile), known)
                print(f"{wing + '.' + name:32}{profile:10}{row}")


def _row(wanted: list[Run], known: Seconds) -> str:
    """Runs that are done, stale and missing; core-hours spent and, with a ? for unknown, left."""
    from stflow_lib.runs import find
    from stflow_lib.runs.seconds import core_seconds

    records = {run: find(run) for run in wanted}
    done = [record for record in records.values() if record and not record["stale"]]
    missing = sum(record is None for record in records.values())
    spent = sum(map(core_seconds, done)) / 3600
    left, unknown = known.total(run for run, r in records.items() if not r or r["stale"])
    stale = len(wanted) - len(done) - missing
    mark = "?" * bool(unknown)
    return f"{len(done):6}{stale:7}{missing:8}{spent:8.1f}{left / 3600:8.1f}{mark}"


def _publish(options) -> None:
    from stflow_lib import runs
    from stflow_lib.runs import profiles

    if options.wing not in profiles.wings():
        raise ValueError(f"{options.wing}: no wing, there are {', '.join(profiles.wings())}")
    path = runs.publish(options.wing)
    print(f"{len(runs.published(options.wing))} records in {path}")


def _fetch(options) -> None:
    from stflow_lib.data import fetch

    for path in fetch(options.name):
        print(path)


def _catalog(options) -> None:
    from stflow_lib.data import catalog

    print(catalog().to_string())


if __name__ == "__main__":
    sys.exit(main())
