"""What a cell is for: a map of land-use types with exactly the shares asked for."""

import numpy as np
from scipy.ndimage import gaussian_filter

from stflow_lib.data.errors import DataError
from stflow_lib.data.simulate.streams import substream

TYPES = ("residential", "office", "leisure", "hub", "industrial", "park", "water")
DEFAULT_SHARES = {
    "residential": 0.44, "office": 0.14, "leisure": 0.10, "hub": 0.04,
    "industrial": 0.12, "park": 0.10, "water": 0.06,
}  # fmt: skip
LAND_SHARES = {name: share for name, share in DEFAULT_SHARES.items() if name != "water"}
CENTRAL = {
    "residential": -0.3, "office": 2.0, "leisure": 1.2, "hub": 0.8,
    "industrial": -2.0, "park": 0.0, "water": -1.0,
}  # fmt: skip
MASS = {
    "residential": 1.0, "office": 1.6, "leisure": 1.5, "hub": 3.0,
    "industrial": 0.7, "park": 0.4, "water": 0.0,
}  # fmt: skip
POI_MIX = {  # weights of the POI groups of `data.poi`, in their order
    "residential": (2, 1, 0.5, 3, 0.5, 3, 2.5, 2, 0.5, 2, 0.4, 0.5, 0.5, 1.5),
    "office": (5, 4, 1, 1.5, 4, 1, 1.5, 0.3, 0.7, 1, 2.5, 0.5, 1, 2),
    "leisure": (7, 3, 6, 4, 1, 0.3, 0.3, 0.4, 4, 1.5, 0.3, 0.3, 0.7, 1),
    "hub": (4, 3, 1, 2, 1.5, 0.2, 0.3, 0.1, 0.7, 0.3, 0.8, 1, 8, 4),
    "industrial": (1, 0.4, 0.1, 1.5, 0.3, 0.6, 0.3, 0.2, 0.1, 0.3, 0.3, 0.8, 1, 8),
    "park": (1, 1, 0.3, 0.2, 0.1, 0.5, 0.2, 0.5, 4, 6, 0.3, 0.2, 1, 1.5),
    "water": (0,) * 14,
}


def imbalanced_shares(imbalance: float, order=TYPES[:6]) -> dict[str, float]:
    """Shares that fall geometrically along `order`; the first is `imbalance` times the last.

    `imbalance` = 1 gives equal shares; reversing `order` reverses the city. DataError below 1.
    """
    if not imbalance >= 1:
        raise DataError(f"imbalance={imbalance}: the commonest type is at least the rarest")
    weight = float(imbalance) ** -np.linspace(0, 1, len(order))
    return dict(zip(order, weight / weight.sum(), strict=True))


def cell_counts(type_shares: dict[str, float], cells: int) -> np.ndarray:
    """Cells of each of TYPES, int [7], summing to `cells`: shares by largest remainder.

    Shares need not sum to 1. DataError for an unknown type, a negative share or a zero sum.
    """
    unknown = [name for name in type_shares if name not in TYPES]
    if unknown:
        raise DataError(f"type_shares: unknown land use {unknown[0]!r}, known are {TYPES}")
    share = np.array([type_shares.get(name, 0.0) for name in TYPES], float)
    if not (share >= 0).all() or not 0 < share.sum() < np.inf:
        raise DataError(f"type_shares: {type_shares} must be >= 0 with a positive sum")
    exact = share / share.sum() * cells
    counts = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: cells - counts.sum()]] += 1
    return counts


def centrality(rows: int, cols: int) -> np.ndarray:
    """Nearness to the middle [rows, cols], 1 at the centre, falling as a Gaussian."""
    r = (np.arange(rows)[:, None] - (rows - 1) / 2) / rows
    c = (np.arange(cols)[None, :] - (cols - 1) / 2) / cols
    return np.exp(-(r**2 + c**2) / (2 * 0.22**2))


def type_map(rows: int, cols: int, type_shares: dict, patch: float, seed: int) -> np.ndarray:
    """Land use of every cell as an index into TYPES, int8 [rows, cols], in patches.

    Each type has a smooth random field (`patch` = its width in cells) plus a liking for the
    centre or the edge; shares come out exact (to one cell).
    """
    score = np.array([_liking(name, rows, cols, patch, seed).ravel() for name in TYPES])
    return assign(score, cell_counts(type_shares, rows * cols)).reshape(rows, cols)


def assign(score: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """A type for each place, int8 [places]: the rarest type takes its best places first.

    score [types, places], counts [types] summing to the number of places.
    """
    types = np.full(score.shape[1], -1, np.int8)
    for k in np.argsort(counts, kind="stable"):
        best = np.argsort(np.where(types >= 0, np.inf, -score[k]), kind="stable")
        types[best[: counts[k]]] = k
    return types


def _liking(name, rows, cols, patch, seed):
    noise = substream(seed, f"field of {name}").standard_normal((rows, cols))
    smooth = gaussian_filter(noise, (6 if name == "water" else 1) * patch, mode="reflect")
    return smooth / smooth.std() + CENTRAL[name] * centrality(rows, cols)


def masses(types: np.ndarray, seed: int) -> np.ndarray:
    """Size of every cell [rows, cols]: type's mean x nearness to the centre x noise."""
    noise = np.exp(0.5 * substream(seed, "mass").standard_normal(types.shape) - 0.125)
    by_type = np.array([MASS[name] for name in TYPES])
    return by_type[types] * (0.35 + centrality(*types.shape)) * noise


def districts(rows: int, cols: int) -> np.ndarray:
    """Four smooth weights [4, rows, cols] that sum to 1 in each cell: a city's quarters."""
    r = (np.arange(rows)[:, None] + 0.5) / rows
    c = (np.arange(cols)[None, :] + 0.5) / cols

    def bump(y, x):
        return np.exp(-((r - y) ** 2 + (c - x) ** 2) / (2 * 0.25**2))

    weights = np.array([bump(y, x) for y in (0.25, 0.75) for x in (0.25, 0.75)])
    return weights / weights.sum(0)


def poi_mix() -> np.ndarray:
    """Expected share of each POI group in each land use [7, 14]; water has no POI."""
    mix = np.array([POI_MIX[name] for name in TYPES], float)
    return mix / np.maximum(mix.sum(1, keepdims=True), 1)


def poi_counts(types: np.ndarray, mass: np.ndarray, seed: int, mean: float = 40.0):
    """Poisson POI counts [14, rows, cols]: `mean` x mass x share of the group in the type."""
    rate = mean * mass * np.moveaxis(poi_mix()[types], -1, 0)
    return substream(seed, "poi").poisson(rate).astype(np.float32)
