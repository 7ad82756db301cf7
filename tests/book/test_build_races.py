"""Two builds of one book at once, some are killed: nothing runs twice, is halved or left over."""

import json
import multiprocessing
import os
import random
import sys
from pathlib import Path

import psutil
import pytest

from stflow_lib.book import build, forked
from stflow_lib.book.papermill import HANDLER

# Papermill, without a kernel: writes the notebook cell by cell and takes its time.
WRITER = """
import json, os, sys, time
source, target, log = sys.argv[1:]
print(os.getpid(), source, file=open(log, "a"), flush=True)
for number in range(1, 6):
    text = json.dumps({"cells": [source] * number, "metadata": {}})
    with open(target, "w") as out:
        out.write(text[:20])
        out.flush()
        time.sleep(0.005)
        out.write(text[20:])
"""


@pytest.fixture
def log(house, monkeypatch):
    """The book of two pages without kernels; a line (process, page) for each that was begun."""
    path = house / "log"

    def start(call, log, environment, folder):
        source, target = Path(call[0].removeprefix(HANDLER.scheme)), call[1]
        log.touch()
        command = [sys.executable, "-S", "-c", WRITER, source.stem, target, str(path)]
        process = multiprocessing.get_context("fork").Process(
            target=os.execv, args=(sys.executable, command)
        )
        process.start()
        return process

    monkeypatch.setattr(forked, "prepare", lambda environment: None)
    monkeypatch.setattr(forked, "start", start)
    return lambda: [line.split() for line in path.read_text().splitlines()]


@pytest.mark.parametrize("seed", range(12))
def test_two_builds_with_kills(house, log, race, seed):
    draw = random.Random(seed)
    kills = {draw.randrange(2): draw.uniform(0.02, 0.3)} if seed % 3 else {}
    codes = race(lambda _: build.run_notebooks("smoke"), 2, kills)
    assert [codes[i] for i in range(2) if i not in kills] == [0] * (2 - len(kills))
    began = [name for _, name in log()]
    assert set(began) == {"page", "scoreboard"} and len(began) <= 2 + len(kills)
    build.run_notebooks("smoke")
    assert len(log()) == len(began)  # the second build found everything
    assert not any(writes(int(pid)) for pid, _ in log())
    for page in build.pages("smoke"):
        found = json.loads(page.executed.read_text())
        assert found["cells"] == [page.source.stem] * 5
    left = {path.name for path in (house / "build/nb").rglob("*.*")}
    assert left == {
        f"{name}.{kind}" for name in ("page", "scoreboard") for kind in ("ipynb", "log")
    }


def writes(pid: int) -> bool:
    """Whether a writer goes on; nobody may have asked for the exit status of a dead one."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
