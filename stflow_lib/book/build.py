"""The build of the book: every notebook through papermill, then the site.

    python -m stflow_lib book --profile smoke

A notebook whose inputs are the same as last time is not run again. Its inputs are the source,
its parameters, the files of INPUTS and those in the data folder; a hash of them travels in the
executed notebook's metadata. Executed notebooks are kept per profile in build/nb/PROFILE and the
site in build/site/PROFILE, so that going from one profile to another and back runs nothing. At
smoke size notebooks run side by side, one thread each; the other profiles measure time, so there
each has the machine alone.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from stflow_lib import ROOT
from stflow_lib.book import site
from stflow_lib.data.catalog.entry import data_folder
from stflow_lib.runs import profiles
from stflow_lib.training.memory import watch_process

INPUTS = (  # of every notebook, beside its source and the data
    "stflow_lib/**/*.py", "requirements.lock", "notebooks/profiles.yaml", "book/results/*",
    "book/claims/*", "book/equations.csv", "tests/kernels/proofs/mutations.csv",
)  # fmt: skip
MOST = 4  # notebooks side by side: each takes about 1 GB of memory
LAST = "scoreboard"  # reads what all others left, so it depends on all of them
# Papermill's command. At import jsonschema would make a grammar of web addresses that no notebook
# needs, in two seconds for every page; where the module is missing it goes on without.
PAPERMILL = (
    "import sys; sys.modules['rfc3987_syntax'] = None; "
    "from papermill.cli import papermill; papermill()"
)
TRANSPORT = "Kernel is running over TCP without encryption"


class BookError(Exception):
    """The build cannot go on; the message says which notebook and which cell."""


@dataclass(frozen=True)
class Page:
    """One notebook of the book under one profile."""

    name: str  # "data/01_cities": where it lies in notebooks/, without .py
    profile: str  # smoke, lab or paper
    parameters: dict  # what papermill injects
    minutes: float  # its budget

    @property
    def source(self) -> Path:
        """The py:percent file."""
        return ROOT / "notebooks" / f"{self.name}.py"

    @property
    def executed(self) -> Path:
        """The .ipynb with outputs, kept for this profile."""
        return ROOT / "build" / "nb" / self.profile / f"{self.name}.ipynb"


def pages(profile: str) -> list[Page]:
    """The notebooks of the book in reading order, with their parameters under `profile`."""
    found = []
    for name in profiles.notebooks():
        entry = profiles.notebook(name, profile)
        found.append(Page(name, profile, dict(entry["parameters"]), float(entry["minutes"])))
    missing = [page.name for page in found if not page.source.exists()]
    if missing:
        raise BookError(f"notebooks/profiles.yaml names no such source: {', '.join(missing)}")
    return found


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(
        b"\0".join(hashlib.sha256(part).digest() for part in parts)
    ).hexdigest()


def _files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def shared_inputs() -> str:
    """Hash of what every notebook depends on: the files of INPUTS and the data folder."""
    texts = _files(*INPUTS)
    named = [f"{path.relative_to(ROOT)}".encode() + path.read_bytes() for path in texts]
    return _digest(*named, json.dumps(data_state()).encode())


def data_state() -> list[tuple[str, int, int]]:
    """Name, size and time of change of every file in the folder STFLOW_DATA."""
    folder = data_folder()
    listed = sorted(path for path in folder.rglob("*") if path.is_file())
    derived = folder / "derived"  # made from the others, by the notebooks themselves
    return [
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in listed
        if derived not in path.parents
    ]


def fingerprints(found: list[Page]) -> dict[str, str]:
    """A hash of all inputs of each notebook; the scoreboard's holds every other's."""
    shared, result = shared_inputs().encode(), {}
    for page in sorted(found, key=lambda page: page.name == LAST):
        own = json.dumps([page.name, page.profile, page.parameters], sort_keys=True).encode()
        before = json.dumps(result).encode() if page.name == LAST else b""
        result[page.name] = _digest(page.source.read_bytes(), own, shared, before)
    return result


def is_fresh(page: Page, fingerprint: str) -> bool:
    """Whether the executed notebook came from exactly these inputs."""
    try:
        stored = json.loads(page.executed.read_text())["metadata"]["stflow"]
    except (FileNotFoundError, KeyError, json.JSONDecodeError):
        return False
    return stored["inputs"] == fingerprint


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
        "STFLOW_PROFILE": profile,
    }


def execute(page: Page, fingerprint: str) -> tuple[float, float]:
    """Run one notebook in a process of its own -> minutes and peak memory in MB.

    The executed notebook appears under its name only when every cell has run.
    """
    page.executed.parent.mkdir(parents=True, exist_ok=True)
    partial = page.executed.with_suffix(".partial.ipynb")
    partial.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-c",
        PAPERMILL,
        f"jupytext://{page.source}",
        str(partial),
        "--parameters_yaml",
        yaml.safe_dump(page.parameters),
        "--kernel",
        "python3",
        "--cwd",
        str(ROOT),
        "--no-progress-bar",
    ]
    log, start = page.executed.with_suffix(".log"), time.monotonic()
    with log.open("w") as out:
        status, peak = watch_process(
            psutil.Popen(
                command, stdout=out, stderr=out, cwd=ROOT, env=kernel_environment(page.profile)
            )
        )
    minutes = (time.monotonic() - start) / 60
    _raise_if_failed(page, partial, log.read_text(), status)
    notebook = json.loads(partial.read_text())
    notebook["metadata"]["stflow"] = {
        "inputs": fingerprint,
        "profile": page.profile,
        "minutes": round(minutes, 2),
        "peak_memory_mb": round(peak),
    }
    partial.write_text(json.dumps(notebook, indent=1))
    partial.replace(page.executed)
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
    """Execute what is not fresh, one line each, and lay all of them into book/nb."""
    found = pages(profile)
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
    _publish_notebooks(found)
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
    """Execute notebooks side by side; after a failure those that run end, no other starts."""
    with ThreadPoolExecutor(side_by_side(group[0].profile) if group else 1) as pool:
        running = {pool.submit(execute, page, prints[page.name]): page for page in group}
        try:
            for done in as_completed(running):
                say(running[done], _spent(running[done], *done.result()))
        except BaseException:  # also Ctrl-C
            pool.shutdown(cancel_futures=True)
            raise


def _spent(page: Page, minutes: float, peak: float) -> str:
    late = f"  over its budget of {page.minutes:g} min" if minutes > page.minutes else ""
    return f"{minutes:5.2f} min  {peak:6.0f} MB{late}"


def _publish_notebooks(found: list[Page]) -> None:
    """book/nb holds exactly these notebooks."""
    shutil.rmtree(ROOT / "book" / "nb", ignore_errors=True)
    for page in found:
        target = ROOT / "book" / "nb" / f"{page.name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page.executed, target)


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
    start = time.monotonic()
    try:
        run_notebooks(chosen.profile)
        index = site.build(chosen.profile, chosen.output.resolve())
    except (BookError, profiles.ProfileError, site.SiteError) as fault:
        print(f"\nbook: {fault}", file=sys.stderr)
        return 1
    print(f"{chosen.profile} book in {(time.monotonic() - start) / 60:.1f} min, open {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
