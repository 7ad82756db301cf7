"""A fitted model's folder belongs to one fit, and says what differs to everybody else."""

import importlib
import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from stflow_lib.data import load
from stflow_lib.training import loop
from stflow_lib.training.loop import Training
from stflow_lib.training.method import Method, Predictor


@dataclass(frozen=True)
class Settings:
    width: int = 2
    training: Training = field(default_factory=lambda: Training(epochs=2, batch=2))


def fit_line(task, settings, seed, folder):
    torch.manual_seed(seed)
    line = nn.Linear(1, 1)
    loss = lambda batch: (line(task.x[batch]) - task.y[batch]).pow(2).mean()
    loop.train(line, loss, torch.arange(len(task.x)), lambda: {"valid": float(loss(slice(None)))},
               settings.training, seed=seed, folder=folder)  # fmt: skip
    return Predictor(lambda on, steps: line(on.x[steps]))


def fit_other(task, settings, seed, folder):
    return fit_line(task, settings, seed, folder)


LINE = Method("LINE", Settings, fit_line)


def town(slope=1.0, **more):
    x = torch.arange(4.0)[:, None]
    return SimpleNamespace(
        x=x, y=slope * x, name="town", parts={"a": (np.arange(3), 1)}, **more
    )


@pytest.fixture
def fitted(tmp_path):
    """A folder in which LINE was fitted to town with seed 0."""
    LINE.fit(town(), Settings(), 0, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "method, task, settings, seed, words",
    [
        (LINE, town(2.0), Settings(), 0, "data '"),
        (LINE, town(device="gpu"), Settings(), 0, "data '"),
        (LINE, town(), Settings(), 1, "seed 0, not 1"),
        (LINE, town(), Settings(3), 0, "settings.width 2, not 3"),
        (LINE, town(), Settings(training=Training(epochs=5, batch=2)), 0,
         "settings.training.epochs 2, not 5"),
        (replace(LINE, train=fit_other), town(), Settings(), 0, "code '"),
        (replace(LINE, name="CURVE"), town(), Settings(), 0, "method 'LINE', not 'CURVE'"),
    ],
)  # fmt: skip
def test_another_fit_is_refused_and_told_what_differs(
    fitted, method, task, settings, seed, words
):
    """It would be given the network of the first fit, and no word of that."""
    with pytest.raises(ValueError, match="another fit needs another folder") as error:
        method.fit(task, settings, seed, fitted)
    assert str(error.value).startswith(f"{fitted}: fitted with {words}")


def test_the_same_fit_is_only_loaded(fitted):
    before = (fitted / "fit.pt").stat().st_mtime_ns
    again = LINE.fit(town(), Settings(), 0, fitted)
    assert (fitted / "fit.pt").stat().st_mtime_ns == before
    fresh = LINE.fit(town(), Settings(), 0)
    steps = torch.arange(4)
    assert torch.equal(again(town(), steps), fresh(town(), steps))


@pytest.mark.parametrize("text", [None, "", "{", "[1]", "\udcff"])
def test_checkpoints_of_nobody_knows_what_are_refused(fitted, text):
    mark = fitted / "fitted.json"
    mark.unlink() if text is None else mark.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="another fit needs another folder") as error:
        LINE.fit(town(), Settings(), 0, fitted)
    assert str(fitted) in str(error.value)


def test_a_stamp_is_there_before_the_first_checkpoint(tmp_path, monkeypatch):
    """A fit that is killed at once must not leave a folder that takes anything."""
    monkeypatch.setattr(loop, "train", lambda *_, **__: exec("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        LINE.fit(town(), Settings(), 0, tmp_path)
    assert json.loads((tmp_path / "fitted.json").read_text())["seed"] == 0


@pytest.mark.parametrize("wing", ["finegrained", "gridflow", "speedgraph"])
def test_every_method_of_the_book_stamps_its_folder(wing):
    """One that is fitted in another way would take any folder."""
    methods = importlib.import_module(f"stflow_lib.{wing}").METHODS.values()
    assert methods and all(type(method).fit is Method.fit for method in methods)
    assert all("fit" not in vars(method) for method in methods)


def test_less_data_of_one_city_is_another_task(tmp_path):
    """20 per cent of the training part and all of it have one city, one hash and two networks."""
    package = importlib.import_module("stflow_lib.finegrained")
    city, method = load("sim-fine"), package.METHODS["SRCNN"]
    settings = method.settings(channels=2, training=Training(epochs=1, epoch_steps=1))
    method.fit(package.make_task(city, 4, 20.0), settings, 0, tmp_path)
    with pytest.raises(ValueError, match="fitted with data"):
        method.fit(package.make_task(city, 4, 100.0), settings, 0, tmp_path)
