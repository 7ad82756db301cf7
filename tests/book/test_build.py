"""book.py: what is run again and what is not, what a failure says, what the site is given."""

import json
import multiprocessing
import os
import signal
import time
from itertools import pairwise
from multiprocessing import forkserver

import psutil
import pytest

from stflow_lib.book import build as book


def test_pages_run_once_with_their_parameters(house, capsys):
    """Second build: nothing runs. The kernel sees the profile, the root and the parameter."""
    book._publish_notebooks(book.run_notebooks("smoke"))
    first = capsys.readouterr().out.splitlines()
    executed = json.loads((house / "book/nb/part/page.ipynb").read_text())
    outputs = [o["text"] for c in executed["cells"] for o in c.get("outputs", [])]
    assert "".join(outputs[-1]) == f"2 smoke {house}\n"
    assert executed["metadata"]["stflow"]["peak_memory_mb"] > 20
    assert first[0].startswith("part/page") and "min" in first[0] and "MB" in first[0]
    book.run_notebooks("smoke")
    assert all(line.endswith("unchanged") for line in capsys.readouterr().out.splitlines())


def test_a_page_that_left_the_book_leaves_the_site(house):
    """A stray notebook in book/nb is a document in no table of contents: a failed build."""
    stray = house / "book/nb/part/old.ipynb"
    stray.parent.mkdir(parents=True)
    stray.write_text("{}")
    page = book.pages("smoke")[0]
    page.executed.parent.mkdir(parents=True)
    title = {"cell_type": "markdown", "metadata": {}, "source": "# Page"}
    page.executed.write_text(json.dumps({"cells": [title]}))
    book._publish_notebooks([page])
    assert not stray.exists() and (house / "book/nb/part/page.ipynb").exists()


def run_main(house, text) -> int:
    (house / "notebooks/part/page.py").write_text(text)
    return book.main(["--profile", "smoke"])


def test_a_failing_cell_stops_the_build_and_is_named(house, good, capsys):
    """Sphinx would build the page of a broken notebook without a word."""
    assert run_main(house, good + "\n# %%\nlost = n / 0\n") == 1
    message = capsys.readouterr().err
    assert "notebooks/part/page.py failed in code cell 4 (lost = n / 0)" in message
    assert "ZeroDivisionError" in message and "\x1b" not in message
    assert not (house / "build/nb/smoke/part/page.ipynb").exists()
    assert not (house / "book/nb").exists()


def test_after_a_failure_no_other_page_starts(house, monkeypatch):
    """The message would stand minutes above the end of the output."""
    started = []

    def fail(page, fingerprint):
        started.append(page.name)
        raise book.BookError(page.name)

    monkeypatch.setattr(book, "execute", fail)
    monkeypatch.setattr(book, "side_by_side", lambda profile: 1)
    with pytest.raises(book.BookError, match="part/page"):
        book.run_notebooks("smoke")
    assert started == ["part/page"]


def test_pages_run_side_by_side_only_where_no_time_is_measured(monkeypatch):
    """Two pages at once make each other's seconds too long; at smoke nobody reads them."""
    monkeypatch.setattr(book.os, "cpu_count", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [book.side_by_side(name) for name in ("smoke", "lab", "paper")] == [2, 1, 1]
    assert book.kernel_environment("smoke")["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in book.kernel_environment("lab")


def test_neighbours_in_the_queue_are_of_different_wings():
    """Pages of one wing share runs: side by side, one would wait for the other's."""
    others, last = book.in_turns(book.pages("smoke"))
    wings = [page.name.partition("/")[0] for page in others[:8]]
    assert all(wing != after for wing, after in pairwise(wings))
    assert [page.name for page in last] == ["scoreboard"]
    assert {page.name for page in others + last} == {p.name for p in book.pages("smoke")}


def test_an_unknown_parameter_stops_the_build(house, good, parameters, capsys):
    """papermill injects it and warns; the page then runs at its default size."""
    parameters(size=2)
    assert run_main(house, good) == 1
    assert "sets size, which is no parameter" in capsys.readouterr().err


def gone(pid: int) -> bool:
    """Whether a process has ended, also where nobody asked for its exit status."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def build_in_a_fork():
    """It has no fork server yet, whatever the process has that it came from."""
    forkserver._forkserver.__init__()
    book.run_notebooks("smoke")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_build_takes_its_notebooks_with_it(house, good, how):
    """Papermill and its kernel went on for an hour, and wrote into the next build."""
    waits = "(open('pid', 'w').write(str(os.getpid())), __import__('time').sleep(600))"
    (house / "notebooks/part/page.py").write_text(f"{good}\n# %%\n{waits}\n")
    driver = multiprocessing.get_context("fork").Process(target=build_in_a_fork)
    driver.start()
    while not ((house / "pid").exists() and (house / "pid").read_text()):
        assert driver.is_alive()
        time.sleep(0.1)
    kernel = int((house / "pid").read_text())
    started = psutil.Process(driver.pid).children(recursive=True)
    assert kernel in {process.pid for process in started}
    os.kill(driver.pid, how)
    driver.join(30)
    end = time.monotonic() + 30
    while not all(gone(process.pid) for process in started) and time.monotonic() < end:
        time.sleep(0.1)
    assert driver.exitcode and all(gone(process.pid) for process in started)
