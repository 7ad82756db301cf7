"""`python -m stflow_lib`: fill the run store, look into it, publish it, fetch data, make the
book."""

import argparse
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable
from statistics import mean

from tqdm import tqdm

from stflow_lib import runs
from stflow_lib.runs import profiles, store
from stflow_lib.runs.run import wing_of

THREADS = 2  # of torch, unless STFLOW_THREADS says otherwise


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 when all went well, 2 after one clear line on what did not."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _command(argv)
    except (ValueError, runs.RunError, OSError) as error:
        reason = str(error)
    except KeyboardInterrupt:
        print("stflow_lib: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except Exception as error:  # a fault of ours, or a file that no rule has foreseen
        what = " ".join(f"{type(error).__name__}: {error}".split())
        reason = f"{' '.join(argv)}: {what} ({_keep_traceback()})"
    print(f"stflow_lib: {reason}", file=sys.stderr)
    return 2


def _command(argv: list[str]) -> int:
    if argv[:1] == ["book"]:  # the book has a command line of its own
        from stflow_lib.book import build as book

        return book.main(argv[1:]) or 0
    options = _parser().parse_args(argv)
    options.command(options)
    return 0


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
    parser = argparse.ArgumentParser(prog="python -m stflow_lib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name, command, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    run = add("run", _run, "compute the runs of a table that are missing or stale")
    run.add_argument("--table", required=True, metavar="WING.TABLE")
    run.add_argument("--profile", default="lab", choices=profiles.PROFILES)
    run.add_argument("--only", nargs="+", metavar="METHOD", help="these methods")
    run.add_argument("--city", nargs="+", help="these cities")
    run.add_argument("--seed", nargs="+", type=int, help="these seeds")
    add("status", _status, "what is done, stale and missing, per table and profile")
    publish = add("publish", _publish, "copy the store's records into book/results")
    publish.add_argument("wing", choices=profiles.wings())
    fetch = add("fetch", _fetch, "download a city's files, checked")
    fetch.add_argument("name")
    add("catalog", _catalog, "list the cities: what, licence, size, whether here")
    add("book", None, "run the notebooks and build the site (book --help)")
    return parser


def table_runs(table: str, profile: str) -> list[runs.Run]:
    """The runs behind "<wing>.<table>" at a profile; ValueError names the tables there are."""
    wing, _, name = table.partition(".")
    if wing not in profiles.wings():
        raise ValueError(f"--table {table}: no wing '{wing}', there are {profiles.wings()}")
    tables = wing_of(runs.Run(wing, "", "", "", "", profile, 0)).TABLES
    if name not in tables:
        known = ", ".join(f"{wing}.{other}" for other in tables)
        raise ValueError(f"--table {table}: no such table, there are {known}")
    return tables[name](profile)


def _run(options) -> None:
    import torch

    torch.set_num_threads(_threads())
    wanted = _chosen(table_runs(options.table, options.profile), options)
    todo = [run for run in wanted if runs.state(run) != "done"]
    print(f"{len(wanted)} runs, {len(wanted) - len(todo)} done, {len(todo)} to compute")
    left, known = {run.key: run for run in todo}, Seconds(todo)
    with tqdm(total=len(todo), unit="run", desc=options.table, disable=None) as bar:
        bar.set_postfix_str(known.left(todo))

        def done(run: runs.Run, record: dict) -> None:
            left.pop(run.key, None)
            known.add(record)
            time_left = known.left(left.values())
            bar.write(f"{run}: {_scores(record)}; {time_left}", file=sys.stdout)
            sys.stdout.flush()
            bar.set_postfix_str(time_left)
            bar.update()

        runs.compute_missing(todo, done)


def _threads() -> int:
    """STFLOW_THREADS, else THREADS; ValueError where it is no number of threads."""
    text = os.environ.get("STFLOW_THREADS") or str(THREADS)
    if not text.isdecimal() or not int(text):
        raise ValueError(f"STFLOW_THREADS={text}: want a whole number from 1 on")
    return int(text)


def _chosen(wanted: list[runs.Run], options) -> list[runs.Run]:
    """The runs that --only, --city and --seed leave; ValueError for a name that fits none."""
    for option, name in (("only", "method"), ("city", "city"), ("seed", "seed")):
        values = getattr(options, option)
        known = list(dict.fromkeys(getattr(run, name) for run in wanted))
        for value in values or []:
            if value not in known:
                raise ValueError(f"--{option} {value}: the table has {known}")
        wanted = [run for run in wanted if not values or getattr(run, name) in values]
    return wanted


def _scores(record: dict) -> str:
    scores = [
        f"{k.removeprefix('metric_')} {v:.4g}"
        for k, v in record.items()
        if k.startswith("metric_")
    ]
    return ", ".join(scores) + f" in {record['fit_seconds'] + record['predict_seconds']:.0f} s"


class Seconds:
    """Seconds that runs took, to say how long similar ones will take."""

    ALIKE = (("method", "profile", "city", "scarcity"), ("method", "profile"), ("profile",))

    def __init__(self, todo: list[runs.Run]):
        self.records = [
            record
            for wing in {run.wing for run in todo}
            for record in [*runs.published(wing).values(), *store.read_all(wing)]
        ]

    def add(self, record: dict) -> None:
        """One more run whose time is known."""
        self.records.append(record)

    def left(self, todo: Iterable[runs.Run]) -> str:
        """The time that these runs will take, in words."""
        seconds = [self.of(run) for run in todo]
        known = sum(second for second in seconds if second is not None)
        unknown = f" and {seconds.count(None)} runs of unknown length" * (None in seconds)
        amount = f"{known:.0f} s" if known < 100 else f"{known / 60:.0f} min"
        return f"about {amount}{unknown} left"

    def of(self, run: runs.Run) -> float | None:
        """Seconds of the most similar runs on average; None while none is known."""
        for names in self.ALIKE:
            alike = [
                record["fit_seconds"] + record["predict_seconds"]
                for record in self.records
                if all(record[name] == getattr(run, name) for name in names)
            ]
            if alike:
                return mean(alike)
        return None


def _status(options) -> None:
    print(f"{'table':32}{'profile':10}{'done':>6}{'stale':>7}{'missing':>9}")
    for wing in profiles.wings():
        for name in wing_of(runs.Run(wing, "", "", "", "", "", 0)).TABLES:
            for profile in profiles.PROFILES:
                count = Counter(map(runs.state, table_runs(f"{wing}.{name}", profile)))
                numbers = f"{count['done']:6}{count['stale']:7}{count['missing']:9}"
                print(f"{wing + '.' + name:32}{profile:10}{numbers}")


def _publish(options) -> None:
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
