"""What PDFormer knows beforehand: cells alike, places in the grid, usual shapes."""

import numpy as np
import torch

from stflow_lib.gridflow.baselines.pdformer.views import (
    correlations,
    eigenvectors,
    kshape,
    shifts,
    views,
    warped_distance,
)


def grid(rows, cols):
    return torch.cartesian_prod(torch.arange(rows), torch.arange(cols))


def naive_warping(one, two):
    """The recursion on one pair, moment by moment."""
    best = np.full((len(one) + 1, len(two) + 1), np.inf)
    best[0, 0] = 0
    for i in range(len(one)):
        for j in range(len(two)):
            cost = np.abs(one[i] - two[j]).sum()
            best[i + 1, j + 1] = cost + min(best[i, j], best[i, j + 1], best[i + 1, j])
    return best[-1, -1]


def test_warping_is_the_naive_recursion():
    curves = np.random.default_rng(0).normal(size=(5, 9, 2))
    got = warped_distance(torch.from_numpy(curves))
    want = [[naive_warping(a, b) for b in curves] for a in curves]
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_warping_forgives_a_shift():
    """Two identical peaks an hour apart are alike; a straight difference would say no."""
    peak = torch.zeros(3, 12, 1)
    peak[0, 4] = peak[1, 5] = 1.0
    distance = warped_distance(peak)
    assert distance[0, 1] == 0 and distance[0, 2] == 1


def test_eigenvectors_are_those_of_the_laplacian():
    """The trivial one is left out; a part of the grid on its own has a trivial one too."""
    where = grid(4, 5)
    linked = (where[:, None] - where[None]).abs().amax(2) == 1
    got = eigenvectors(linked)
    degree = linked.sum(1).double()
    laplacian = torch.eye(20).double() - linked / (degree[:, None] * degree).sqrt()
    values = torch.linalg.eigvalsh(laplacian)[1:9]
    torch.testing.assert_close(laplacian @ got, got * values, rtol=0, atol=1e-9)
    torch.testing.assert_close(got.T @ got, torch.eye(8).double(), rtol=0, atol=1e-9)
    apart = torch.block_diag(linked, torch.zeros(1, 1)).bool()
    alone = eigenvectors(apart)
    torch.testing.assert_close(alone[:-1].abs(), got.abs(), rtol=0, atol=1e-6)
    assert alone[-1].abs().max() < 1e-9


def test_a_tiny_grid_has_columns_of_zeros():
    got = eigenvectors(~torch.eye(3, dtype=torch.bool))
    assert got.shape == (3, 8) and not got[:, 2:].any() and got[:, :2].any(0).all()


def test_shifts_and_correlations_by_hand():
    """A window moved onto the centre correlates fully."""
    x, centre = np.array([[0.0, 0.0, 1.0]]), np.array([1.0, 0.0, 0.0])
    assert shifts(x)[:, 0].tolist() == [
        [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]
    ]  # fmt: skip
    assert correlations(x, centre)[0].tolist() == [1, 0, 0, 0, 0]


def test_kshape_finds_the_two_shapes_there_are():
    """Rising and falling hours with noise: centres point both ways, each has mean 0, std 1."""
    random = np.random.default_rng(0)
    slope = np.array([-1.0, 0.0, 1.0]) * random.choice([-1, 1], (400, 1))
    centres = kshape(slope * random.uniform(1, 5, (400, 1)) + random.normal(0, 0.05, (400, 3)),
                     seed=0, clusters=2)  # fmt: skip
    np.testing.assert_allclose(centres.mean(1), 0, atol=1e-9)
    np.testing.assert_allclose(centres.std(1), 1, atol=1e-9)
    assert sorted(np.sign(centres[:, 2])) == [-1, 1]
    np.testing.assert_allclose(np.abs(centres[:, 2]), np.sqrt(1.5), atol=0.1)


def test_kshape_takes_windows_that_never_change():
    centres = kshape(np.zeros((5, 3)), seed=0, clusters=2)
    assert np.isfinite(centres).all()


def test_who_may_look_at_whom():
    """A line of seven cells in two rhythms: near are two steps, alike is one's own rhythm.

    A limit one too wide, or slots mixed up with days, would show in the masks.
    """
    slots = torch.arange(48) % 24
    rhythm = torch.where(slots < 12, 1.0, 5.0)
    even = (torch.arange(7) % 2 == 0)[None]
    series = torch.where(even, rhythm[:, None], 6 - rhythm[:, None])[..., None]
    where = torch.stack([torch.zeros(7, dtype=torch.int64), torch.arange(7)], 1)
    about = views(series, slots, where, torch.ones(7, dtype=torch.bool), seed=0)
    assert about.near[0].tolist() == [True] * 3 + [False] * 4
    assert about.alike.sum(1).tolist() == [5] * 7
    assert about.alike[0, [0, 2, 4, 6]].all() and about.alike[1, [1, 3, 5]].all()
    assert about.place.shape == (7, 8) and about.shapes.shape == (16, 3, 1)
