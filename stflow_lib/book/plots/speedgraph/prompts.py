"""What prompts cost, from whom a node hears, and which patterns of the bank it leans to."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch import Tensor

from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.tsjt.method import TSJT

LEAST = 1e-9  # share below which a logarithm is cut
RARE = 0.005  # share of windows below which a pattern is not drawn


def readings_table(B: int, N: int, T: int, D: int, K: int) -> pd.DataFrame:
    """Numbers and products of four readings of Eq. 5; B windows, N nodes, T steps, D' = D."""
    readings = {
        "gram": ("Eq. 5 as printed", K * T * D, K * T * D**2 + B * N * T * D**2),
        "code": ("the release: B^T B itself is learned", K * D**2, B * N * T * D**2),
        "pattern_softmax": ("the words: a score for each pattern", K * T * D,
                            2 * B * N * K * T * D),
        "token_softmax": ("attention of steps to all steps", K * T * D,
                          2 * B * N * K * T**2 * D),
    }  # fmt: skip
    table = pd.DataFrame(readings, index=["reading", "parameters", "products (million)"]).T
    return table.assign(**{
        "products (million)": (table["products (million)"] / 1e6).astype(float)
    })  # fmt: skip


def gram_spectrum(bank: Float[Tensor, "pattern step width"]) -> np.ndarray:
    """Eigenvalues [D'] of the bank's Gram matrix over the largest one, falling."""
    rows = bank.flatten(0, 1).double()
    values = torch.linalg.eigvalsh(rows.T @ rows).flip(0)
    return (values / values[0]).numpy()


def band_order(weights: Float[Tensor, "node node"]) -> np.ndarray:
    """Nodes in an order in which linked ones are near each other."""
    return reverse_cuthill_mckee(csr_matrix(weights.numpy()))


def effective_neighbours(weights: np.ndarray) -> float:
    """Neighbours of a mean node, by the entropy of its row of weights [N, N]."""
    rows = weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)
    return float(np.exp(-(rows * np.log(np.maximum(rows, 1e-30))).sum(1)).mean())


def nodes_heard(network: TSJT, city: CitySpeed, node: int) -> int:
    """Nodes whose newest window has a gradient in the forecast of `node`."""
    x = city.windows(city.train[-1:]).requires_grad_()
    network(x, network.operators(city.weights))[0, node].sum().backward()
    return int((x.grad[0].abs().sum((1, 2)) > 0).sum())


@torch.no_grad()
def pattern_shares(
    network: TSJT, city: CitySpeed, steps: Int[Tensor, " step"]
) -> Float[Tensor, "step node pattern"]:
    """Share of each pattern in the prompts of a network with softmax over patterns."""
    npm = network.prompting
    code = npm.encoder(city.windows(steps), network.operators(city.weights)[0])
    scores = code.flatten(2) @ npm.bank.flatten(1).T / (code.shape[2] * code.shape[3]) ** 0.5
    return scores.softmax(2)


def usual_shares(shares: Float[Tensor, "step node pattern"]) -> Float[Tensor, " pattern"]:
    """Mean logarithm of each pattern's share."""
    return shares.clamp_min(LEAST).log().mean((0, 1))


def strongest(
    shares: Float[Tensor, "*where pattern"], usual: Float[Tensor, " pattern"]
) -> Int[Tensor, "*where"]:
    """The pattern that is furthest above its usual share."""
    return (shares.clamp_min(LEAST).log() - usual).argmax(-1)


def mean_windows(
    city: CitySpeed, steps: Int[Tensor, " step"], kinds: Int[Tensor, "step node"], minutes: int
) -> tuple[pd.DataFrame, list[float]]:
    """Mean input window of each pattern that is not rare, minutes down, and their shares.

    kinds: the strongest pattern of each window.
    """
    speeds = city.unscale(city.windows(steps)[..., 0])
    shares = {k: (kinds == k).float().mean().item() for k in range(int(kinds.max()) + 1)}
    used = {k: share for k, share in shares.items() if share > RARE}
    at = minutes * np.arange(1 - city.lags, 1)
    windows = pd.DataFrame({k: speeds[kinds == k].mean(0).numpy() for k in used}, index=at)
    return windows, [*used.values()]


def pattern_use(
    network: TSJT, cities: Iterable[CitySpeed], usual: Tensor, patterns: Sequence[int]
) -> pd.DataFrame:
    """How often each pattern is the strongest in each city, and how many a node hears."""
    rows = {}
    for city in cities:
        some = city.train[:: max(len(city.train) // 40, 1)]
        share = pattern_shares(network, city, some).flatten(0, 1)
        top = strongest(share, usual)
        entropy = -(share * share.clamp_min(1e-12).log()).sum(1)
        rows[city.name] = {
            f"pattern {k + 1} (%)": 100 * (top == k).float().mean().item() for k in patterns
        } | {"patterns heard by a node": entropy.exp().mean().item()}
    return pd.DataFrame(rows).T
