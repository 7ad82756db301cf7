"""Models that come with the package: small files, cards that vouch for them and no other."""

import json

import pytest
import torch

from stflow_lib import ROOT
from stflow_lib.data import DataError
from stflow_lib.training import shipped

FILES = sorted(p for p in (ROOT / "stflow_lib").glob("*/apply/shipped_*.json")
               if not p.stem.endswith("_card"))  # fmt: skip
FREE = ("MIT", "CC BY", "PeMS, public")  # licences that let what was learned be passed on


def test_what_is_read_is_what_was_written(tmp_path):
    numbers = {"lines": [torch.tensor([[1 / 3, -2e-7]]).double()], "lags": 6}
    shipped.write(tmp_path / "toy.json", numbers, {"method": "Toy"})
    found, card = shipped.read(tmp_path / "toy.json")
    assert found == {"lines": [[[0.333333, -2e-7]]], "lags": 6}
    assert card["method"] == "Toy" and card["model"] == "toy.json"


def test_a_card_of_another_file_is_refused(tmp_path):
    """Numbers of a card that stands beside another model say nothing."""
    shipped.write(tmp_path / "toy.json", {"lags": 6}, {})
    (tmp_path / "toy.json").write_text('{"lags":7}\n')
    with pytest.raises(DataError, match=r"toy.json: not the model of toy_card.json"):
        shipped.read(tmp_path / "toy.json")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_small_and_its_card_is_whole(path):
    """Strict JSON, the hash of this very file, and licences that allow it."""
    numbers, card = shipped.read(path)
    assert set(shipped.CARD) <= set(card) and numbers
    json.dumps(numbers, allow_nan=False), json.dumps(card, allow_nan=False)
    assert path.stat().st_size < 2**20
    assert {city["licence"] for city in card["trained_on"]} <= set(FREE)
    taught = {city["name"] for city in card["trained_on"]}
    assert taught and not taught & {city["name"] for city in card["held_out"]}
    assert all(city["days"] and city["sha256"] for city in card["trained_on"])


def test_all_together_are_below_two_megabytes():
    assert FILES and sum(path.stat().st_size for path in FILES) < 2 * 2**20
