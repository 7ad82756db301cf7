"""Sensor graphs against distances and weights worked out by hand."""

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.adjacency import (
    corridor_distance,
    demand_weights,
    gaussian_kernel,
    haversine,
    segment_distance,
)


def test_haversine_of_known_pairs():
    """One degree of a meridian is 111.195 km; Paris to London is 343.5 km."""
    km = haversine([0, 1, 48.8566, 51.5074], [0, 0, 2.3522, -0.1278])
    assert km[0, 1] == pytest.approx(111.195, abs=1e-3)
    assert km[2, 3] == pytest.approx(343.56, abs=0.05)
    assert np.allclose(km, km.T) and (np.diag(km) == 0).all()


def test_corridor_is_the_difference_of_postmiles():
    assert (
        corridor_distance([1.0, 3.5, 2.0]) == [[0, 2.5, 1], [2.5, 0, 1.5], [1, 1.5, 0]]
    ).all()


def test_shared_ends_links_what_follows_and_not_the_way_back():
    """A -> B, B -> C, C -> B (the way back), D -> A: the two ways of one road stay apart."""
    distance = segment_distance(["A", "B", "C", "D"], ["B", "C", "B", "A"], [100, 200, 200, 60])
    far = np.inf
    expected = [[0, 150, far, 80], [150, 0, far, far], [far, far, 0, far], [80, far, far, 0]]
    assert (distance == expected).all()


def test_gaussian_kernel_by_hand():
    distance = np.array([[0, 1, 2], [1, 0, np.inf], [2, np.inf, 0]])
    weight = gaussian_kernel(distance, sigma=1.0)
    assert weight == pytest.approx(
        np.array([[1, np.exp(-1), 0], [np.exp(-1), 1, 0], [0, 0, 1]])
    )
    assert weight.dtype == np.float32
    assert gaussian_kernel(distance, 1.0, threshold=0)[0, 2] == pytest.approx(np.exp(-4))


def test_gaussian_kernel_default_sigma_is_the_deviation_of_finite_distances():
    distance = np.array([[0, 3, np.inf], [3, 0, 4], [np.inf, 4, 0.0]])
    sigma = np.std([0, 3, 3, 0, 4, 4, 0])
    assert gaussian_kernel(distance, threshold=0)[0, 1] == pytest.approx(np.exp(-9 / sigma**2))


def neighbours(count=8):
    """A chain as a list of neighbours: 1 from one to the next, no way between the others."""
    distance = np.full((count, count), np.inf)
    np.fill_diagonal(distance, 0)
    ahead = np.arange(count - 1)
    distance[ahead, ahead + 1] = distance[ahead + 1, ahead] = 1
    return distance


def test_gaussian_kernel_without_an_edge_is_refused():
    """The deviation of zeros and ones is below one half: each neighbour's weight fell below 0.1."""
    with pytest.raises(
        DataError, match=r"no edge is left: .* 1 apart, with sigma 0\.4.* give a"
    ):
        gaussian_kernel(neighbours())
    assert (gaussian_kernel(neighbours(), sigma=1.0) > 0).sum() == 8 + 2 * 7
    alone = np.where(np.eye(3, dtype=bool), 0, np.inf)
    with pytest.raises(DataError, match="no edge is left: the nearest sensors lie inf apart"):
        gaussian_kernel(alone, sigma=1.0)


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf])
def test_gaussian_kernel_refuses_a_sigma_that_is_no_length(sigma):
    with pytest.raises(DataError, match="sigma .* is no length above 0"):
        gaussian_kernel(neighbours(), sigma)


def test_gaussian_kernel_refuses_an_oblong_of_distances():
    with pytest.raises(DataError, match=r"\(2, 3\) are not square"):
        gaussian_kernel(np.ones((2, 3)), 1.0)


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_gaussian_kernel_refuses_impossible_distances(bad):
    with pytest.raises(DataError, match=r"negative or NaN, first at \(0, 1\)"):
        gaussian_kernel(np.array([[0, bad], [1, 0]]), 1.0)


@pytest.mark.parametrize("matrix", [
    [[1, 1.5], [0, 1]], [[1, -0.5], [0, 1]], [[1, np.nan], [0, 1]], [[0, 1], [1, 0]],
])  # fmt: skip
def test_weights_that_no_kernel_gives_are_refused(matrix):
    assert demand_weights(np.array([[1, 0.5], [0, 1]]), "a").shape == (2, 2)
    with pytest.raises(DataError, match="a: weight .* at index"):
        demand_weights(np.array(matrix), "a")
