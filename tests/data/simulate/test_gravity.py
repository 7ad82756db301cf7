"""Gravity: totals, limits, and agreement with the whole trip table."""

import numpy as np
import pytest

from stflow_lib.data.simulate.gravity import (
    decay_kernel,
    distances,
    spread,
    trip_ends,
    trip_matrix,
    unit,
)

ROWS, COLS = 5, 7


@pytest.fixture
def pulls():
    rng = np.random.default_rng(0)
    return unit(rng.random((ROWS, COLS))), unit(rng.random((ROWS, COLS)))


def naive_trips(home, away, cell_m, decay_m):
    """The formula, one pair of cells after the other."""
    table = np.zeros((home.size, away.size))
    for i, (r, c) in enumerate(np.ndindex(home.shape)):
        for j, (y, x) in enumerate(np.ndindex(away.shape)):
            d = cell_m * ((r - y) ** 2 + (c - x) ** 2) ** 0.5
            table[i, j] = home[r, c] * away[y, x] * np.exp(-d / decay_m)
    return table


def test_trip_table_is_the_formula_and_its_ends_are_its_sums(pulls):
    """A flipped or shifted kernel would move drop-offs to other regions."""
    kernel = decay_kernel(ROWS, COLS, 800.0, 2000.0)
    table = naive_trips(*pulls, 800.0, 2000.0)
    assert np.allclose(trip_matrix(*pulls, kernel), table)
    sent, received = trip_ends(*pulls, kernel)
    assert np.allclose(sent.ravel(), table.sum(1)) and np.allclose(
        received.ravel(), table.sum(0)
    )


def test_equal_ends_give_symmetric_trips_and_swapped_ends_the_transpose(pulls):
    home, away = pulls
    kernel = decay_kernel(ROWS, COLS, 1.0, 2.0)
    same = trip_matrix(home, home, kernel)
    assert np.allclose(same, same.T)
    assert np.allclose(trip_matrix(home, away, kernel), trip_matrix(away, home, kernel).T)


def test_without_decay_trips_are_the_product_of_masses(pulls):
    home, away = pulls
    table = trip_matrix(home, away, decay_kernel(ROWS, COLS, 1.0, 1e12))
    assert np.allclose(table, np.outer(home, away))
    raw = np.random.default_rng(1).random((ROWS, COLS))
    total = trip_matrix(unit(raw), unit(2 * raw), decay_kernel(ROWS, COLS, 1.0, 1e12)).sum()
    assert np.isclose(total, np.sqrt(raw.sum() * 2 * raw.sum()))


def test_with_strong_decay_everybody_stays_in_the_cell(pulls):
    home, away = pulls
    table = trip_matrix(home, away, decay_kernel(ROWS, COLS, 1.0, 1e-3))
    assert np.allclose(table, np.diag((home * away).ravel()))


def test_spread_of_a_point_is_the_kernel_around_it():
    point = np.zeros((ROWS, COLS))
    point[1, 2] = 1
    kernel = np.exp(-distances(ROWS, COLS, 1.0))
    window = kernel[ROWS - 2 : 2 * ROWS - 2, COLS - 3 : 2 * COLS - 3]
    assert np.allclose(spread(point, kernel), window)
