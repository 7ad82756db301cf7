"""Runs with records made by hand, for pages that lay them out; a book of two pages."""

from importlib import import_module

import pytest

from stflow_lib.book import build, pages
from stflow_lib.runs import Run, execute

# the package has functions of these names
TABLE, publish = map(import_module, ("stflow_lib.runs.table", "stflow_lib.runs.publish"))


@pytest.fixture
def recorded(monkeypatch):
    """Makes a run whose record, found like a stored one, has the errors given; None: none."""
    records = {}
    monkeypatch.setattr(TABLE, "find", lambda run: records.get(run.key))
    monkeypatch.setattr(execute, "find", lambda run: records.get(run.key))

    def make(method, city, errors, seed=0, scarcity="3", epochs=1, curves=None, notes=None):
        run = Run("gridflow", method, city, "P60", scarcity, "lab", seed)
        found = {name if "_" in name else f"metric_{name}": value
                 for name, value in (errors or {}).items()}  # fmt: skip
        if errors is not None:
            place = {"method": method, "city": city, "scarcity": scarcity, "seed": seed,
                     "protocol": run.protocol}  # fmt: skip
            records[run.key] = place | found | {
                "key": run.key, "epochs": epochs, "curves": curves or {}, "notes": notes or {},
                "stale": False, "profile": "lab", "device": "cpu", "source_hash": "abc",
                "date": "2026-11-21",
            }  # fmt: skip
        return run

    return make


GOOD = """# %% [markdown]
# # A page

# %% tags=["parameters"]
n = 1  # how many

# %%
import os

print(n, os.environ["STFLOW_PROFILE"], os.getcwd())
"""


class Profiles:
    """profiles.py of a book of our own."""

    ProfileError = ValueError
    FILE = None

    def __init__(self, **parameters):
        self.parameters = parameters

    def read(self, file):
        return {"tables": {"wing": {}}}

    def notebooks(self):
        return ["part/page", "scoreboard"]

    def notebook(self, name, profile):
        known = self.parameters if name == "part/page" else {}
        return {"minutes": 1, "parameters": known}


@pytest.fixture
def good() -> str:
    """The source of a page that runs."""
    return GOOD


@pytest.fixture
def parameters(monkeypatch):
    """parameters(name=value, ...): what the book of two pages sets on its first."""
    return lambda **given: monkeypatch.setattr(pages, "profiles", Profiles(**given))


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A root with two notebooks, a library file, a lock, a result and a data folder."""
    for name, text in {
        "notebooks/part/page.py": GOOD,
        "notebooks/scoreboard.py": GOOD,
        "requirements.lock": "a==1",
        "book/results/wing/city.csv": "rmse\n1",
        "book/claims/paper.csv": "id\n1",
        "book/equations.csv": "paper\n1",
        "notebooks/profiles.yaml": "tables: {}",
        "tests/kernels/proofs/mutations.csv": "kernel\n1",
        "data/city.bin": "counts",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for module in (build, pages, publish):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "profiles", Profiles(n=2))
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "data"))
    return tmp_path
