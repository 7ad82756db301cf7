"""book.py: what is run again and what is not, what a failure says, what the site is given."""

import json
from itertools import pairwise

import pytest

from stflow_lib.book import build as book

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

    def __init__(self, **parameters):
        self.parameters = parameters

    def notebooks(self):
        return ["part/page", "scoreboard"]

    def notebook(self, name, profile):
        known = self.parameters if name == "part/page" else {}
        return {"minutes": 1, "parameters": known}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A root with two notebooks, a library file, a lock, a result and a data folder."""
    for name, text in {
        "notebooks/part/page.py": GOOD,
        "notebooks/scoreboard.py": GOOD,
        "stflow_lib/code.py": "x = 1",
        "requirements.lock": "a==1",
        "book/results/wing.csv": "rmse\n1",
        "book/claims/paper.csv": "id\n1",
        "book/equations.csv": "paper\n1",
        "notebooks/profiles.yaml": "tables: {}",
        "tests/kernels/proofs/mutations.csv": "kernel\n1",
        "data/city.bin": "counts",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(book, "profiles", Profiles(n=2))
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "data"))
    return tmp_path


def prints(profile="smoke"):
    return book.fingerprints(book.pages(profile))


@pytest.mark.parametrize(
    "name",
    [
        "stflow_lib/code.py",
        "requirements.lock",
        "book/results/wing.csv",
        "book/claims/paper.csv",
        "book/equations.csv",
        "notebooks/profiles.yaml",
        "tests/kernels/proofs/mutations.csv",
        "data/city.bin",
    ],
)
def test_a_change_anywhere_below_reruns_every_page(house, name):
    """A page that shows yesterday's code or data under today's text is a lie."""
    before = prints()
    (house / name).write_text("something else")
    after = prints()
    assert all(before[page] != after[page] for page in before)


def test_a_change_of_one_page_reruns_it_and_the_scoreboard(house, monkeypatch):
    """The scoreboard reads what the other pages left; they do not read each other."""
    before = prints()
    (house / "notebooks/scoreboard.py").write_text(GOOD + "# more\n")
    after = prints()
    assert before["part/page"] == after["part/page"]
    assert before["scoreboard"] != after["scoreboard"]
    monkeypatch.setattr(book, "profiles", Profiles(n=3))
    final = prints()
    assert all(after[page] != final[page] for page in final)


def test_profiles_have_executed_notebooks_of_their_own(house):
    """From smoke to lab and back must run nothing again, and never mix."""
    smoke, lab = book.pages("smoke")[0], book.pages("lab")[0]
    assert smoke.executed != lab.executed and prints("smoke") != prints("lab")


def test_derived_maps_in_the_data_folder_are_no_input(house):
    """The pages write these themselves; as inputs they would make every page stale at once."""
    before = prints()
    (house / "data/derived").mkdir()
    (house / "data/derived/maps.npz").write_text("cache")
    assert prints() == before


def test_a_page_without_a_source_is_named(house):
    """A typo in profiles.yaml must not silently shorten the book."""
    (house / "notebooks/scoreboard.py").unlink()
    with pytest.raises(book.BookError, match="scoreboard"):
        book.pages("smoke")


def test_pages_run_once_with_their_parameters(house, capsys):
    """Second build: nothing runs. The kernel sees the profile, the root and the parameter."""
    book.run_notebooks("smoke")
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
    page.executed.write_text("{}")
    book._publish_notebooks([page])
    assert not stray.exists() and (house / "book/nb/part/page.ipynb").exists()


def run_main(house, text) -> int:
    (house / "notebooks/part/page.py").write_text(text)
    return book.main(["--profile", "smoke"])


def test_a_failing_cell_stops_the_build_and_is_named(house, capsys):
    """Sphinx would build the page of a broken notebook without a word."""
    assert run_main(house, GOOD + "\n# %%\nlost = n / 0\n") == 1
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


def test_an_unknown_parameter_stops_the_build(house, monkeypatch, capsys):
    """papermill injects it and warns; the page then runs at its default size."""
    monkeypatch.setattr(book, "profiles", Profiles(size=2))
    assert run_main(house, GOOD) == 1
    assert "sets size, which is no parameter" in capsys.readouterr().err


def test_a_damaged_executed_notebook_is_run_again(house):
    """A build killed while writing must not leave a page that counts as done."""
    page = book.pages("smoke")[0]
    page.executed.parent.mkdir(parents=True)
    for text in ("", "{", "{}", '{"metadata": {}}'):
        page.executed.write_text(text)
        assert not book.is_fresh(page, "abc")
    page.executed.write_text('{"metadata": {"stflow": {"inputs": "abc"}}}')
    assert book.is_fresh(page, "abc") and not book.is_fresh(page, "abd")
