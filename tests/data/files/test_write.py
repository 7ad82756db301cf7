"""Files come into being whole, or not at all."""

import os

import pytest

from stflow_lib.data.files import write
from stflow_lib.data.files.write import write_atomic


def test_content_arrives_and_replaces_what_was_there(tmp_path):
    """Folders are made on the way, and no helper file stays beside the result."""
    path = tmp_path / "new" / "folder" / "a.bin"
    for content in (b"one", b"two, and longer", b""):
        write_atomic(path, content)
        assert path.read_bytes() == content
        assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch, step):
    """A full disk or a kill in the middle: a reader must never see half of a file."""
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(write.os, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_atomic(path, b"new")
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_the_file_is_complete_before_it_gets_its_name(tmp_path, monkeypatch):
    """Renamed first and written later, it would be seen empty."""
    seen, replace = [], os.replace

    def noted(aside, path):
        seen.append(aside.read_bytes())
        return replace(aside, path)

    monkeypatch.setattr(write.os, "replace", noted)
    write_atomic(tmp_path / "a.bin", b"whole")
    assert seen == [b"whole"]
