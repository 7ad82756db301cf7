"""Small fitted models that come with the package: a file of numbers, and a card that vouches.

Both are JSON beside the module that uses them. The card says on which cities and days the model
was trained, their licences, the settings, the code, and errors on cities that were held out; it
names the sha256 of the file, so that numbers and model cannot part unseen.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from stflow_lib.data.errors import DataError

DIGITS = 6  # of every number of a file
CARD = ("model", "sha256", "made_by", "version", "code", "method", "settings", "trained_on",
        "held_out")  # fmt: skip


def write(path: Path, numbers: Mapping[str, Any], card: Mapping[str, Any]) -> None:
    """The model's file, and its card beside it; tensors become lists of `DIGITS` digits."""
    text = json.dumps(_plain(numbers), indent=None, separators=(",", ":")) + "\n"
    path.write_text(text, encoding="utf-8")
    named = {"model": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    whole = json.dumps({**named, **card}, indent=1, ensure_ascii=False) + "\n"
    card_file(path).write_text(whole, encoding="utf-8")


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(numbers, card) of a model; DataError where the card is that of another file."""
    content = path.read_bytes()
    card = json.loads(card_file(path).read_text(encoding="utf-8"))
    if card.get("sha256") != hashlib.sha256(content).hexdigest():
        raise DataError(f"{path}: not the model of {card_file(path).name}")
    return json.loads(content), card


def card_file(path: Path) -> Path:
    """Where the card of a model lies."""
    return path.with_name(f"{path.stem}_card.json")


def rounded(x: Tensor) -> Tensor:
    """The numbers that a file will give back."""
    return torch.tensor(_plain(x), dtype=x.dtype)


def lenders(card: Mapping[str, Any]) -> str:
    """The cities that a model learned from, in words."""
    names = ", ".join(city["name"] for city in card["trained_on"])
    return f"{names} (shipped with stflow_lib)"


def taught_by(city: xr.Dataset) -> dict[str, str]:
    """Name, days, licence and content of a city that teaches."""
    days = [f"{pd.Timestamp(city.time.values[end]):%Y-%m-%d}" for end in (0, -1)]
    kept = {name: city.attrs[name] for name in ("source", "licence", "sha256")}
    return {"name": city.attrs["name"], "days": " to ".join(days), **kept}


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
