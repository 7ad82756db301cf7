"""Which pages the book has, and when what was executed of them still holds."""

import json
import shutil
from copy import deepcopy
from importlib import import_module

import pytest

from stflow_lib.book import pages as book


def prints(profile="smoke"):
    return book.fingerprints(book.pages(profile))


@pytest.mark.parametrize("name", ["requirements.lock", "stflow_lib/book/build.py"])
def test_versions_and_the_way_to_run_are_input_of_every_page(house, name):
    before = prints()
    (house / name).parent.mkdir(parents=True, exist_ok=True)
    (house / name).write_text("something else")
    after = prints()
    assert all(before[page] != after[page] for page in before)


@pytest.fixture(scope="module")
def copy(tmp_path_factory, root):
    """A copy of the package and the pages."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("stflow_lib", "notebooks"):
        shutil.copytree(root / name, folder / name, ignore=lambda *_: {"__pycache__"})
    return folder


@pytest.fixture
def whole(copy, monkeypatch):
    """The book's own pages, package and tables, without results and data."""
    monkeypatch.setattr(book, "ROOT", copy)
    monkeypatch.setenv("STFLOW_RESULTS", str(copy / "book/results"))
    monkeypatch.setenv("STFLOW_DATA", str(copy / "data"))
    return copy


def rerun(whole, name, text="# more\n") -> set[str]:
    """The pages that run again after `text` was added to a file, by folder where all of it does."""
    before, path = prints(), whole / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)
    after = prints()
    changed = {page for page in after if after[page] != before[page]}
    folders = {page.partition("/")[0] for page in after}
    for folder in folders:
        inside = {page for page in after if page.startswith(f"{folder}/")}
        changed = (changed - inside) | {folder} if inside and inside <= changed else changed
    return changed


WINGS = {"finegrained", "gridflow", "speedgraph"}
LAST = {"scoreboard", "equations"}
OVERVIEWS = {"at_a_glance", "what_to_use"}  # of records and methods of every wing
OWN = {"your_city/04_add_a_method"}  # loads a file of any name, so anything may be its input
CLUSTER = {"your_city/05_on_a_cluster"}  # computes runs of any wing


def test_a_kernel_is_input_where_it_may_be_called(whole):
    """The pages on cities know no tensors: they need not run again."""
    assert rerun(whole, "stflow_lib/kernels/ops/conserve.py") == WINGS | LAST | OVERVIEWS | {
        "kernels", "your_city",
    }  # fmt: skip
    assert rerun(whole, "stflow_lib/kernels/triton_ops/conserve.py") >= {"kernels"}


def test_a_method_is_input_of_its_wing(whole):
    """Also through pages that compare wings; results of the other wings stay."""
    urbanfm = rerun(whole, "stflow_lib/finegrained/baselines/urbanfm.py")
    pages = {"finegrained", "kernels/08_benchmarks", "your_city/02_fine_map"}
    assert urbanfm == pages | LAST | OVERVIEWS | OWN | CLUSTER
    demand = rerun(whole, "stflow_lib/gridflow/stbat/dap.py")
    assert "gridflow" in demand and not demand & {
        "finegrained",
        "data",
        "speedgraph/03_results",
    }


def test_a_record_is_input_of_its_wing(whole):
    """Tables are made of records; so are the arrays beside them."""
    found = rerun(whole, "book/results/speedgraph/la.csv")
    pages = {"kernels/05_skewed_direction", "kernels/08_benchmarks"}
    pages |= {"your_city/01_forecast_demand", "your_city/03_forecast_speeds"}
    assert found == {"speedgraph"} | pages | LAST | OVERVIEWS | OWN | CLUSTER
    assert "gridflow" in rerun(whole, "book/results/gridflow/arrays/city.json")


def test_a_drawing_is_input_of_its_page(whole):
    """Most changes of a book are such ones."""
    assert (
        rerun(whole, "stflow_lib/book/plots/finegrained/fast_steps.py")
        == {"finegrained/07_fast_steps"} | LAST | OWN
    )


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("book/claims/stbat.csv", {"finegrained/03_results", "scoreboard"}),
        ("book/equations.csv", {"equations"}),
        ("book/urbanstc_starts.csv", {"finegrained/03_results"}),
        ("book/split_intervals.csv", {"finegrained/10_likelihood"}),
        ("book/source_epochs.csv", {"gridflow/05_scarcity"}),
        ("book/speed_intervals.csv", {"speedgraph/06_beyond"}),
        ("tests/kernels/proofs/mutations.csv", {"kernels/09_mutations"}),
        ("book/results/kernels.csv", {"kernels/08_benchmarks"}),
        ("data/city.bin", {"data", "gridflow", "scoreboard"}),
    ],
)
def test_what_a_page_reads_is_input(whole, name, wanted):
    """A page that shows yesterday's claims or data under today's text is a lie."""
    found = rerun(whole, name)
    assert wanted <= found and "kernels/07_masked_error" not in found


def test_every_table_of_the_book_is_input_of_a_page(root):
    """Six of them were not: what had been measured anew did not reach a built book."""
    named = {name for some in book.READS.values() for name in some.split()}
    lying = {f"book/{path.name}" for path in (root / "book").glob("*.csv")}
    assert lying and lying <= named
    for name in book.MEASURED:
        assert import_module(f"stflow_lib.book.{name}").FILE == root / "book" / f"{name}.csv"


