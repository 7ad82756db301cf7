"""A damaged checkpoint is named, set aside and made anew; a crash leaves the one before."""

import os
import threading

import pytest
import torch
from torch import nn

from stflow_lib.training import checkpoint, loop
from stflow_lib.training.loop import Training

CPU = torch.device("cpu")


def trained(folder, epochs=3):
    torch.manual_seed(0)
    line = nn.Linear(1, 1)
    loss = lambda batch: (line(batch[:, None].float()) - 1).pow(2).mean()
    history = loop.train(line, loss, torch.arange(4), lambda: {"valid": loss(torch.arange(4))},
                         Training(epochs, batch=2), seed=0, folder=folder)  # fmt: skip
    return history.curves, [p.detach().clone() for p in line.parameters()]


DAMAGE = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "text": lambda content: b"<html>not found</html>",
    "zeros": lambda content: bytes(len(content)),
    "tail": lambda content: content[:-3],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_checkpoint_is_named_set_aside_and_made_anew(tmp_path, kind):
    """Every later run of the same name once failed with an EOFError that named no file."""
    curves, bits = trained(tmp_path)
    path = tmp_path / "fit.pt"
    broken = DAMAGE[kind](path.read_bytes())
    path.write_bytes(broken)
    with pytest.warns(UserWarning, match=r"fit\.pt: not a readable checkpoint") as warned:
        again, same = trained(tmp_path)
    assert str(tmp_path) in str(warned[0].message) and len(warned) == 1
    assert again == curves and all(map(torch.equal, same, bits))
    assert (tmp_path / "fit.pt.damaged").read_bytes() == broken
    assert trained(tmp_path)[0] == curves  # and now it is whole


def test_a_bit_that_flipped_in_a_weight_is_damage(tmp_path):
    """The library compares no checksums: another network would be taken for the trained one."""
    checkpoint.write(tmp_path / "a.pt", {"best": torch.zeros(1000)})
    content = bytearray((tmp_path / "a.pt").read_bytes())
    at = content.index(bytes(4000)) + 2000
    content[at] ^= 1
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.warns(UserWarning, match="another checksum"):
        assert checkpoint.read(tmp_path / "a.pt", CPU, ["best"]) is None


def test_what_is_written_is_read_and_something_else_is_damage(tmp_path):
    checkpoint.write(tmp_path / "deep" / "a.pt", {"epoch": 3, "best": torch.ones(2)})
    state = checkpoint.read(tmp_path / "deep" / "a.pt", CPU, ["epoch", "best"])
    assert state["epoch"] == 3 and torch.equal(state["best"], torch.ones(2))
    assert checkpoint.read(tmp_path / "none.pt", CPU, ["epoch"]) is None
    with pytest.warns(UserWarning, match="KeyError: 'history'"):
        assert checkpoint.read(tmp_path / "deep" / "a.pt", CPU, ["history"]) is None


def test_file_and_folder_are_on_the_disk_before_the_name_counts(tmp_path, monkeypatch):
    """After a power cut a renamed file may be empty, or the renaming undone."""
    order, real = [], {name: getattr(os, name) for name in ("fsync", "replace")}
    for name in real:
        watch = lambda *arguments, name=name: (order.append(name), real[name](*arguments))[1]
        monkeypatch.setattr(os, name, watch)
    checkpoint.write(tmp_path / "a.pt", {})
    assert order == ["fsync", "replace", "fsync"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_writers_of_one_name_do_not_meet(tmp_path):
    """One temporary name for all once let one writer rename the other's half."""

    def write(number):
        for _ in range(20):
            checkpoint.write(tmp_path / "a.pt", {"who": torch.full((5000,), number)})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    who = checkpoint.read(tmp_path / "a.pt", CPU, ["who"])["who"]
    assert len(who) == 5000 and len(who.unique()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]
