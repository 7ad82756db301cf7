"""Gravity: trips between two cells grow with both masses and fall with their distance.

T_ij = h_i a_j f(d_ij),  f(d) = exp(-d / decay),  with the masses of both ends scaled by `unit`:
h = home / sqrt(sum(home)), a = away / sqrt(sum(away)). Without decay all trips of a purpose
then sum to sqrt(sum(home) sum(away)), and both ends are treated alike.
"""

import numpy as np


def distances(rows: int, cols: int, cell_m: float) -> np.ndarray:
    """Metres between two cells at every offset, [2 rows - 1, 2 cols - 1]."""
    r = np.arange(-rows + 1, rows)[:, None] * cell_m
    c = np.arange(-cols + 1, cols)[None, :] * cell_m
    return np.hypot(r, c)


def decay_kernel(rows: int, cols: int, cell_m: float, decay_m: float) -> np.ndarray:
    """f at every offset between two cells, [2 rows - 1, 2 cols - 1]."""
    return np.exp(-distances(rows, cols, cell_m) / decay_m)


def spread(field: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """sum_j kernel(i - j) field_j for every cell i, [rows, cols] (as one FFT convolution)."""
    from scipy.signal import fftconvolve  # where it is used: the import takes two seconds

    return np.clip(fftconvolve(field, kernel, mode="same"), 0, None)


def unit(mass: np.ndarray) -> np.ndarray:
    """Masses of one end divided by the root of their sum; all-zero masses stay zero."""
    total = mass.sum()
    return mass / np.sqrt(total) if total > 0 else mass


def trip_ends(home: np.ndarray, away: np.ndarray, kernel: np.ndarray):
    """Row and column sums of T without T: trips (leaving, arriving) per cell, [rows, cols]."""
    return home * spread(away, kernel), away * spread(home, kernel)


def trip_matrix(home: np.ndarray, away: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The whole table T [cells, cells], cells row by row; for cities that can hold it."""
    rows, cols = home.shape
    r, c = np.divmod(np.arange(rows * cols), cols)
    decay = kernel[r[:, None] - r + rows - 1, c[:, None] - c + cols - 1]
    return home.reshape(-1, 1) * away.reshape(1, -1) * decay
