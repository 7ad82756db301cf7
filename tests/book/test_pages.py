"""Which pages the book has, and when what was executed of them still holds."""

import json

import pytest

from stflow_lib.book import pages as book


def prints(profile="smoke"):
    return book.fingerprints(book.pages(profile))


@pytest.mark.parametrize(
    "name",
    [
        "stflow_lib/code.py",
        "requirements.lock",
        "book/results/wing/city.csv",
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


def test_a_change_of_one_page_reruns_it_and_the_scoreboard(house, good, parameters):
    """The scoreboard reads what the other pages left; they do not read each other."""
    before = prints()
    (house / "notebooks/scoreboard.py").write_text(good + "# more\n")
    after = prints()
    assert before["part/page"] == after["part/page"]
    assert before["scoreboard"] != after["scoreboard"]
    parameters(n=3)
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


def test_files_on_their_way_are_no_input(house):
    """A download beside the build made pages stale, or ended it when its file was renamed."""
    before = prints()
    for name in ("data/.city.bin.0-1-2.part", "book/results/wing/.city.csv.0-1-2.part"):
        (house / name).write_text("half")
    assert prints() == before


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
