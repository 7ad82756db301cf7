"""`nearest_and_farthest` on a card: distances to all maps stay in a program's registers.

A program owns a few maps. It adds up squared differences cell by cell, in sub-totals of 32
cells so that rounding stays small, and then k times takes the smallest, of equals the one with
the lower number. No matrix of distances is written, nothing is sorted.
"""

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

MOST = 16384  # maps whose distances a program can hold


def unsupported(maps: Tensor, k: int) -> str | None:
    """Why the kernel cannot take these arguments."""
    if torch.is_grad_enabled() and maps.requires_grad:
        return "a gradient of the distances is wanted, which only torch has"
    if maps.numel() >= 2**31:
        return f"{maps.numel()} cells need addresses of 64 bits"
    return f"{len(maps)} maps are more than {MOST}" if len(maps) > MOST else None


def apply(maps: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The operation by its kernels; arguments as in its public form."""
    return neighbours(maps, k)


@torch.library.custom_op("stflow::nearest_and_farthest", mutates_args=())
def neighbours(maps: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Distance and number of the k nearest maps, then of the k farthest, each [T, k]."""
    count, cells = maps.shape
    exact = maps.to(at_least_float32(maps))
    near, near_index, far, far_index = _outputs(exact, k)
    wide = power_of_two(count)
    own = max(1, min(4, 8192 // wide))
    launch(_neighbours_kernel, (triton.cdiv(count, own),), exact.contiguous(),
           exact.T.contiguous(), near, near_index, far, far_index, count, cells, k,
           OWN=own, MAPS=wide, EXACT=accumulator(maps), num_warps=8)  # fmt: skip
    return near.to(maps.dtype), near_index, far.to(maps.dtype), far_index


@neighbours.register_fake
def _(maps, k):
    return _outputs(maps, k)


mapped(neighbours)


def _outputs(maps: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    shape = (len(maps), k)
    near, far = maps.new_empty(shape), maps.new_empty(shape)
    near_index = maps.new_empty(shape, dtype=torch.int64)
    return near, near_index, far, maps.new_empty(shape, dtype=torch.int64)


@triton.jit
@no_type_check
def _take(keys, best, index, own, column, count, k, sign: tl.constexpr):
    """k times the smallest of keys [OWN, MAPS]; sign * key is the squared distance."""
    for turn in range(k):
        least = tl.min(keys, axis=1)
        tied = tl.where(keys == least[:, None], column[None, :], count)
        chosen = tl.min(tied, axis=1)
        place = own.to(tl.int64) * k + turn
        tl.store(best + place, tl.sqrt(least * sign), mask=own < count)
        tl.store(index + place, chosen.to(tl.int64), mask=own < count)
        keys = tl.where(column[None, :] == chosen[:, None], float("inf"), keys)


@triton.jit
@no_type_check
def _neighbours_kernel(maps, turned, near, near_index, far, far_index, count, cells, k,
                       OWN: tl.constexpr, MAPS: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    own = tl.program_id(0) * OWN + tl.arange(0, OWN)
    column = tl.arange(0, MAPS)
    square = tl.zeros([OWN, MAPS], EXACT)
    for start in range(0, cells, 32):
        part = tl.zeros([OWN, MAPS], EXACT)
        for cell in range(start, tl.minimum(start + 32, cells)):
            mine = tl.load(maps + own.to(tl.int64) * cells + cell, mask=own < count, other=0.0)
            row = turned + cell * count + column
            step = mine[:, None] - tl.load(row, mask=column < count, other=0.0)[None, :]
            part += step * step
        square += part
    away = (column[None, :] == own[:, None]) | (column >= count)[None, :]
    _take(tl.where(away, float("inf"), square), near, near_index, own, column, count, k, 1.0)
    _take(tl.where(away, float("inf"), -square), far, far_index, own, column, count, k, -1.0)
