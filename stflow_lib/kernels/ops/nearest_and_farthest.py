"""The nearest and farthest maps of every map, for triplet mining (UrbanSTC, Algorithm 1)."""

# ruff: noqa: B905  (the naive twin as it is belongs to the source hash of records)

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.kernels.backend import dispatch

EXACT = "donot_use_mm_for_euclid_dist"  # equal maps are at distance 0, ties stay ties
SPARE = 4  # candidates beyond the k wanted
SLACK = 1e-3  # of a squared distance: far above what rounding in float32 makes of it
ROWS = 256  # maps at a time whose distances are taken

Neighbours = tuple[
    Float[Tensor, "map k"], Int[Tensor, "map k"], Float[Tensor, "map k"], Int[Tensor, "map k"]
]


def nearest_and_farthest_naive(maps: Float[Tensor, "map cell"], k: int) -> Neighbours:
    """Double loop over all pairs, ties broken by the lower index.

    maps [T, P] -> near distance, near index, far distance, far index, each [T, k], Euclidean,
    nearest first and farthest first. A map is not its own neighbour.
    Source: UrbanSTC section 4.2, Algorithm 1; the paper divides distances (Eq. 6) by the number
    of cells under the root, which changes neither order nor weights.
    """
    rows = []
    for i, this in enumerate(maps):
        pairs = [((this - other).norm().item(), j) for j, other in enumerate(maps) if j != i]
        near = sorted(pairs)[:k]
        far = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:k]
        rows.append([*zip(*near), *zip(*far)])
    near, near_index, far, far_index = zip(*rows)
    distances = (torch.tensor(d, dtype=maps.dtype, device=maps.device) for d in (near, far))
    indices = (torch.tensor(i, device=maps.device) for i in (near_index, far_index))
    near, far = distances
    near_index, far_index = indices
    return near, near_index, far, far_index


def nearest_and_farthest(maps: Float[Tensor, "map cell"], k: int) -> Neighbours:
    """The same four arrays without a loop.

    Distances of Eq. 6 and neighbours of Algorithm 1; shapes and source as in
    `nearest_and_farthest_naive`. Raises ValueError unless 1 <= k < T.
    By design without a gradient: the paper searches data, before any training, and the naive
    twin returns plain numbers. The torch form alone lets one through the distances.
    """
    count = len(maps)
    if not 1 <= k < count:
        raise ValueError(f"nearest_and_farthest: k = {k} needs 1 <= k < {count} maps")
    return dispatch("nearest_and_farthest", nearest_and_farthest_naive, _torch, (maps, k))


def _torch(maps: Tensor, k: int) -> Neighbours:
    """Exact distances to a few candidates only, where these surely hold the k wanted.

    A matrix product in float64 gives all squared distances up to a known error. Whoever is
    among the k by exact, then rounded, distances is within SLACK of the k-th here; a row with
    more such maps than candidates is done in full. The same bits as sorting of all rows.
    """
    spare = k + SPARE
    if maps.requires_grad or len(maps) < 4 * spare or not maps.isfinite().all():
        return _by_sorting(maps, maps, torch.arange(len(maps), device=maps.device), k)
    square, error = _squares(maps.double())
    near, near_index, near_sure = _sifted(maps, square.fill_diagonal_(torch.inf), error, k, 1)
    far, far_index, far_sure = _sifted(maps, square.fill_diagonal_(-torch.inf), error, k, -1)
    rest = (~(near_sure & far_sure)).nonzero()[:, 0]
    full = _by_sorting(maps[rest], maps, rest, k)
    for part, whole in zip((near, near_index, far, far_index), full, strict=True):
        part[rest] = whole
    return near, near_index, far, far_index


def _squares(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances of all pairs [T, T], half of them computed; a bound of their error."""
    norm = maps.square().sum(1)
    square = maps.new_empty(len(maps), len(maps))
    for first in range(0, len(maps), ROWS):
        last = first + ROWS
        part = norm[first:last, None] + norm[:last]
        part.addmm_(maps[first:last], maps[:last].T, alpha=-2)
        square[first:last, :last], square[:first, first:last] = part, part[:, :first].T
    return square, 4e-16 * (maps.shape[1] + 8) * norm.max()


def _sifted(maps: Tensor, square: Tensor, error: Tensor, k: int, sign: int):
    """The k nearest (sign 1) or farthest (-1) in order, and whether a row is sure of them."""
    found = square.topk(k + SPARE, largest=sign < 0)
    limit = found.values[:, k - 1] * (1 + sign * SLACK) + sign * error
    sure = (found.values[:, -1] - limit) * sign > 0
    index = found.indices.sort(1).values  # the lower index first among equals
    parts = zip(maps.split(ROWS), index.split(ROWS), strict=True)
    exact = torch.cat([torch.cdist(this[:, None], maps[some], compute_mode=EXACT)[:, 0]
                       for this, some in parts])  # fmt: skip
    best = _smallest(sign * exact, k)
    return sign * best[0], index.gather(1, best[1]), sure


def _by_sorting(rows: Tensor, maps: Tensor, own: Tensor, k: int) -> Neighbours:
    """From the distances of some maps, numbered `own`, to all, and two stable sorts."""
    distance = torch.cdist(rows, maps, compute_mode=EXACT)
    self = own[:, None]
    near = _smallest(distance.scatter(1, self, torch.inf), k)
    far = _smallest(-distance.scatter(1, self, -torch.inf), k)
    return near[0], near[1], -far[0], far[1]


def _smallest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest of each row in order, the lower index first among equals."""
    ordered = values.sort(dim=1, stable=True)
    return ordered.values[:, :k].clone(), ordered.indices[:, :k].clone()
