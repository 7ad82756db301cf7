"""The build of the book: every notebook through papermill, then the site.

    python -m stflow_lib book --profile smoke

A notebook whose inputs are the same as last time is not run again. Its inputs are the source,
its parameters, the files of `pages.INPUTS` and those in the data folder; a hash of them travels in
the executed notebook's metadata. Executed notebooks are kept per profile in build/nb/PROFILE and
the site in build/site/PROFILE, so that going from one profile to another and back runs nothing.
At smoke size notebooks run side by side, one thread each; the other profiles measure time, so
there each has the machine alone. A second build of the same profile waits for the first.
"""

import argparse
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import psutil
import yaml

from stflow_lib import INSTALLED, ROOT
from stflow_lib.book import forked, papermill, site
from stflow_lib.book.pages import (
    LAST,
    BookError,
    Page,
    cells_hash,
    fingerprints,
    is_fresh,
    pages,
)
from stflow_lib.book.published import for_site
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.paths import setting_path
from stflow_lib.data.files.write import locked, write_atomic
from stflow_lib.runs import profiles
from stflow_lib.training.memory import watch_process

MOST = 4  # notebooks side by side: each takes about 1 GB of memory
PATHS = ("STFLOW_DATA", "STFLOW_CACHE", "STFLOW_MIRROR", "STFLOW_RUNS", "STFLOW_RESULTS")
PARTIAL = ".partial.ipynb"  # what papermill writes, cell by cell
TRANSPORT = "Kernel is running over TCP without encryption"


def side_by_side(profile: str) -> int:
    """How many notebooks run at once: as many as there are cores at smoke size, else one."""
    return min(MOST, os.cpu_count() or 1) if profile == "smoke" else 1


def kernel_environment(profile: str) -> dict[str, str]:
    """The environment of a notebook: its profile, the run store, the threads it may use."""
    alone = side_by_side(profile) == 1
    return {
        "STFLOW_RUNS": str(ROOT / "runs"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # no debugger's warning on stderr
        **({} if alone else {"OMP_NUM_THREADS": "1"}),
        **os.environ,
        **{name: str(path.absolute()) for name in PATHS if (path := setting_path(name))},
        "STFLOW_PROFILE": profile,
    }


def execute(page: Page, fingerprint: str) -> tuple[float, float]:
    """Run one notebook in a process of its own -> minutes and peak memory in MB.

    The executed notebook appears under its name only when every cell has run.
    """
    page.executed.parent.mkdir(parents=True, exist_ok=True)
    partial = page.executed.with_suffix(f".{os.getpid()}{PARTIAL}")
    parameters = yaml.safe_dump(page.parameters)
    call = papermill.arguments(page.source, partial, parameters, ROOT)
    log, start = page.executed.with_suffix(".log"), time.monotonic()
    process = forked.start(call, log, kernel_environment(page.profile), ROOT)
    status, peak = watch_process(process)
    minutes = (time.monotonic() - start) / 60
    _raise_if_failed(page, partial, log.read_text(), status)
    notebook = json.loads(partial.read_text())
    notebook["metadata"]["stflow"] = {
        "inputs": fingerprint,
        "cells": cells_hash(notebook),
        "profile": page.profile,
        "minutes": round(minutes, 2),
        "peak_memory_mb": round(peak),
    }
    write_atomic(page.executed, json.dumps(notebook, indent=1).encode())
    partial.unlink()
    return minutes, peak


def _raise_if_failed(page: Page, partial: Path, log: str, status: int) -> None:
    """Turn papermill's failure into one message that names notebook, cell and error."""
    unknown = re.search(r"Passed unknown parameter: (\S+)", log)
    if unknown:
        raise BookError(f"{page.name}: profiles.yaml sets {unknown[1]}, which is no parameter")
    if status == 0:
        return
    cells = json.loads(partial.read_text())["cells"] if partial.exists() else []
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, start=1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                raise BookError(_failure(page, number, cell, output))
    lines = [line for line in log.splitlines() if TRANSPORT not in line]
    raise BookError("\n".join([f"notebooks/{page.name}.py did not run:", *lines[-20:]]))


def _failure(page: Page, number: int, cell: dict, output: dict) -> str:
    trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output["traceback"]))
    first = "".join(cell["source"]).strip().splitlines()[0]
    error = f"{output['ename']}: {output['evalue']}"
    return f"notebooks/{page.name}.py failed in code cell {number} ({first}): {error}\n{trace}"


