"""What PDFormer knows of a city before it trains (Jiang et al., AAAI 2023, section 4).

Which cells are near, which live alike, where each lies in the grid's graph, and the usual
shapes of a few hours. All of it is drawn from the hours a method may see and nothing else.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.gridflow.problem.calendar import mean_by_slot

NEAR = 3  # cells, Chebyshev distance, from which the geographic heads do not look
ALIKE = 5  # cells at which the semantic heads look, the cell itself among them
EIGENVECTORS = 8
SHAPES, SHAPE_HOURS, SHAPE_ROUNDS = 16, 3, 5  # k-Shape centres, their length, iterations


@dataclass(frozen=True)
class Views:
    """near, alike [N, N]: who may look at whom; place [N, 8]; shapes [K, hours, D]; weekdays:
    those from Monday to Sunday that the training windows have."""

    near: Bool[Tensor, "cell cell"]
    alike: Bool[Tensor, "cell cell"]
    place: Float[Tensor, "cell eigenvector"]
    shapes: Float[Tensor, "shape hour direction"]
    weekdays: Bool[Tensor, " 7"]


def views(
    series: Float[Tensor, "time cell direction"],
    slots: Int[Tensor, " time"],
    where: Int[Tensor, "cell 2"],
    weekdays: Bool[Tensor, " 7"],
    seed: int,
) -> Views:
    """Of training hours [T, N, D], their slots in the day [T], and (row, col) of the cells."""
    days = mean_by_slot(series[..., None], slots, int(slots.max()) + 1)[..., 0]
    distance = warped_distance(days.transpose(0, 1))
    nearest = distance.argsort(dim=1, stable=True)[:, :ALIKE]
    steps = (where[:, None] - where[None]).abs().amax(2)
    shapes = [kshape(windows, seed) for windows in _windows(series)]
    return Views(
        near=steps < NEAR,
        alike=torch.zeros_like(steps, dtype=torch.bool).scatter_(1, nearest, True),
        place=eigenvectors(steps == 1).to(series),
        shapes=torch.from_numpy(np.stack(shapes, 2)).to(series),
        weekdays=weekdays,
    )


def warped_distance(curves: Float[Tensor, "cell time direction"]) -> Float[Tensor, "cell cell"]:
    """Dynamic time warping of all pairs of curves [N, T, D]; L1 between two moments.

    Exact, by the usual recursion, all pairs at once: O(N^2 T^2).
    """
    cells, length = curves.shape[:2]
    wall = curves.new_full((cells, cells), torch.inf)
    above = [wall.new_zeros(cells, cells)] + [wall] * length
    for i in range(length):
        row = [wall]
        for j in range(length):
            cost = torch.cdist(curves[:, i], curves[:, j], p=1)
            row.append(cost + torch.minimum(torch.minimum(above[j], above[j + 1]), row[j]))
        above = row
    return above[-1]


def eigenvectors(linked: Bool[Tensor, "cell cell"]) -> Float[Tensor, "cell eigenvector"]:
    """The smoothest non-trivial eigenvectors of the normalised Laplacian, [N, 8].

    Trivial is eigenvalue 0, once for each connected part; columns that do not exist are 0.
    """
    links = linked.double()
    root = links.sum(1).clamp_min(1).rsqrt()
    laplacian = torch.diag((links.sum(1) > 0).double()) - root[:, None] * links * root
    values, vectors = torch.linalg.eigh(laplacian)
    kept = vectors[:, values > 1e-8][:, :EIGENVECTORS]
    return torch.nn.functional.pad(kept, (0, EIGENVECTORS - kept.shape[1]))


def _windows(
    series: Float[Tensor, "time cell direction"],
) -> list[Float[np.ndarray, "window hour"]]:
    """Every run of `SHAPE_HOURS` hours of every cell, [n, hours] for each direction."""
    runs = series.unfold(0, SHAPE_HOURS, 1)  # [T - 2, N, D, hours]
    return [one.flatten(0, 1).double().cpu().numpy() for one in runs.unbind(2)]


def kshape(
    x: Float[np.ndarray, "n time"], seed: int, clusters: int = SHAPES
) -> Float[np.ndarray, "cluster time"]:
    """Centres of k-Shape (Paparrizos and Gravano, SIGMOD 2015), mean 0 and deviation 1.

    Windows belong to the centre with which they correlate most over all shifts; a centre is
    the direction that its aligned windows share. A centre that loses all stays as it is.
    """
    random = np.random.default_rng(seed)
    labels = random.integers(clusters, size=len(x))
    centres = random.normal(size=(clusters, x.shape[1]))
    for _ in range(SHAPE_ROUNDS):
        for k in np.unique(labels):
            centres[k] = shape_of(x[labels == k], centres[k])
        labels = np.stack([correlations(x, c).max(1) for c in centres]).argmax(0)
    return centres


def correlations(
    x: Float[np.ndarray, "n time"], centre: Float[np.ndarray, " time"]
) -> Float[np.ndarray, "n shift"]:
    """Cosine of the centre with each window moved by 1 - T .. T - 1 hours, zeros moved in."""
    moved = shifts(x) @ centre  # [2 T - 1, n]
    size = np.linalg.norm(x, axis=1) * np.linalg.norm(centre)
    return (moved / np.maximum(size, 1e-12)).T


def shifts(x: Float[np.ndarray, "n time"]) -> Float[np.ndarray, "shift n time"]:
    """Each window moved by 1 - T .. T - 1 hours."""
    length = x.shape[1]
    padded = np.pad(x, ((0, 0), (length - 1, length - 1)))
    return np.stack([padded[:, s : s + length] for s in range(2 * length - 2, -1, -1)])


def shape_of(
    x: Float[np.ndarray, "n time"], centre: Float[np.ndarray, " time"]
) -> Float[np.ndarray, " time"]:
    """The first principal direction of windows aligned to the old centre, without its mean."""
    best = correlations(x, centre).argmax(1)
    aligned = shifts(x)[best, np.arange(len(x))]
    middle = aligned - aligned.mean(1, keepdims=True)
    direction = np.linalg.eigh(middle.T @ middle)[1][:, -1]
    if np.linalg.norm(aligned + direction, axis=1).sum() < np.linalg.norm(
        aligned - direction, axis=1
    ).sum():  # fmt: skip
        direction = -direction
    direction = direction - direction.mean()
    return direction / max(direction.std(), 1e-12)
