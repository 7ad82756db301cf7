"""Files come into being whole, or not at all."""

import os
import signal
import time
from glob import escape

import pytest
from tqdm import tqdm

from stflow_lib.data.files import write
from stflow_lib.data.files.write import locked, write_atomic, writing


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


def test_content_that_comes_in_pieces_is_whole_or_absent(tmp_path):
    """What fails on the way leaves the old file; until the end the new one has another name."""
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")
    with pytest.raises(ZeroDivisionError), writing(path) as file:
        file.write(b"new")
        1 / 0
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
    with writing(path) as file:
        file.write(b"in ")
        file.write(b"pieces")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"in pieces" and len(list(tmp_path.iterdir())) == 1


def test_file_and_name_are_brought_to_the_disk(tmp_path, monkeypatch):
    """After a power cut a renamed file without its content is empty."""
    steps, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(
        write.os,
        "fsync",
        lambda h: (steps.append(os.path.isdir(f"/proc/self/fd/{h}")), sync(h)),
    )
    monkeypatch.setattr(write.os, "replace", lambda *a: (steps.append("named"), replace(*a)))
    write_atomic(tmp_path / "a.bin", b"whole")
    assert steps == [False, "named", True]


def killed_writer(path):
    """Leaves what a writer leaves that is killed in the middle."""
    if (child := os.fork()) == 0:
        with writing(path) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    return next(path.parent.glob(f".{escape(path.name)}.*.part"))


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path):
    path = tmp_path / "a[1].bin"
    assert killed_writer(path).read_bytes() == b"half" and not path.exists()
    other = killed_writer(tmp_path / "a[1].bin.csv")
    write_atomic(path, b"whole")
    assert sorted(tmp_path.iterdir()) == [other, path]


def test_what_a_living_writer_holds_stays(tmp_path):
    """The number of a process says little: another host, or a later process, may have it."""
    path = tmp_path / "a.bin"
    with writing(path) as slow:
        slow.write(b"slow")
        write_atomic(path, b"fast")
        assert path.read_bytes() == b"fast"
    assert path.read_bytes() == b"slow" and list(tmp_path.iterdir()) == [path]


def test_what_another_host_left_goes_after_a_day(tmp_path, monkeypatch):
    """Its locks may not be seen from here."""
    path = tmp_path / "a.bin"
    with monkeypatch.context() as patch:
        patch.setattr(write, "HOST", "0ther000")
        left = killed_writer(path)
    write_atomic(path, b"whole")
    assert left.exists()
    os.utime(left, (0, time.time() - 2 * write.DAY))
    write_atomic(path, b"whole")
    assert not left.exists()


def test_a_writer_whose_file_was_taken_for_a_leftover_takes_another(tmp_path, monkeypatch):
    """Between its making and its lock somebody may remove it."""
    flock, path = write.flock, tmp_path / "a.bin"

    def late(file, how):
        monkeypatch.setattr(write, "flock", flock)
        os.unlink(file.name)
        flock(file, how)

    monkeypatch.setattr(write, "flock", late)
    write_atomic(path, b"whole")
    assert path.read_bytes() == b"whole"


def test_locked_is_for_one_at_a_time(tmp_path, race):
    """Read, add one, write: without the lock most are lost."""
    path = tmp_path / "new" / "count"

    def count(_):
        for _ in range(20):
            with locked(path.parent):
                before = int(path.read_text()) if path.exists() else 0
                write_atomic(path, str(before + 1).encode())

    assert race(count, 3, {}) == [0, 0, 0]
    assert path.read_text() == "60" and list(path.parent.iterdir()) == [path]


def test_a_lock_falls_with_its_process_and_says_what_is_waited_for(tmp_path, race, capfd):
    def hold(index):
        time.sleep(index / 5)
        with locked(tmp_path, "waiting"):
            time.sleep(60 if index == 0 else 0)

    assert race(hold, 2, {0: 0.6}) == [-signal.SIGKILL, 0]
    assert capfd.readouterr().err == "waiting\n"


def test_a_process_that_is_killed_in_its_progress_bar_stops_nobody_else(race):
    """The bars' lock is shared with forked processes: kept by a dead one, it would stop us all."""

    def hold(_):
        with tqdm.get_lock():
            time.sleep(60)

    shared = tqdm.get_lock().locks[0]
    assert race(hold, 1, {0: 0.3}) == [-signal.SIGKILL]
    assert shared.acquire(timeout=5)
    shared.release()
