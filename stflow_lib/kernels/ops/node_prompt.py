"""Prompts of nodes from a shared bank of patterns (TSJT Eq. 5), in the four readings of it.

z [B, N, T, C] are encoded windows, the bank [K, T, C] holds K patterns. As printed, a prompt is
Z B^T B / sqrt(C) without a softmax; summed over patterns this is Z G / sqrt(C) with one C x C
matrix G, so K x T x T scores need never be formed.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from stflow_lib.kernels.backend import dispatch

Nodes = Float[Tensor, "b node t c"]
MODES = ("gram", "code", "pattern_softmax", "token_softmax")


def node_prompt(z: Nodes, bank: Float[Tensor, "k rows columns"], mode: str = "gram") -> Nodes:
    """Prompt of every node, as z.

    "gram": Eq. 5 as printed; "pattern_softmax": one score for each pattern, as its prose says;
    "token_softmax": cross-attention of steps to all steps of the bank; all with a bank
    [K, T, C]. "code": the authors' release, bank [K, C, C] in the place of B^T B. ValueError
    for another mode or shape.
    """
    _check(z, bank, mode)
    return dispatch("node_prompt", node_prompt_naive, _torch, (z, bank, mode))


def node_prompt_naive(
    z: Nodes, bank: Float[Tensor, "k rows columns"], mode: str = "gram"
) -> Nodes:
    """The same, one pattern after the other, scores written out."""
    _check(z, bank, mode)
    width, steps = z.shape[3], z.shape[2]
    if mode == "code":
        return sum((z @ w for w in bank), torch.zeros_like(z)) / width**0.5
    if mode == "gram":
        return sum(((z @ b.T) @ b for b in bank), torch.zeros_like(z)) / width**0.5
    if mode == "pattern_softmax":
        scores = torch.stack([(z * b).sum((2, 3)) for b in bank], 2) / (steps * width) ** 0.5
        share = scores.exp() / scores.exp().sum(2, keepdim=True)
        return sum(share[:, :, k, None, None] * b for k, b in enumerate(bank))
    rows = torch.cat([*bank])
    scores = (z @ rows.T / width**0.5).exp()
    return scores / scores.sum(3, keepdim=True) @ rows


def _torch(z: Tensor, bank: Tensor, mode: str) -> Tensor:
    """All patterns at once; for the printed readings by one C x C matrix."""
    width = z.shape[3]
    if mode == "gram":
        rows = bank.flatten(0, 1)
        return z @ (rows.T @ rows) / width**0.5
    if mode == "code":
        return z @ bank.sum(0) / width**0.5
    if mode == "pattern_softmax":
        scores = z.flatten(2) @ bank.flatten(1).T / (z.shape[2] * width) ** 0.5
        return (scores.softmax(2) @ bank.flatten(1)).view_as(z)
    rows = bank.flatten(0, 1).expand(z.shape[0], 1, -1, -1)
    tokens = z.flatten(1, 2)[:, None]
    return F.scaled_dot_product_attention(tokens, rows, rows).view_as(z)


def bank_init_std(patterns: int, steps: int, width: int, mode: str = "gram") -> float:
    """Standard deviation of a bank's entries for which prompts of normed z start near 1.

    With N(0, 1) entries a printed prompt is K T / sqrt(C) times too large and drowns the speed.
    """
    if mode == "gram":
        return width**0.25 / (patterns * steps) ** 0.5
    return patterns**-0.5 if mode == "code" else 1.0


def _check(z: Tensor, bank: Tensor, mode: str) -> None:
    if mode not in MODES:
        raise ValueError(f"mode {mode!r}: want one of {[*MODES]}")
    width = z.shape[3]
    want = (width, width) if mode == "code" else tuple(z.shape[2:])
    if tuple(bank.shape[1:]) != want:
        raise ValueError(f"bank {tuple(bank.shape)}: mode {mode} wants patterns of {want}")
