"""The built site and a browser to look at it, or a skip that says what is missing."""

import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from xdist.scheduler import LoadScopeScheduling

from stflow_lib.data.files.flock import LOCK_EX, flock

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site" / "smoke"
OWN = {"STFLOW_RUNS", "OMP_NUM_THREADS"}  # set for tests, not meant for the book
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing leaves the machine
]
OVER = "() => document.documentElement.scrollWidth - window.innerWidth"
LOADED = "[...document.images].every(image => image.complete)"  # another one, for another width
measures = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("measures.py"))))
PAGES = set(measures.pages())

# What a reader would stumble over, measured in the page.
LOOK = """() => {
  const seen = element => element.getClientRects().length > 0;
  const article = document.querySelector('article') || document.body;
  const images = [...document.images].filter(seen);
  const plots = [...article.querySelectorAll('.plotly-graph-div')];
  return {
    title: document.title,
    text: article.innerText,
    broken: images.filter(i => !i.complete || !i.naturalWidth).map(i => i.src),
    pictures: article.querySelectorAll('.cell_output img').length,
    plots: plots.length,
    blank: plots.filter(p => !p.querySelector('svg.main-svg, canvas')).length,
    formulas: article.querySelectorAll('mjx-container').length,
    raw: [...article.querySelectorAll('.math')]
      .filter(m => !m.querySelector('mjx-container')).length,
    wrong: [...document.querySelectorAll('mjx-merror')].map(m => m.textContent),
  }
}"""


@dataclass
class Visit:
    """What one look at a page brought."""

    errors: list[str] = field(default_factory=list)  # of the console, and uncaught ones
    foreign: list[str] = field(default_factory=list)  # requests to another host
    failed: list[str] = field(default_factory=list)  # requests that got no answer
    seen: dict = field(default_factory=dict)  # what LOOK measured
    over: dict[int, int] = field(default_factory=dict)  # width -> pixels beyond it
    measured: dict[int, dict] = field(default_factory=dict)  # width -> what `measured` found

    def listen(self, page) -> None:
        """Collect everything that the page says and asks for."""
        page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("request", lambda request: self._judge(request.url))

    def _judge(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            self.foreign.append(url)


class ByPage(LoadScopeScheduling):
    """The tests of one page share a process, and with it one visit; others go file by file.

    Marks of groups do not reach the scheduler from pytest 9.2 on.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, given = nodeid.partition("[")
        name = given.removesuffix("]").rpartition("-")[2]
        known = [page for page in (name, f"book/nb/{name}") if page in PAGES]
        return known[0] if known else file.partition("::")[0]


def pytest_xdist_make_scheduler(config, log) -> ByPage:
    """Spread the tests over processes by pages."""
    return ByPage(config, log)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium or Chrome."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    for name in filter(shutil.which, names):
        return shutil.which(name)
    pytest.skip(f"no browser: none of {', '.join(names)} is installed")


@pytest.fixture(scope="session")
def browser(chromium):
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def visit(browser):
    """visit(url, width, ...) -> Visit: open a page as a reader would, wait until it is drawn.

    It is opened at the first width and made as wide as the others afterwards. All visits share a
    cache, so that scripts are read once.
    """
    context = browser.new_context()

    def look(url: str, *widths: int) -> Visit:
        result = Visit()
        page = measures.opened(context, url, widths[0], result.listen)
        result.seen = page.evaluate(LOOK)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(300 * (width != widths[0]))  # plots are drawn anew
            page.wait_for_function(LOADED)
            result.over[width] = page.evaluate(OVER)
            result.measured[width] = measures.measured(page)
        page.close()
        return result

    yield look
    context.close()


@pytest.fixture(scope="session")
def site(request) -> Path:
    """The smoke book, built by its own driver: every notebook, unless nothing has changed.

    `make book` shares what is made here; a book of another profile in book/_build stays.
    """
    environment = {k: v for k, v in os.environ.items() if k not in OWN}
    command = [sys.executable, "-m", "stflow_lib", "book", "--output", str(SITE)]
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():  # its progress lines are for people
        print()
        (ROOT / "build").mkdir(exist_ok=True)
        with open(ROOT / "build" / "site.lock", "w") as lock:  # one process makes it, all wait
            flock(lock, LOCK_EX)
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
    assert done.returncode == 0, f"the smoke book does not build: {done.stderr}"
    return SITE / "_build" / "html"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *words) -> None:
        """No line per request."""


class Server(ThreadingHTTPServer):
    """A page asks for twenty files at once; five may wait by default, the rest stall."""

    request_queue_size = 128
    daemon_threads = True


@pytest.fixture(scope="session")
def serve():
    """serve(folder) -> address of a server of that folder on this machine."""
    servers = []

    def start(folder: Path) -> str:
        handler = partial(Quiet, directory=str(folder))
        servers.append(Server(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def seen(site, serve, visit):
    """seen(page) -> one visit to each page: at a desk, then as wide as a phone."""
    address, known = serve(site), {}

    def look(page: str) -> Visit:
        if page not in known:
            known[page] = visit(f"{address}/{page}.html", *measures.WIDTHS)
        return known[page]

    return look


@pytest.fixture(scope="session")
def executed(site):
    """executed(name) -> cells of the notebook behind a page."""
    folder = ROOT / "build" / "nb" / "smoke"
    return lambda name: json.loads((folder / f"{name}.ipynb").read_text())["cells"]
