"""Road maps: three ranks, weights between 0 and 1."""

import pytest

from stflow_lib.data.simulate.roads import road_maps


@pytest.mark.parametrize("side", [16, 64])
def test_roads_have_three_ranks_of_falling_length(side):
    roads = road_maps(side, side, seed=1)
    assert all(0 <= w.min() and w.max() <= 1 for w in roads.values())
    share = {rank: (w > 0.5).mean() for rank, w in roads.items()}
    assert share["street"] > share["avenue"] > 0 and share["street"] > share["motorway"] > 0
