"""`pattern_density` on a card: no matrix of distances is ever written.

A program owns a few regions and passes by all others. A region is at distance 0 from itself, so
the largest exponent of every sum is 0 and the sum needs no running maximum. With
e_ri = exp(-|phi_r - phi_i|^2 / 2), S_r their sum and g the upstream gradient,

    d phi_r = - sum over i of e_ri (g_r / S_r + g_i / S_i) (phi_r - phi_i).
"""

import math
from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.triton_ops.launch import (
    accumulator,
    at_least_float32,
    launch,
    mapped,
    power_of_two,
)

WIDEST = 1024  # numbers of an embedding that a program holds for a pair of regions


def unsupported(embedding: Tensor, bandwidth: float) -> str | None:
    """Why the kernels cannot take these arguments."""
    width = embedding.shape[1]
    return f"embeddings of {width} numbers are wider than {WIDEST}" if width > WIDEST else None


def apply(embedding: Tensor, bandwidth: float) -> Tensor:
    """The operation by its kernels; arguments as in its public form."""
    return density(embedding.to(at_least_float32(embedding)) / bandwidth)[0]


@torch.library.custom_op("stflow::pattern_density", mutates_args=())
def density(phi: Tensor) -> tuple[Tensor, Tensor]:
    """phi [R, D] in bandwidths -> log density [R] and the sums S [R]."""
    phi = phi.contiguous()
    total, log = phi.new_empty(len(phi)), phi.new_empty(len(phi))
    _start(_density_kernel, phi, phi, total, log, shift=math.log(max(len(phi), 1)))
    return log, total


@torch.library.custom_op("stflow::pattern_density_backward", mutates_args=())
def density_backward(upstream: Tensor, phi: Tensor, total: Tensor) -> Tensor:
    """Gradient of phi [R, D], by the formula above."""
    phi = phi.contiguous()
    d_phi = torch.empty_like(phi)
    _start(_density_backward_kernel, phi, phi, (upstream / total).contiguous(), d_phi)
    return d_phi


@density.register_fake
def _(phi):
    return phi.new_empty(len(phi)), phi.new_empty(len(phi))


@density_backward.register_fake
def _(upstream, phi, total):
    return phi.new_empty(phi.shape)


def _keep(ctx, inputs, output):
    ctx.save_for_backward(inputs[0], output[1])
    ctx.mark_non_differentiable(output[1])


def _gradient(ctx, upstream, _):
    return density_backward(upstream, *ctx.saved_tensors)


density.register_autograd(_gradient, setup_context=_keep)
mapped(density)
mapped(density_backward)


def _start(kernel, phi: Tensor, *args, **options) -> None:
    """One program for 4 or 8 regions, which meet the others about 8192 differences a time."""
    count, width = phi.shape
    wide = power_of_two(width)
    own = 8 if wide <= 128 else 4
    others = min(power_of_two(count), max(1, 8192 // (own * wide)), 64)
    launch(kernel, (triton.cdiv(count, own),), *args, count, width, **options, OWN=own,
           OTHERS=others, WIDE=wide, EXACT=accumulator(phi), num_warps=8)  # fmt: skip


@triton.jit
@no_type_check
def _rows(phi, region, count, width, WIDE: tl.constexpr):
    """Embeddings of some regions, [regions, WIDE], zeros beyond."""
    d = tl.arange(0, WIDE)[None, :]
    place = phi + region.to(tl.int64)[:, None] * width + d
    return tl.load(place, mask=(region < count)[:, None] & (d < width), other=0.0)


@triton.jit
@no_type_check
def _density_kernel(phi, total, log, count, width, shift: tl.constexpr, OWN: tl.constexpr,
                    OTHERS: tl.constexpr, WIDE: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    own = tl.program_id(0) * OWN + tl.arange(0, OWN)
    mine = _rows(phi, own, count, width, WIDE)
    s = tl.zeros([OWN], EXACT)
    for start in range(0, count, OTHERS):
        other = start + tl.arange(0, OTHERS)
        step = mine[:, None, :] - _rows(phi, other, count, width, WIDE)[None, :, :]
        e = tl.exp(tl.sum(step * step, axis=2) * -0.5)
        s += tl.sum(tl.where((other < count)[None, :], e, 0.0), axis=1)
    tl.store(total + own, s, mask=own < count)
    tl.store(log + own, tl.log(s) - shift, mask=own < count)


@triton.jit
@no_type_check
def _density_backward_kernel(phi, rate, d_phi, count, width, OWN: tl.constexpr,
                             OTHERS: tl.constexpr, WIDE: tl.constexpr,
                             EXACT: tl.constexpr):  # fmt: skip
    own = tl.program_id(0) * OWN + tl.arange(0, OWN)
    mine = _rows(phi, own, count, width, WIDE)
    my_rate = tl.load(rate + own, mask=own < count, other=0.0)
    back = tl.zeros([OWN, WIDE], EXACT)
    for start in range(0, count, OTHERS):
        other = start + tl.arange(0, OTHERS)
        step = mine[:, None, :] - _rows(phi, other, count, width, WIDE)[None, :, :]
        its_rate = tl.load(rate + other, mask=other < count, other=0.0)
        e = tl.exp(tl.sum(step * step, axis=2) * -0.5) * (my_rate[:, None] + its_rate[None, :])
        e = tl.where((other < count)[None, :], e, 0.0)
        back -= tl.sum(e[:, :, None] * step, axis=1)
    d = tl.arange(0, WIDE)[None, :]
    place = d_phi + own.to(tl.int64)[:, None] * width + d
    tl.store(place, back, mask=(own < count)[:, None] & (d < width))
