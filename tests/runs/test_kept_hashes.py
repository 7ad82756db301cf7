"""A hash is looked up only where nothing that it depends on has changed."""

import os

import pytest

from stflow_lib.runs import kept_hashes, store
from stflow_lib.runs.kept_hashes import kept_hash

A, B = "a" * 64, "b" * 64


@pytest.fixture
def file(tmp_path, wing):
    path = tmp_path / "city.csv"
    path.write_text("1")
    assert kept_hash(("city",), [path], lambda: A) == A
    return path


def test_the_second_time_nothing_is_opened(file):
    assert kept_hash(("city",), [file], lambda: B) == A


def change_text(file, monkeypatch):
    file.write_text("12")


def change_time(file, monkeypatch):
    os.utime(file, ns=(1, 1))


def change_code(file, monkeypatch):
    monkeypatch.setattr(kept_hashes, "code_of", lambda room: "other")


def damage(file, monkeypatch):
    (path,) = store.runs_folder("hashes").iterdir()
    path.write_text(A[:10])


@pytest.mark.parametrize("change", [change_text, change_time, change_code, damage])
def test_whatever_changes_it_is_made_anew(file, monkeypatch, change):
    """A hash of old data would call records fresh that are not."""
    change(file, monkeypatch)
    assert kept_hash(("city",), [file], lambda: B) == B


def test_another_name_is_another_hash(file):
    assert kept_hash(("other",), [file], lambda: B) == B


def test_a_store_that_cannot_be_written_keeps_nothing(file, tmp_path, monkeypatch):
    (tmp_path / "full").write_text("")
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "full"))
    assert kept_hash(("city",), [file], lambda: A) == A
    assert kept_hash(("city",), [file], lambda: B) == B
