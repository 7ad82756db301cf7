"""`make lab`: a source opens as a notebook in JupyterLab, and runs."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from stflow_lib.book.papermill import read_source

ROOT = Path(__file__).resolve().parents[2]
PAGE = "data/03_simulated_cities.py"
TOKEN = "local"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready, seconds: float, what: str):
    """The first true answer of `ready()`, asked twice a second; a failure names `what`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ready():
            return answer
        time.sleep(0.5)
    pytest.fail(f"{what} did not happen in {seconds:g} s")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A copy of one source and the pairing settings: running it must not touch the sources."""
    copy = tmp_path_factory.mktemp("lab")
    for name in ("jupytext.toml", PAGE):
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / "notebooks" / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def lab(folder, chromium, tmp_path_factory):
    """Address of a JupyterLab started by `make lab` over the copy."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    port = free_port()
    arguments = f"--no-browser --allow-root --port={port} --IdentityProvider.token={TOKEN}"
    log = tmp_path_factory.mktemp("log") / "lab.log"
    environment = {**os.environ, "STFLOW_RUNS": str(folder / "runs")}
    command = ["make", "lab", f"LABROOT={folder}", f"LABARGS={arguments}"]
    with log.open("w") as out:
        started = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=out, env=environment, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}/api?token={TOKEN}", started), 90, "its start")
        yield address
    except ChildProcessError:
        pytest.fail(f"make lab ended: {log.read_text()}")
    finally:
        stop(started)


def stop(started: subprocess.Popen) -> None:
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(timeout=30)


def answers(url: str, started: subprocess.Popen) -> bool:
    if started.poll() is not None:
        raise ChildProcessError
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="module")
def ran(lab, folder, browser) -> tuple[dict, list[str]]:
    """The notebook that JupyterLab saved after Run All, and requests to other hosts."""
    page, foreign = browser.new_page(viewport={"width": 1300, "height": 1000}), []
    page.on("request", lambda r: foreign.append(r.url) if outside(r.url) else None)
    page.goto(f"{lab}/lab/tree/{PAGE}?reset&token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)  # nobody is asked
    for label in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=label, exact=True).click()
    saved = (folder / PAGE).with_suffix(".ipynb")

    def finished() -> dict | None:
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1500)
        notebook = json.loads(saved.read_text()) if saved.exists() else {"cells": []}
        last = [c for c in notebook["cells"] if c["cell_type"] == "code"][-1:]
        return notebook if last and (last[0]["execution_count"] or errors(notebook)) else None

    notebook = wait_until(finished, 180, "Run All Cells")
    page.close()
    return notebook, foreign


def outside(url: str) -> bool:
    return not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", url)


def errors(notebook: dict) -> list[str]:
    outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]


def test_a_source_opens_as_a_notebook_and_every_cell_runs(ran):
    """Without the viewer's setting a .py opens as text, and nobody finds the notebook."""
    notebook, _ = ran
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    expected = [
        c for c in read_source(ROOT / "notebooks" / PAGE).cells if c.cell_type == "code"
    ]
    assert not errors(notebook) and len(cells) == len(expected)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert any(
        "image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"]
    )


def test_saving_in_lab_leaves_the_source_as_it_was(ran, folder):
    """Pairing settings that are lost write headers and outputs' metadata into the source."""
    assert (folder / PAGE).read_text() == (ROOT / "notebooks" / PAGE).read_text()


def test_lab_asks_no_other_host(ran):
    """No news, no update check, no CDN."""
    assert not ran[1]
