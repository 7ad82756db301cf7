"""Hours of the day and week, and means by them."""

import numpy as np
import torch

from stflow_lib.gridflow.problem.calendar import hour_of_day, hour_of_week, mean_by_slot


def test_clocks_of_half_hours_and_week_ends():
    time = np.array(["2015-11-02T00:30", "2015-11-08T23:00"], "datetime64[ns]")
    assert hour_of_day(time).tolist() == [30, 1380]
    assert hour_of_week(time).tolist() == [30, 6 * 1440 + 1380]


def test_a_time_that_never_was_gets_the_mean_of_all():
    flow = torch.tensor([1.0, 3.0, 5.0]).reshape(3, 1, 1, 1)
    means = mean_by_slot(flow, torch.tensor([0, 0, 2]), 4)
    assert means.flatten().tolist() == [2, 3, 5, 3]
