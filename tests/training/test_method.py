"""What a method leaves behind after its stages."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from stflow_lib.data.errors import DataError
from stflow_lib.training.loop import History
from stflow_lib.training.method import Predictor, count_parameters, filled, require_sources
from tests.training.test_loop import Job

LONG = History({"loss": [3.0, 2.0, 1.0], "valid": [1.0, 1.0, 0.5]}, seconds=6.0)
SHORT = History({"loss": [0.5]}, seconds=2.0)


def test_epochs_and_seconds_are_those_of_all_stages():
    """The mean of the stages' means would be (2 + 2) / 2 here, of 1 and 3 epochs 2 as well."""
    found = Predictor.after(lambda task, steps: steps, 7, {"source": LONG, "target": SHORT})
    assert (found.parameters, found.epochs, found.seconds_per_epoch) == (7, 4, 2.0)
    assert found.curves == {
        "source_loss": [3.0, 2.0, 1.0], "source_valid": [1.0, 1.0, 0.5], "target_loss": [0.5],
    }  # fmt: skip
    assert found.notes == {}


def test_a_stage_without_a_name_keeps_its_curves_names():
    found = Predictor.after(lambda task, steps: steps, 0, {"": SHORT}, {"best": 1})
    assert found.curves == {"loss": [0.5]} and found.notes == {"best": 1}


def test_a_method_that_is_not_trained_takes_no_seconds():
    """Zero epochs once divided by zero."""
    found = Predictor.after(lambda task, steps: steps + task, 0, {})
    assert (found.epochs, found.seconds_per_epoch) == (0, 0.0)
    assert found(1, torch.tensor([2])).tolist() == [3]


def test_a_predictor_passes_task_and_indices_on():
    predictor = Predictor(lambda task, indices: task * indices)
    assert predictor(3, torch.tensor([2])) == 6


def test_frozen_parameters_count_and_buffers_do_not():
    network = nn.BatchNorm1d(3)
    network.weight.requires_grad_(False)
    assert count_parameters(network) == 6


def test_parameters_are_counted_frozen_ones_too():
    model = Job().model
    model[0].weight.requires_grad_(False)
    assert count_parameters(model) == 3 * 8 + 8 + 8 + 1


def test_a_transfer_without_a_source_is_named():
    target = SimpleNamespace(name="town")
    assert require_sources(SimpleNamespace(sources=("a",), target=target)) == ("a",)
    with pytest.raises(DataError, match="town: no source city"):
        require_sources(SimpleNamespace(sources=(), target=target))


def test_filled_names_what_does_not_fit():
    network = nn.Linear(2, 1)
    weights = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
    assert filled(network, weights)(torch.ones(2)).item() == 2 and not network.training
    with pytest.raises(RuntimeError, match="bias"):
        filled(network, {"weight": torch.ones(1, 2)})
