"""`node_prompt` on a card, Gram-first: one C x C matrix, then one product with every window.

All of it, forward and backward, is one kernel: a matrix product in float32 (no TF32) that takes
any strides, so a transposed matrix is never written down. Every entry is one program's sum over
the whole inner dimension, in a fixed order. With a softmax over patterns there are two products
each way and a softmax between them: B N x K shares are the only thing in memory besides.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.triton_ops.launch import accumulator, launch, mapped, power_of_two

UNWISE = "two matrix products are what the vendor's library does best"
PATTERNS = 16384  # whose shares one program can hold


def unsupported(z: Tensor, bank: Tensor, mode: str) -> str | None:
    """Why the kernel cannot take these arguments."""
    if mode == "token_softmax":
        return f"mode {mode} is attention, which torch has as one fused operation"
    return f"{len(bank)} patterns are more than {PATTERNS}" if len(bank) > PATTERNS else None


def apply(z: Tensor, bank: Tensor, mode: str) -> Tensor:
    """The operation by its kernels; arguments as in its public form."""
    if mode == "pattern_softmax":
        return picked(z, bank)[0]
    return prompts(z, bank, mode == "gram")


@torch.library.custom_op("stflow::node_prompt", mutates_args=())
def prompts(z: Tensor, bank: Tensor, gram: bool) -> Tensor:
    """Prompts as printed: z times one C x C matrix, B^T B or the sum of the bank."""
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


@torch.library.custom_op("stflow::node_prompt_picked", mutates_args=())
def picked(z: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """Prompts and each pattern's share in them, [B N, K]: p = softmax(z B^T / sqrt(T C))."""
    windows, patterns = _windows(z), bank.flatten(1)
    score = _product(windows, patterns.T, windows.shape[1] ** -0.5)
    share = torch.empty_like(score)
    _start(_share_kernel, score, share)
    return _product(share, patterns, 1.0).view(z.shape), share


@torch.library.custom_op("stflow::node_prompt_picked_backward", mutates_args=())
def picked_backward(
    upstream: Tensor, z: Tensor, bank: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    """With q = g B^T: ds = p (q - <p, q>) / sqrt(T C), dz = ds B, dB = p^T g + ds^T z."""
    g, windows, patterns = _windows(upstream), _windows(z), bank.flatten(1)
    d_share = _product(g, patterns.T, 1.0)
    d_score, scale = torch.empty_like(d_share), windows.shape[1] ** -0.5
    _start(_share_backward_kernel, share.contiguous(), d_share, d_score)
    d_bank = _product(share.T, g, 1.0) + _product(d_score.T, windows, scale)
    return _product(d_score, patterns, scale).view(z.shape), d_bank.view(bank.shape)


@picked.register_fake
def _(z, bank):
    return z.new_empty(z.shape), z.new_empty((z.shape[0] * z.shape[1], len(bank)))


@picked_backward.register_fake
def _(upstream, z, bank, share):
    return z.new_empty(z.shape), bank.new_empty(bank.shape)


def _keep_shares(ctx, inputs, output):
    ctx.save_for_backward(*inputs, output[1])
    ctx.mark_non_differentiable(output[1])


picked.register_autograd(
    lambda ctx, upstream, _: picked_backward(upstream, *ctx.saved_tensors),
    setup_context=_keep_shares,
)
mapped(picked)
mapped(picked_backward)


def _windows(z: Tensor) -> Tensor:
    """[B, N, T, C] -> [B N, T C]."""
    return z.flatten(0, 1).flatten(1)


def _start(kernel, *rows: Tensor) -> None:
    """One program for a row of shares."""
    count, patterns = rows[0].shape
    launch(kernel, (count,), *rows, patterns, WIDE=power_of_two(patterns),
           EXACT=accumulator(rows[0]))  # fmt: skip


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
    launch(_product_kernel, grid, a, b, out, m, n, k, *a.stride(), *b.stride(), scale=scale,
           ROWS=rows, COLUMNS=columns, INNER=32, EXACT=accumulator(a))  # fmt: skip
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
                        mask=(inner < k)[:, None] & (column < n)[None, :],
                        other=0.0)  # fmt: skip
        total += tl.dot(
            left.to(EXACT), right.to(EXACT), input_precision="ieee", out_dtype=EXACT
        )
    place = row[:, None] * n + column[None, :]
    tl.store(out + place, total * scale, mask=(row < m)[:, None] & (column < n)[None, :])


@triton.jit
@no_type_check
def _share_kernel(score, share, patterns, WIDE: tl.constexpr, EXACT: tl.constexpr):
    k = tl.arange(0, WIDE)
    place = tl.program_id(0).to(tl.int64) * patterns + k
    s = tl.load(score + place, mask=k < patterns, other=-float("inf")).to(EXACT)
    e = tl.exp(s - tl.max(s, axis=0))
    tl.store(share + place, e / tl.sum(e, axis=0), mask=k < patterns)


@triton.jit
@no_type_check
def _share_backward_kernel(share, d_share, d_score, patterns, WIDE: tl.constexpr,
                           EXACT: tl.constexpr):  # fmt: skip
    k = tl.arange(0, WIDE)
    place = tl.program_id(0).to(tl.int64) * patterns + k
    p = tl.load(share + place, mask=k < patterns, other=0.0).to(EXACT)
    q = tl.load(d_share + place, mask=k < patterns, other=0.0).to(EXACT)
    tl.store(d_score + place, p * (q - tl.sum(p * q, axis=0)), mask=k < patterns)
