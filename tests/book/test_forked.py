"""A page and its kernel are forks that hold the libraries; whatever they do comes through."""

import json
import os

import pytest

from stflow_lib.book import forked
from stflow_lib.book.papermill import arguments

PAGE = """# %% tags=["parameters"]
n = 1

# %%
import os, sys, time

print(n, os.environ["TOLD"], os.getcwd(), "torch" in sys.modules, "OURS" in os.environ)
print(sys.modules["torch"].get_num_threads())

# %%
from multiprocessing import Pool
import matplotlib.pyplot as plt

with Pool(1) as pool:
    print(pool.map(abs, [-3]), plt.get_backend())

# %%
END
"""
ENVIRONMENT = {**os.environ, "TOLD": "so", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a page with another last cell -> (exit status, texts that it printed, log)."""
    monkeypatch.setenv("OURS", "1")
    forked.prepare(ENVIRONMENT)

    def ask(end="pass", parameters="{n: 2}", wait=True):
        source, target, log = (tmp_path / f"page.{kind}" for kind in ("py", "ipynb", "log"))
        source.write_text(PAGE.replace("END", end))
        call = arguments(source, target, parameters, tmp_path)
        process = forked.start(call, log, ENVIRONMENT, tmp_path)
        if not wait:
            return process
        process.join(60)
        cells = json.loads(target.read_text())["cells"] if target.exists() else []
        texts = ["".join(o.get("text", "")) for c in cells for o in c.get("outputs", [])]
        return process.exitcode, texts, log.read_text()

    return ask


def test_a_kernel_begins_with_libraries_and_with_its_own_environment(run, tmp_path):
    """Half of a short page's time went into importing them."""
    status, texts, _ = run()
    assert status == 0
    assert texts[0].split() == ["2", "so", f"{tmp_path}", "True", "False", "1"]


def test_a_kernel_may_have_processes_and_shows_figures_in_the_page(run):
    texts = run()[1]
    assert texts[1].lower() == "[3] module://matplotlib_inline.backend_inline\n"


def test_an_error_in_a_cell_and_an_unknown_parameter_come_through(run):
    status, _, log = run("1 / 0")
    assert status == 1 and "ZeroDivisionError" in log
    assert "unknown parameter: other" in run(parameters="{other: 2}")[2]


def test_papermill_that_never_begins_leaves_no_kernel(run):
    """The fork that waits for a connection file would wait for ever, and papermill for it."""
    status, _, log = run(parameters="{n: ")
    assert status not in (0, None) and "yaml" in log


def test_a_kernel_that_dies_is_an_error(run):
    status, _, log = run("os._exit(7)")
    assert status not in (0, None) and "DeadKernelError" in log
