"""Gravity: trips between two cells grow with both masses and fall with their distance.

T_ij = home_i away_j f(d_ij) / sqrt(sum(home) sum(away)),  f(d) = exp(-d / decay).
"""

import numpy as np
from scipy.signal import fftconvolve


def decay_kernel(rows: int, cols: int, cell_m: float, decay_m: float) -> np.ndarray:
    """f at every offset between two cells, [2 rows - 1, 2 cols - 1]; distances in metres."""
    r = np.arange(-rows + 1, rows)[:, None] * cell_m
    c = np.arange(-cols + 1, cols)[None, :] * cell_m
    return np.exp(-np.hypot(r, c) / decay_m)


def spread(field: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """sum_j kernel(i - j) field_j for every cell i, [rows, cols] (as one FFT convolution)."""
    return np.clip(fftconvolve(field, kernel, mode="same"), 0, None)


def trip_ends(home: np.ndarray, away: np.ndarray, kernel: np.ndarray):
    """Row and column sums of T without T: trips (leaving, arriving) per cell, [rows, cols]."""
    scale = _scale(home, away)
    return home * spread(away, kernel) * scale, away * spread(home, kernel) * scale


def trip_matrix(home: np.ndarray, away: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The whole table T [cells, cells], cells row by row; for cities small enough to hold it."""
    rows, cols = home.shape
    r, c = np.divmod(np.arange(rows * cols), cols)
    decay = kernel[r[:, None] - r + rows - 1, c[:, None] - c + cols - 1]
    return home.reshape(-1, 1) * away.reshape(1, -1) * decay * _scale(home, away)


def _scale(home, away):
    product = home.sum() * away.sum()
    return product**-0.5 if product > 0 else 0.0
