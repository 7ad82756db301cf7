"""Road maps: three ranks, weights between 0 and 1."""

import numpy as np
import pytest

from stflow_lib.data.simulate.roads import road_maps


@pytest.mark.parametrize("side", [16, 64])
def test_roads_have_three_ranks_of_falling_length(side):
    roads = road_maps(side, side, seed=1)
    assert all(0 <= w.min() and w.max() <= 1 for w in roads.values())
    share = {rank: (w > 0.5).mean() for rank, w in roads.items()}
    assert share["street"] > share["avenue"] > 0 and share["street"] > share["motorway"] > 0


def test_faint_ends_of_roads_are_cut_and_lines_reach_the_border():
    """A tail below a twentieth would put some passing traffic into every cell of the city."""
    for rank, weight in road_maps(48, 40, seed=2).items():
        assert weight.shape == (48, 40), rank
        assert not ((weight > 0) & (weight < 0.05)).any(), rank
        assert all(edge.max() > 0.2 for edge in (weight[0], weight[-1], weight.T[0]))


def test_the_ring_lies_at_a_third_of_the_shorter_side():
    """exp(-(gap / 0.6)^2) is below a half from half a cell on: the ring is a
    thin closed line."""
    weight = road_maps(64, 64, seed=0)["motorway"]
    angle = np.arange(0, 2 * np.pi, 0.05)
    best = 0
    for down, right in np.ndindex(13, 13):  # the middle is drawn within 8 % of the centre
        centre = 31.5 + np.array([down - 6, right - 6]) * 0.85
        ring = centre[:, None] + 0.32 * 64 * np.stack([np.sin(angle), np.cos(angle)])
        row, col = np.rint(ring).astype(int)
        best = max(best, np.mean(weight[row, col] > 0.2))
    assert best > 0.95


def test_the_seed_decides_and_ranks_draw_for_themselves():
    """One stream for all ranks would move the motorways when streets are added."""
    one, same, other = (road_maps(24, 24, seed) for seed in (0, 0, 1))
    for rank in one:
        assert np.array_equal(one[rank], same[rank]) and not np.array_equal(
            one[rank], other[rank]
        )
