"""A road network in three ranks, drawn on the cells of a fine map.

Streets everywhere, avenues every half dozen cells, and motorways: a ring and three lines
across. A cell's weight says how much of a road lies in it: exp(-(distance / width)^2).
"""

import numpy as np

from stflow_lib.data.simulate.streams import substream


def road_maps(rows: int, cols: int, seed: int) -> dict[str, np.ndarray]:
    """Weights in [0, 1] of `street`, `avenue` and `motorway`, each float64 [rows, cols]."""
    street = _lattice(rows, cols, (1.8, 3.6), substream(seed, "streets"))
    avenue = _lattice(rows, cols, (4.5, 8.0), substream(seed, "avenues"))
    motorway = _motorways(rows, cols, substream(seed, "motorways"))
    weights = {"street": street, "avenue": avenue, "motorway": motorway}
    return {rank: np.where(w < 0.05, 0.0, w) for rank, w in weights.items()}


def _lattice(rows, cols, spacing, rng):
    """Wavy lines down and across, their spacing in cells drawn between the two numbers."""
    r, c = np.mgrid[:rows, :cols].astype(float)
    down = _lines(c, r, cols, spacing, rng)
    across = _lines(r, c, rows, spacing, rng)
    return _weight(np.minimum(down, across))


def _lines(across, along, length, spacing, rng):
    place = np.cumsum(rng.uniform(*spacing, int(length / spacing[0]) + 2)) - spacing[0]
    gap = np.full(across.shape, np.inf)
    for centre, phase in zip(place, rng.uniform(0, 2 * np.pi, len(place)), strict=True):
        bend = 0.7 * np.sin(2 * np.pi * along / 24 + phase)
        gap = np.minimum(gap, np.abs(across - centre - bend))
    return gap


def _motorways(rows, cols, rng):
    r, c = np.mgrid[:rows, :cols].astype(float)
    middle = np.array([rows - 1, cols - 1]) / 2 + rng.uniform(-0.08, 0.08, 2) * (rows, cols)
    radius = np.hypot(r - middle[0], c - middle[1])
    gap = np.abs(radius - 0.32 * min(rows, cols))
    turn = rng.uniform(0, np.pi)
    for angle in turn + np.arange(3) * np.pi / 3:
        line = (r - middle[0]) * np.cos(angle) + (c - middle[1]) * np.sin(angle)
        gap = np.minimum(gap, np.abs(line - rng.uniform(-0.1, 0.1) * min(rows, cols)))
    return _weight(gap)


def _weight(gap):
    return np.exp(-((gap / 0.6) ** 2))
