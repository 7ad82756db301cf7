"""Files that are no saved predictors are named with the reason, and what cannot be saved is not."""

import os
import pickle
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, open_task
from stflow_lib.runs import Run, build_settings, profiles
from stflow_lib.training.method import Made, Method, Predictor
from stflow_lib.training.saved import KIND, load, save


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """ "gridflow METHOD" -> the file of its predictor, of a network and of a rule."""
    folder, sized = (
        tmp_path_factory.mktemp("saved"),
        profiles.table("gridflow", "smoke")["methods"],
    )
    task = open_task(Run("gridflow", "", "sim-grid-a>sim-grid-c", "P60", "3", "smoke", 0))
    found = {}
    for name in ("ST-net", "Few-shot mean"):
        method = METHODS[name]
        predictor = method.fit(task, build_settings(method, sized[name]), 0)
        save(predictor, found.setdefault(f"gridflow {name}", folder / f"{name}.pt"))
    return found


def test_a_file_cut_short_is_named(files, tmp_path):
    content = files["gridflow ST-net"].read_bytes()
    for kept in (0, 1, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.pt").write_bytes(content[:kept])
        with pytest.raises(DataError, match=r"cut.pt: not a saved predictor"):
            load(tmp_path / "cut.pt")


def test_a_turned_bit_is_found(files, tmp_path):
    content = bytearray(files["gridflow Few-shot mean"].read_bytes())
    content[len(content) // 2] ^= 16
    (tmp_path / "bit.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"bit.pt: not a saved predictor"):
        load(tmp_path / "bit.pt")


class Bomb:
    """A pickle that would run something."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_code_in_a_file_is_not_run(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = torch.load(files["gridflow ST-net"], weights_only=True)
    torch.save(content | {"told": Bomb()}, "bomb.pt")
    with pytest.raises(
        DataError, match=r"bomb.pt: not a saved predictor \(it holds code: \w+.mkdir\)"
    ):
        load("bomb.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match=r"plain.pt: not a saved predictor"):
        load("plain.pt")
    assert not (tmp_path / "exploded").exists()


def test_foreign_files_are_named(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    torch.save({"network": {"weight": torch.zeros(2)}, "epoch": 3}, tmp_path / "checkpoint.pt")
    torch.save(torch.zeros(3), tmp_path / "tensor.pt")
    for name in ("other.npz", "checkpoint.pt", "tensor.pt"):
        with pytest.raises(DataError, match=f"{name}: not a saved predictor"):
            load(tmp_path / name)


def changed(content, path, value):
    """`content` with another value where `path` leads."""
    first, *rest = path
    return {**content, first: changed(content[first], rest, value) if rest else value}


@pytest.mark.parametrize(
    "path, value, words",
    [
        (["kind"], "stflow_lib predictor 0", f"want '{KIND}'"),
        (["form", "wing"], "os", "wing 'os' is unknown"),
        (["method"], "Oracle", "gridflow knows no method 'Oracle'"),
        (["settings", "depth"], 3, "ST-net: settings .*depth"),
        (["settings"], {}, "ST-net: settings {}, want backbone, clock, target"),
        (
            ["settings", "backbone", "channels"],
            "many",
            "ST-net.backbone.channels: 'many' is no",
        ),
        (["settings", "backbone"], 3, "ST-net.backbone: settings 3"),
        (["settings", "backbone", "feature"], "both", "ST-net.backbone: feature 'both'"),
        (["settings", "backbone", "channels"], 3, "not what ST-net learns .*size mismatch"),
        (["learned"], [], "not what ST-net learns"),
        (["learned"], 5, "not what ST-net learns"),
        (["form"], {"wing": "gridflow"}, "not what ST-net learns"),
        (["told"], {"parameters": 3}, "it tells"),
        (["method"], 5, "method is int"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(files, tmp_path, path, value, words):
    content = torch.load(files["gridflow ST-net"], weights_only=True)
    torch.save(changed(content, path, value), tmp_path / "wrong.pt")
    with pytest.raises(DataError, match=f"wrong.pt: .*{words}"):
        load(tmp_path / "wrong.pt")


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.pt"):
        load(tmp_path / "nothing.pt")


@dataclass(frozen=True)
class Size:
    """Of the toy method."""

    width: int = 2


@dataclass(frozen=True)
class Wide(Size):
    """Another class of settings."""


def toy(learned, settings=Size):
    """A method that learns what it is told."""
    train = lambda task, own, seed, folder: Predictor(lambda t, i: i, learned=learned)
    return Method("Toy", settings, train, lambda form, own, learned: Predictor(lambda t, i: i))


def test_only_what_a_method_was_fitted_to_is_saved(tmp_path):
    with pytest.raises(DataError, match="no method was fitted"):
        save(Predictor(lambda t, i: i, learned=3), tmp_path / "x.pt")
    bare = toy(3).fit(SimpleNamespace(), Size(), 0)
    with pytest.raises(DataError, match="no method was fitted"):
        save(bare, tmp_path / "x.pt")


def test_settings_of_another_class_are_not_saved(tmp_path):
    task = SimpleNamespace(form={"wing": "gridflow"})
    method = toy(3)
    assert method.fit(task, Size(), 0).made == Made(method, Size(), task.form)
    with pytest.raises(
        DataError, match="Toy: cannot be saved, it is Wide and the method's own"
    ):
        save(toy(3).fit(task, Wide(), 0), tmp_path / "x.pt")
    with pytest.raises(DataError, match=r"Toy.learned\[1\]: cannot be saved, function is no"):
        save(toy([0, toy]).fit(task, Size(), 0), tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(tmp_path):
    file = tmp_path / "x.pt"
    file.write_bytes(b"old")
    with pytest.raises(DataError):
        save(toy(partial).fit(SimpleNamespace(form={"wing": "x"}), Size(), 0), file)
    assert file.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
