"""Sensor graphs: distances between sensors, and the weights made from them."""

import numpy as np

EARTH_KM = 6371.0088  # mean radius


def haversine(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Great-circle distances in km: lat, lon [N] in degrees -> [N, N], zero diagonal."""
    lat, lon = np.radians(np.asarray(lat, float)), np.radians(np.asarray(lon, float))
    north = np.sin((lat[:, None] - lat) / 2) ** 2
    east = np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(north + east, 0, 1)))


def corridor_distance(postmile: np.ndarray) -> np.ndarray:
    """Distance along one road: postmile [N] -> [N, N], in the unit of the postmiles."""
    postmile = np.asarray(postmile, float)
    return np.abs(postmile[:, None] - postmile)


def segment_distance(start: np.ndarray, end: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Distance from midpoint to midpoint of segments that follow each other.

    start, end [N] are the ids of the two ends of each one-way segment, length [N] its length.
    Segments i and j follow each other when one begins where the other ends and they are not
    the two ways of one road. -> [N, N] symmetric, infinite between all others, zero diagonal.
    """
    start, end, length = map(np.asarray, (start, end, length))
    after = end[:, None] == start
    linked = (after | after.T) & ~(after & after.T)
    distance = np.where(linked, (length[:, None] + length) / 2, np.inf)
    np.fill_diagonal(distance, 0.0)
    return distance


def gaussian_kernel(distance: np.ndarray, sigma: float | None = None, threshold: float = 0.1):
    """Edge weights of DCRNN (Li et al. 2018): exp(-(d / sigma)^2), zero below `threshold`.

    distance [N, N], infinite where there is no way; sigma in the same unit, by default the
    standard deviation of the finite distances, as in that paper. -> float32 [N, N], unit
    diagonal where the diagonal of `distance` is zero.
    """
    distance = np.asarray(distance, float)
    if (distance < 0).any() or np.isnan(distance).any():
        raise ValueError("gaussian_kernel: a distance is negative or NaN")
    if sigma is None:
        sigma = distance[np.isfinite(distance)].std() or 1.0
    weight = np.exp(-((distance / sigma) ** 2))
    return np.where(weight < threshold, 0, weight).astype(np.float32)