def test_sizes_of_tables_are_input_of_their_wing(whole, monkeypatch):
    """The unchanged part of profiles.yaml leaves a page fresh."""
    before, content = prints(), deepcopy(book.profiles.read(book.profiles.FILE))
    content["tables"]["speedgraph"]["lab"]["seeds"] = [7]
    content["notebooks"]["data/01_cities"]["smoke"]["parameters"] = {"new": 1}
    monkeypatch.setattr(book.profiles, "read", lambda path: content)
    after = prints()
    changed = {page for page in after if after[page] != before[page]}
    assert {"data/01_cities", "speedgraph/03_results", "scoreboard"} <= changed
    assert not any(
        page.startswith(("data/02", "finegrained", "kernels/01")) for page in changed
    )


def test_a_change_of_one_page_reruns_it_and_the_scoreboard(house, good, parameters):
    """The scoreboard reads what the other pages left; they do not read each other."""
    before = prints()
    (house / "notebooks/scoreboard.py").write_text(good + "# more\n")
    after = prints()
    assert before["part/page"] == after["part/page"]
    assert before["scoreboard"] != after["scoreboard"]
    parameters(n=3)  # as after a change of its entry in profiles.yaml
    final = prints()
    assert all(after[page] != final[page] for page in final)


def test_profiles_have_executed_notebooks_of_their_own(house):
    """From smoke to lab and back must run nothing again, and never mix."""
    smoke, lab = book.pages("smoke")[0], book.pages("lab")[0]
    assert smoke.executed != lab.executed and prints("smoke") != prints("lab")


def load_cities(house):
    """Let the first page of the house read cities and the records of its wing."""
    for name in ("data/catalog/entry.py", "wing/__init__.py"):
        (house / "stflow_lib" / name).parent.mkdir(parents=True)
        (house / "stflow_lib" / name).write_text("")
    text = "from stflow_lib import wing\nfrom stflow_lib.data.catalog import entry\n"
    (house / "notebooks/part/page.py").write_text(text)


def test_derived_maps_in_the_data_folder_are_no_input(house):
    """The pages write these themselves; as inputs they would make every page stale at once."""
    load_cities(house)
    before = prints()
    (house / "data/derived").mkdir()
    (house / "data/derived/maps.npz").write_text("cache")
    assert prints() == before


def test_a_page_without_a_source_is_named(house):
    """A typo in profiles.yaml must not silently shorten the book."""
    (house / "notebooks/scoreboard.py").unlink()
    with pytest.raises(book.BookError, match="scoreboard"):
        book.pages("smoke")


def test_files_on_their_way_are_no_input(house):
    """A download beside the build made pages stale, or ended it when its file was renamed."""
    load_cities(house)
    before = prints()
    for name in ("data/.city.bin.0-1-2.part", "book/results/wing/.city.csv.0-1-2.part"):
        (house / name).write_text("half")
    assert prints() == before
    for name in ("data/city2.bin", "book/results/wing/city2.csv"):
        (house / name).write_text("whole")
        assert prints()["part/page"] != before["part/page"]
        (house / name).unlink()


@pytest.fixture
def executed(house):
    """A page that is fresh for the hash "abc"."""
    page, notebook = book.pages("smoke")[0], {"cells": [{"source": "n", "outputs": ["1"]}]}
    stamp = {"inputs": "abc", "cells": book.cells_hash(notebook)}
    page.executed.parent.mkdir(parents=True)
    page.executed.write_text(json.dumps(notebook | {"metadata": {"stflow": stamp}}))
    return page


def test_a_page_is_fresh_for_its_own_inputs_alone(executed, capsys):
    assert book.is_fresh(executed, "abc") and not book.is_fresh(executed, "abd")
    executed.executed.unlink()
    assert not book.is_fresh(executed, "abc") and capsys.readouterr().out == ""


@pytest.mark.parametrize("text", [
    b"", b"{", b"{}", b"[]", b"3", b'{"metadata": {}}', b'{"metadata": {"stflow": {}}}',
    b'{"metadata": {"stflow": 1}}', b"\x80\xff", b'{"metadata": {"stflow": {"inputs": "abc"}}}',
])  # fmt: skip
def test_a_damaged_executed_notebook_is_named_set_aside_and_run_again(executed, text):
    """A build killed while writing must not leave a page that counts as done."""
    executed.executed.write_bytes(text)
    with pytest.warns(UserWarning, match=r"page.ipynb: damaged \("):
        assert not book.is_fresh(executed, "abc")
    assert executed.executed.with_name("page.ipynb.damaged").read_bytes() == text
    assert not executed.executed.exists()


def test_a_changed_output_is_damage(executed):
    """One digit of a table, changed on the disk, would stand on the site."""
    whole = executed.executed.read_text()
    executed.executed.write_text(whole.replace('"1"', '"7"'))
    with pytest.warns(UserWarning, match="its cells are not those that were executed"):
        assert not book.is_fresh(executed, "abc")
