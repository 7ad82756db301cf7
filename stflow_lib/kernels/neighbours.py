"""The nearest and farthest maps of every map, for triplet mining (UrbanSTC, Algorithm 1)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.kernels.backend import run

Neighbours = tuple[
    Float[Tensor, "map k"], Int[Tensor, "map k"], Float[Tensor, "map k"], Int[Tensor, "map k"]
]


def nearest_and_farthest_naive(maps: Float[Tensor, "map cell"], k: int) -> Neighbours:
    """Double loop over all pairs, ties broken by the lower index.

    maps [T, P] -> near distance, near index, far distance, far index, each [T, k], Euclidean,
    nearest first and farthest first. A map is not its own neighbour.
    Source: UrbanSTC section 3.4, Algorithm 1.
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

    Shapes and source as in `nearest_and_farthest_naive`. Raises ValueError unless 1 <= k < T.
    """
    count = len(maps)
    if not 1 <= k < count:
        raise ValueError(f"nearest_and_farthest: k = {k} needs 1 <= k < {count} maps")
    return run("nearest_and_farthest", nearest_and_farthest_naive, _by_sorting, (maps, k))


def _by_sorting(maps: Tensor, k: int) -> Neighbours:
    """From one distance matrix and two stable sorts."""
    mode = "donot_use_mm_for_euclid_dist"  # exact: equal maps are at distance 0, ties stay ties
    distance = torch.cdist(maps, maps, compute_mode=mode)
    near = _smallest(distance.fill_diagonal_(torch.inf), k)
    far = _smallest(-distance.fill_diagonal_(-torch.inf), k)
    return near[0], near[1], -far[0], far[1]


def _smallest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest of each row in order, the lower index first among equals."""
    ordered = values.sort(dim=1, stable=True)
    return ordered.values[:, :k].clone(), ordered.indices[:, :k].clone()
