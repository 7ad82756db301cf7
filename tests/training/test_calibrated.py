"""Models that keep a card beside their predictor."""

import pytest
import torch

from stflow_lib.data import load
from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.training import saved
from stflow_lib.training.calibrated import Calibrated, demand_form, save


class Other(Calibrated):
    """A model of something else."""

    NOTE, WHAT = "else", "something else"


@pytest.fixture
def predictor():
    method, task = METHODS["Few-shot mean"], make_task(load("sim-grid-a"), (), "P60")
    return method.fit(task, method.settings(), 0)


def test_a_card_comes_back_with_the_predictor_and_its_notes(tmp_path, predictor):
    predictor.notes["own"] = 7
    save(Calibrated.of(predictor, {"low": torch.arange(3.0)}), tmp_path / "m.pt")
    again = Calibrated.load(tmp_path / "m.pt")
    assert again.card["low"].tolist() == [0.0, 1.0, 2.0]
    assert again.predictor.notes["own"] == 7 and predictor.notes == {"own": 7}


def test_a_file_without_the_card_is_refused_by_what_is_wanted(tmp_path, predictor):
    saved.save(predictor, tmp_path / "p.pt")
    save(Calibrated.of(predictor, {}), tmp_path / "m.pt")
    for name in ("p.pt", "m.pt"):
        with pytest.raises(DataError, match="without intervals, not something else"):
            Other.load(tmp_path / name)


def test_another_form_is_named_with_both_values():
    form = {"city": "town", "unit": "trips"}
    demand_form({"unit": "trips"}, form, "village")
    with pytest.raises(DataError, match="village: unit rides, the model was made for town"):
        demand_form({"unit": "rides"}, form, "village")
