"""`skewed_direction` on a card: three kernels for all tensors of a network together.

Every tensor is cut into chunks. The first kernel writes <s, t> and <t, t> of every chunk, the
second adds them up for every component and makes its factor, the third writes the step. Kernels
find a tensor by its address in a table, so nothing is copied together, read back or looped over.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.skewed_direction import LEAST, _groups
from stflow_lib.kernels.triton_forms.launch import accumulator, launch, mapped

CHUNK = 4096  # numbers of one program
TYPES = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16,
         torch.float32: tl.float32, torch.float64: tl.float64}  # fmt: skip


def refusal(target_grads, source_grads, *_) -> str | None:
    """Why the kernels cannot take these arguments."""
    if torch.is_grad_enabled() and any(g.requires_grad for g in [*target_grads, *source_grads]):
        return "a gradient of the step is wanted, which only torch has"
    return None


def through(target_grads, source_grads, target_weight, source_weight, granularity) -> list:
    if not len(target_grads):
        return []
    groups = _groups(target_grads, source_grads, granularity).tolist()
    flat = step(list(target_grads), list(source_grads), groups, target_weight, source_weight)
    parts = flat.split([g.numel() for g in target_grads])
    return [part.view(g.shape) for part, g in zip(parts, target_grads, strict=True)]


@torch.library.custom_op("stflow::skewed_direction", mutates_args=())
def step(
    target: Sequence[Tensor],
    source: Sequence[Tensor],
    groups: Sequence[int],
    target_weight: float,
    source_weight: float,
) -> Tensor:
    """One flat tensor, the steps of all tensors one after the other."""
    t, s = [x.contiguous() for x in target], [x.contiguous() for x in source]
    exact, kind = accumulator(t[0]), TYPES[t[0].dtype]
    out = t[0].new_empty(sum(x.numel() for x in t))
    table, spans = _chunks(tuple(x.numel() for x in t), tuple(groups), str(out.device))
    where = torch.tensor([[x.data_ptr() for x in both] for both in (t, s)]).to(out.device)
    sums = out.new_empty((len(table), 2), dtype=torch.float64)
    factors = out.new_empty(len(spans), dtype=torch.float64)
    launch(_sums_kernel, (len(table),), where, table, sums, len(t), CHUNK=CHUNK,
           KIND=kind, EXACT=exact)  # fmt: skip
    weights = sums.new_tensor([target_weight, source_weight])
    launch(_factors_kernel, (len(spans),), spans, sums, weights, factors, least=LEAST)
    launch(_step_kernel, (len(table),), where, table, factors, weights, out, len(t),
           CHUNK=CHUNK, KIND=kind, EXACT=exact)  # fmt: skip
    return out


@step.register_fake
def _(target, source, groups, target_weight, source_weight):
    return target[0].new_empty(sum(x.numel() for x in target))


mapped(step)


@lru_cache(maxsize=16)
def _chunks(sizes: tuple[int, ...], groups: tuple[int, ...], device: str):
    """Every chunk's tensor, start, numbers, place in the output and component, sorted by the
    last; the first chunk of every component and the one behind its last."""
    rows, place = [], 0
    for tensor, (size, group) in enumerate(zip(sizes, groups, strict=True)):
        for start in range(0, size, CHUNK):
            rows.append([tensor, start, min(CHUNK, size - start), place + start, group])
        place += size
    rows.sort(key=lambda row: row[4])
    owners = [row[4] for row in rows]
    spans = [[sum(o < g for o in owners), sum(o <= g for o in owners)]
             for g in range(max(groups) + 1)]  # fmt: skip
    whole = (torch.tensor(x, dtype=torch.int64).view(-1, n) for x, n in ((rows, 5), (spans, 2)))
    table, spans = (x.to(device) for x in whole)
    return table, spans


@triton.jit
@no_type_check
def _numbers(where, table, tensors, CHUNK: tl.constexpr, KIND: tl.constexpr):
    """Target and source of a chunk, where in the output they belong, and what is there."""
    row = table + tl.program_id(0) * 5
    tensor, start = tl.load(row), tl.load(row + 1)
    i = tl.arange(0, CHUNK)
    inside = i < tl.load(row + 2)
    target = tl.load(where + tensor).to(tl.pointer_type(KIND)) + start + i
    source = tl.load(where + tensors + tensor).to(tl.pointer_type(KIND)) + start + i
    t, s = tl.load(target, mask=inside, other=0.0), tl.load(source, mask=inside, other=0.0)
    return t, s, tl.load(row + 3) + i, inside


@triton.jit
@no_type_check
def _sums_kernel(where, table, sums, tensors, CHUNK: tl.constexpr, KIND: tl.constexpr,
                 EXACT: tl.constexpr):  # fmt: skip
    t, s, _, _ = _numbers(where, table, tensors, CHUNK, KIND)
    t, s = t.to(EXACT), s.to(EXACT)
    tl.store(sums + tl.program_id(0) * 2, tl.sum(s * t, axis=0).to(tl.float64))
    tl.store(sums + tl.program_id(0) * 2 + 1, tl.sum(t * t, axis=0).to(tl.float64))


@triton.jit
@no_type_check
def _factors_kernel(spans, sums, weights, factors, least: tl.constexpr):
    """What a component's target gradient is multiplied by: one program for each."""
    group = tl.program_id(0)
    dot = tl.full((), 0.0, tl.float64)
    norm = tl.full((), 0.0, tl.float64)
    for chunk in range(tl.load(spans + 2 * group), tl.load(spans + 2 * group + 1)):
        dot += tl.load(sums + 2 * chunk)
        norm += tl.load(sums + 2 * chunk + 1)
    ratio = tl.where(
        norm >= least, tl.minimum(dot, 0.0) / tl.where(norm >= least, norm, 1.0), 0.0
    )
    tl.store(factors + group, tl.load(weights) - tl.load(weights + 1) * ratio)


@triton.jit
@no_type_check
def _step_kernel(where, table, factors, weights, out, tensors, CHUNK: tl.constexpr,
                 KIND: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    t, s, place, inside = _numbers(where, table, tensors, CHUNK, KIND)
    factor = tl.load(factors + tl.load(table + tl.program_id(0) * 5 + 4)).to(EXACT)
    source = tl.load(weights + 1).to(EXACT)
    tl.store(out + place, factor * t.to(EXACT) + source * s.to(EXACT), mask=inside)
