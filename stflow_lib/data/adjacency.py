"""Sensor graphs: distances between sensors, and the weights made from them."""

import numpy as np

from stflow_lib.data.errors import DataError

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


def demand_weights(matrix: np.ndarray, where: object) -> np.ndarray:
    """`matrix` [N, N]; DataError unless its weights are those of `gaussian_kernel`.

    They lie in 0..1, and that of a sensor with itself is 1.
    """
    wrong = ~((matrix >= 0) & (matrix <= 1))
    np.fill_diagonal(wrong, np.diagonal(matrix) != 1)
    if wrong.any():
        at = tuple(map(int, np.argwhere(wrong)[0]))
        raise DataError(f"{where}: weight {matrix[at]:g} at index {at}: rule '0 to 1, and 1 of a "
                        "sensor with itself' broken")  # fmt: skip
    return matrix


def gaussian_kernel(distance: np.ndarray, sigma: float | None = None, threshold: float = 0.1):
    """Edge weights of DCRNN (Li et al. 2018): exp(-(d / sigma)^2), zero below `threshold`.

    distance [N, N], infinite where there is no way; sigma in the same unit, by default the
    standard deviation of the finite distances, as in that paper. -> float32 [N, N], unit
    diagonal where the diagonal of `distance` is zero. DataError for distances that are none, and
    where no edge between two sensors is left: a list of neighbours, whose distances hardly
    differ, needs a sigma of its own.
    """
    distance = np.asarray(distance, float)
    if distance.ndim != 2 or distance.shape[0] != distance.shape[1]:
        raise DataError(f"gaussian_kernel: distances {distance.shape} are not square")
    wrong = np.argwhere((distance < 0) | np.isnan(distance))
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise DataError(f"gaussian_kernel: a distance is negative or NaN, first at {at}")
    if sigma is None:
        sigma = float(distance[np.isfinite(distance)].std())
    if not 0 < sigma < np.inf:
        raise DataError(f"gaussian_kernel: sigma {sigma:g} is no length above 0")
    weight = np.exp(-((distance / sigma) ** 2))
    weight = np.where(weight < threshold, 0, weight).astype(np.float32)
    _need_edge(weight, distance, sigma, threshold)
    return weight


def _need_edge(weight: np.ndarray, distance: np.ndarray, sigma: float, threshold: float):
    """DataError when no weight between two sensors is above zero."""
    between = ~np.eye(len(weight), dtype=bool)
    if not weight[between].any():
        nearest = distance[between].min(initial=np.inf)
        raise DataError(f"gaussian_kernel: no edge is left: the nearest sensors lie {nearest:g} "
                        f"apart, with sigma {sigma:g} their weight is below {threshold:g}; "
                        "give a sigma of about their distance")  # fmt: skip