def run_notebooks(profile: str) -> list[Page]:
    """Execute what is not fresh, one line each; one process at a time for each profile."""
    folder = ROOT / "build" / "nb" / profile
    with locked(folder, f"another build of the {profile} book is running: waiting for it"):
        for leftover in folder.rglob(f"*{PARTIAL}"):  # of a build that ended early
            leftover.unlink()
        return _run_stale(pages(profile))


def _run_stale(found: list[Page]) -> list[Page]:
    prints = fingerprints(found)
    width = max(len(page.name) for page in found)

    def say(page: Page, text: str) -> None:
        print(f"{page.name:<{width}}  {text}", flush=True)

    stale = [page for page in found if not is_fresh(page, prints[page.name])]
    for page in found:
        if page not in stale:
            say(page, "unchanged")
    for group in in_turns(stale):
        _execute_all(group, prints, say)
    return found


def in_turns(found: list[Page]) -> list[list[Page]]:
    """What may run side by side: all but the scoreboard, then that.

    Ordered so that neighbours are of different wings: pages of one wing share runs, and would
    wait for each other.
    """
    others = [page for page in found if page.name != LAST]
    others.sort(key=lambda page: page.name.rpartition("/")[2])
    return [others, [page for page in found if page.name == LAST]]


def _execute_all(
    group: list[Page], prints: dict[str, str], say: Callable[[Page, str], None]
) -> None:
    """Execute notebooks side by side; after a failure those that run end, no other starts.

    Ctrl-C ends those that run, too.
    """
    if group:
        forked.prepare(kernel_environment(group[0].profile))
    with ThreadPoolExecutor(side_by_side(group[0].profile) if group else 1) as pool:
        running = {pool.submit(execute, page, prints[page.name]): page for page in group}
        try:
            for done in as_completed(running):
                say(running[done], _spent(running[done], *done.result()))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in psutil.Process().children(recursive=True):
                child.kill()
            raise
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _spent(page: Page, minutes: float, peak: float) -> str:
    late = f"  over its budget of {page.minutes:g} min" if minutes > page.minutes else ""
    return f"{minutes:5.2f} min  {peak:6.0f} MB{late}"


def build_site(found: list[Page], output: Path) -> Path:
    """Lay the notebooks into book/nb and make the site of them, one process at a time."""
    with locked(ROOT / "build" / "site", "another site is being made: waiting for it"):
        _publish_notebooks(found)
        return site.build(found[0].profile, output)


def _publish_notebooks(found: list[Page]) -> None:
    """book/nb holds exactly these notebooks, as readers get them."""
    shutil.rmtree(ROOT / "book" / "nb", ignore_errors=True)
    for page in found:
        shown = for_site(json.loads(page.executed.read_text(encoding="utf-8")), page.name)
        text = json.dumps(shown, indent=1)
        write_atomic(ROOT / "book" / "nb" / f"{page.name}.ipynb", text.encode())


def main(argv: list[str] | None = None) -> int:
    """Build the book; 0 when every notebook ran and the site has no fault."""
    parser = argparse.ArgumentParser(prog="stflow_lib book", description="build the book")
    parser.add_argument("--profile", choices=profiles.PAGES, default="smoke")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "book",
        help="folder that receives _build/html (default: book)",
    )
    chosen = parser.parse_args(argv)
    if INSTALLED:
        parser.error("the book is made from a checkout, this package is installed")
    start = time.monotonic()
    try:
        index = build_site(run_notebooks(chosen.profile), chosen.output.resolve())
    except (BookError, profiles.ProfileError, site.SiteError, DataError, OSError) as fault:
        print(f"\nbook: {fault}", file=sys.stderr)
        return 1
    print(f"{chosen.profile} book in {(time.monotonic() - start) / 60:.1f} min, open {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
