"""Sums by calendar day: every sample in the day of its own time, nothing twice, nothing lost."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.training.day_sums import sample_sums, sum_by_day

TIME = np.arange("2020-02-28T22", "2020-03-02T22", dtype="datetime64[h]")  # over a leap day
SAMPLES = torch.arange(1, len(TIME))


def errors(samples):
    """Two layers; the second is measured in samples before the 50th only."""
    counts = torch.stack([torch.full_like(samples, 2), 3 * (samples < 50)], 1)
    return torch.stack([counts, counts * samples[:, None], counts * samples[:, None] ** 2], 2)


@given(st.integers(1, 100))
def test_days_are_those_of_the_clock_whatever_the_batch(batch):
    """A day that is cut where a batch ends, or counted from the first sample, is another day."""
    found = sum_by_day(SAMPLES, TIME, ("a", "b"), errors, batch)
    assert list(found) == ["2020-02-28", "2020-02-29", "2020-03-01", "2020-03-02"]
    assert found["2020-02-28"] == {"a": [2, 2, 2], "b": [3, 3, 3]}  # 23 h alone, sample 1
    assert [day["a"][0] for day in found.values()] == [2, 48, 48, 44]
    whole = errors(SAMPLES).sum(0)
    for k, layer in enumerate("ab"):
        sums = np.sum([day[layer] for day in found.values() if layer in day], 0)
        assert sums.tolist() == whole[k].tolist()


def test_what_was_not_measured_has_no_entry():
    """A count of zero would be divided by as soon as a draw holds that day alone."""
    found = sum_by_day(SAMPLES, TIME, ("a", "b"), errors, 10)
    assert "b" not in found["2020-03-02"] and found["2020-03-01"]["b"][0] == 3 * 24
    nothing = sum_by_day(SAMPLES, TIME, ("a", "b"), lambda s: torch.zeros(len(s), 2, 3), 10)
    assert nothing == {}


def test_sums_of_a_sample_by_hand():
    error = torch.tensor([[[1.0, -2.0], [0.0, 3.0]]])
    got = sample_sums(error, torch.tensor([[2, 1]]))
    assert got.tolist() == [[[2, 3, 5], [1, 3, 9]]] and got.dtype == torch.float64
