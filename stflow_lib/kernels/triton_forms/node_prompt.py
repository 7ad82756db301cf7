"""`node_prompt` on a card, Gram-first: one C x C matrix, then one product with every window.

All of it, forward and backward, is one kernel: a matrix product in float32 (no TF32) that takes
any strides, so a transposed matrix is never written down. Every entry is one program's sum over
the whole inner dimension, in a fixed order.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.triton_forms.launch import launch, mapped, power_of_two

UNWISE = "two matrix products are what the vendor's library does best"
PRINTED = ("gram", "code")


def refusal(z: Tensor, bank: Tensor, mode: str) -> str | None:
    """Why the kernel cannot take these arguments."""
    if mode not in PRINTED:
        return f"mode {mode} is attention, which torch has as one fused operation"
    return None


def through(z: Tensor, bank: Tensor, mode: str) -> Tensor:
    return prompts(z, bank, mode == "gram")


@torch.library.custom_op("stflow::node_prompt", mutates_args=())
def prompts(z: Tensor, bank: Tensor, gram: bool) -> Tensor:
    tokens = z.flatten(0, 2)
    return _product(tokens, _matrix(bank, gram), _scale(z)).view(z.shape)


@torch.library.custom_op("stflow::node_prompt_backward", mutates_args=())
def prompts_backward(
    upstream: Tensor, z: Tensor, bank: Tensor, gram: bool
) -> tuple[Tensor, Tensor]:
    """With G the C x C matrix: dz = g G^T, dG = z^T g; of B^T B: dB = B (dG + dG^T)."""
    g, tokens, scale = upstream.flatten(0, 2), z.flatten(0, 2), _scale(z)
    d_z = _product(g, _matrix(bank, gram).T, scale)
    d_matrix = _product(tokens.T, g, scale)
    if not gram:
        return d_z.view(z.shape), d_matrix.expand(bank.shape).contiguous()
    d_bank = _product(bank.flatten(0, 1), d_matrix + d_matrix.T, 1.0)
    return d_z.view(z.shape), d_bank.view(bank.shape)


@prompts.register_fake
def _(z, bank, gram):
    return z.new_empty(z.shape)


@prompts_backward.register_fake
def _(upstream, z, bank, gram):
    return z.new_empty(z.shape), bank.new_empty(bank.shape)


def _keep(ctx, inputs, output):
    z, bank, ctx.gram = inputs
    ctx.save_for_backward(z, bank)


def _gradient(ctx, upstream):
    return *prompts_backward(upstream, *ctx.saved_tensors, ctx.gram), None


prompts.register_autograd(_gradient, setup_context=_keep)
mapped(prompts)
mapped(prompts_backward)


def _scale(z: Tensor) -> float:
    return max(z.shape[3], 1) ** -0.5


def _matrix(bank: Tensor, gram: bool) -> Tensor:
    """The C x C matrix that stands for the whole bank."""
    if not gram:
        return bank.sum(0)
    rows = bank.flatten(0, 1)
    return _product(rows.T, rows, 1.0)


def _product(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """scale a b for a [M, K], b [K, N] of any strides."""
    (m, k), n = a.shape, b.shape[1]
    out = a.new_empty(m, n)
    rows, columns = min(power_of_two(m, 16), 64), min(power_of_two(n, 16), 64)
    grid = (triton.cdiv(m, rows), triton.cdiv(n, columns))
    exact = tl.float64 if a.dtype == torch.float64 else tl.float32
    launch(_product_kernel, grid, a, b, out, m, n, k, *a.stride(), *b.stride(), scale=scale,
           ROWS=rows, COLUMNS=columns, INNER=32, EXACT=exact)  # fmt: skip
    return out


@triton.jit
@no_type_check
def _product_kernel(a, b, out, m, n, k, a_row, a_column, b_row, b_column, scale: tl.constexpr,
                    ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr,
                    EXACT: tl.constexpr):  # fmt: skip
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    column = (tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)).to(tl.int64)
    total = tl.zeros([ROWS, COLUMNS], EXACT)
    for start in range(0, k, INNER):
        inner = (start + tl.arange(0, INNER)).to(tl.int64)
        left = tl.load(a + row[:, None] * a_row + inner[None, :] * a_column,
                       mask=(row < m)[:, None] & (inner < k)[None, :], other=0.0)  # fmt: skip
        right = tl.load(b + inner[:, None] * b_row + column[None, :] * b_column,
                        mask=(inner < k)[:, None] & (column < n)[None, :], other=0.0)  # fmt: skip
        total += tl.dot(
            left.to(EXACT), right.to(EXACT), input_precision="ieee", out_dtype=EXACT
        )
    place = row[:, None] * n + column[None, :]
    tl.store(out + place, total * scale, mask=(row < m)[:, None] & (column < n)[None, :])
