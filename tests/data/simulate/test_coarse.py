"""A simulated city as a person has it."""

import numpy as np

from stflow_lib.data import block_sum, load
from stflow_lib.data.schema import check_city
from stflow_lib.data.simulate.coarse import coarse_and_past


def test_the_present_is_the_block_sum_of_what_the_past_leaves_out():
    city = load("sim-fine")
    past, present = map(check_city, coarse_and_past("sim-fine", 4, steps=10))
    assert np.array_equal(past.flow, city.flow[:-10])
    assert np.array_equal(present.flow, block_sum(city.flow.values[-10:], 4))
    assert past.time.values[-1] < present.time.values[0] and "split" not in past.attrs
