"""A fitted predictor as one file: what it learned, as tensors and plain values, and no code.

The file names the method, its settings and the form of the task (`Task.form`: the wing, the grid
or the number of sensors, steps and units); the method's `restore` makes the predictor of them.
A task of another form is refused before anything is computed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.training import checkpoint
from stflow_lib.training.method import Made, Method, Predictor, Restore
from stflow_lib.training.mixture import METHOD as MIXTURE
from stflow_lib.training.mixture import method_of

KIND = "stflow_lib predictor 1"  # the number changes when what a file holds does
WINGS = ("finegrained", "gridflow", "speedgraph")
FIELDS = {"kind": str, "method": str, "settings": dict, "form": dict, "told": dict}
TOLD = ("parameters", "epochs", "seconds_per_epoch", "curves", "notes", "stages")
PLACE = ("grid", "sensors", "unit")  # parts of a form that tell one city from another
MISFITS = (RuntimeError, KeyError, IndexError, TypeError, ValueError, AttributeError)


def save(predictor: Predictor, path: Path | str) -> None:
    """Write a predictor that `Method.fit` made; after a crash the old file is there or the new.

    DataError, naming the method, where it does not tell how its predictor is made anew.
    """
    made = predictor.made
    if made is None or not made.form:
        raise DataError(
            f"{path}: this predictor cannot be saved, no method was fitted to a task"
        )
    method = made.method
    if method.restore is None or predictor.learned is None:
        raise DataError(
            f"{method.name}: cannot be saved, nothing makes its predictor anew from tensors"
        )
    _same_classes(made.settings, method.settings(), method.name)
    told = {name: getattr(predictor, name) for name in TOLD}
    content = {"kind": KIND, "method": method.name, "settings": asdict(made.settings),
               "form": made.form, "told": told, "learned": predictor.learned}  # fmt: skip
    checkpoint.write(Path(path), plain(content, method.name))


def load(
    path: Path | str, device: torch.device | str = "cpu", elsewhere: bool = False
) -> Predictor:
    """The predictor of a file, on `device`: the same numbers for the same task.

    It raises DataError, naming the city, for a task of another form. `elsewhere` lets it be asked
    about other grids, sensors and units; what a method learned of one place alone is refused.
    DataError, naming the file and the reason, for one that is cut short, holds code, was written
    by something else, or names a method or settings that are not known here.
    """
    path, device = Path(path), torch.device(device)
    content = _content(path, device)
    form, learned = content["form"], content["learned"]
    method, restore = _method(path, form, content["method"])
    settings = _settings(method.settings(), content["settings"], f"{path}: {method.name}")
    if elsewhere and not method.anywhere:
        raise DataError(
            f"{path}: {method.name} learned about {form.get('city')} and no other place"
        )
    try:
        with torch.random.fork_rng(devices=[]):  # first weights are drawn, and replaced
            found = restore(form, settings, learned)
            ask = Question(path, form, found.predict, PLACE if elsewhere else ())
            made = Made(method, settings, form)
            return replace(found, **content["told"], predict=ask, learned=learned, made=made)
    except MISFITS as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not what {method.name} learns ({reason})") from error


@dataclass(frozen=True)
class Question:
    """A restored `predict` that first looks whether the task has the form that it was made for."""

    path: Path
    form: dict[str, Any]
    predict: Any
    free: Sequence[str]  # parts of the form that may differ

    def __call__(self, task: Any, indices: Tensor) -> Tensor:
        """Predictions at sample indices [B]; DataError for a task of another form."""
        own = getattr(task, "form", {})
        for name in {**self.form, **own}:
            if name not in ("city", *self.free) and self.form.get(name) != own.get(name):
                raise DataError(f"{own.get('city', task)}: {name} {own.get(name)}, the predictor "
                                f"in {self.path} was made for {self.form.get(name)}")  # fmt: skip
        return self.predict(task, indices)


def plain(value: Any, where: str) -> Any:
    """Networks as their weights, arrays as tensors, the rest as it is, all the way down.

    DataError, naming `where`, for what is neither tensor nor plain value.
    """
    if isinstance(value, nn.Module):
        return plain(dict(value.state_dict()), where)
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, Mapping):
        return {name: plain(inner, f"{where}.{name}") for name, inner in value.items()}
    if isinstance(value, list | tuple):
        parts = [plain(inner, f"{where}[{n}]") for n, inner in enumerate(value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise DataError(f"{where}: cannot be saved, {type(value).__name__} is no plain value")


def _content(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        content = checkpoint.opened(path.read_bytes(), device, (*FIELDS, "learned"))
    except (MemoryError, torch.OutOfMemoryError, OSError):
        raise
    except Exception as error:  # a damaged or foreign file can fail in any way
        reason = _code_of(error) or f"{type(error).__name__}: {error}"
        raise DataError(f"{path}: not a saved predictor ({reason})") from None
    for name, kind in FIELDS.items():
        if not isinstance(content[name], kind):
            raise DataError(f"{path}: {name} is {type(content[name]).__name__}")
    if content["kind"] != KIND:
        raise DataError(f"{path}: {content['kind']!r}, want {KIND!r}")
    if set(content["told"]) != set(TOLD):
        raise DataError(f"{path}: it tells {sorted(content['told'])}, want {sorted(TOLD)}")
    return content


def _code_of(error: Exception) -> str:
    """What of a file is code, where that is why it was not read."""
    named = re.search(r"GLOBAL (\S+)", str(error))
    return f"it holds code: {named[1]}" if named else ""


def _method(path: Path, form: dict[str, Any], name: str) -> tuple[Method, Restore]:
    wing = form.get("wing")
    if wing not in WINGS:
        raise DataError(f"{path}: wing {wing!r} is unknown, want one of {', '.join(WINGS)}")
    known = import_module(f"stflow_lib.{wing}").METHODS
    method = method_of(known) if name == MIXTURE.name else known.get(name)
    if method is None or method.restore is None:
        raise DataError(
            f"{path}: {wing} knows no method {name!r} whose predictor can be loaded"
        )
    return method, method.restore


def _settings(default: Any, told: Any, where: str) -> Any:
    """Settings of the class of `default`, with every value told; DataError where they are not."""
    names = {field.name for field in fields(default)}
    if not isinstance(told, Mapping) or set(told) != names:
        raise DataError(f"{where}: settings {told}, want {', '.join(sorted(names)) or 'none'}")
    values = {n: _setting(getattr(default, n), told[n], f"{where}.{n}") for n in names}
    try:
        return replace(default, **values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: {error}") from error


def _setting(default: Any, told: Any, where: str) -> Any:
    if is_dataclass(default):
        return _settings(default, told, where)
    number = {type(default), type(told)} == {int, float}
    if type(told) is not type(default) and not number:
        raise DataError(f"{where}: {told!r} is no {type(default).__name__}")
    return told


def _same_classes(settings: Any, default: Any, where: str) -> None:
    """DataError unless settings are of the method's own classes, which a file need not name."""
    differ = type(settings) is not type(default)
    if differ and (is_dataclass(settings) or is_dataclass(default)):
        raise DataError(f"{where}: cannot be saved, it is {type(settings).__name__} and the "
                        f"method's own is {type(default).__name__}")  # fmt: skip
    for field in fields(default) if is_dataclass(default) else ():
        own, usual = getattr(settings, field.name), getattr(default, field.name)
        _same_classes(own, usual, f"{where}.{field.name}")
