"""A task small enough to be checked by hand, and figures that are closed after each test."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import Task


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    """Nothing waits for a window, and no figure outlives its test."""
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


@pytest.fixture
def task():
    """Twelve hours of 4 x 4 fine cells in blocks of 2 x 2: six to train, three and three."""
    fine = torch.arange(12.0 * 16).reshape(12, 1, 4, 4)
    coarse, every = F.avg_pool2d(fine, 2) * 4, torch.arange(12)
    time = np.datetime64("2008-05-24T00", "ns") + np.arange(12) * np.timedelta64(1, "h")
    return Task(
        city="handtown", factor=2, coarse=coarse, fine=fine, external=torch.zeros(12, 1),
        external_names=("hour",), train=every[:6], train_all=every[:6], valid=every[6:9],
        test=every[9:], time=time, directions=("entries",), unit="vehicles per hour",
        data_hash="",
    )  # fmt: skip
