"""`skewed_direction` on a card: three kernels for all tensors of a network together.

Every tensor is cut into chunks. The first kernel writes <s, t> and <t, t> of every chunk, the
second adds them up for every component and makes its factor, the third writes the step. Kernels
find a tensor by its address in a table, so nothing is copied together, read back or looped
over.

Backward likewise, with g the upstream gradient, w the weight of the source, and all of
a = -w <g, t> / <t, t> only where <s, t> < 0, else 0:

    dt = factor g + a s - 2 a <s, t> / <t, t> t,    ds = w g + a t.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.ops.skewed_direction import LEAST, _groups
from stflow_lib.kernels.triton_ops.launch import accumulator, launch, mapped

CHUNK = 4096  # numbers of one program
TYPES = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16,
         torch.float32: tl.float32, torch.float64: tl.float64}  # fmt: skip


def unsupported(target_grads, source_grads, *_) -> str | None:
    """Nothing that the kernels cannot take."""


def apply(target_grads, source_grads, target_weight, source_weight, granularity) -> list:
    """The operation by its kernels; arguments as in its public form."""
    if not len(target_grads):
        return []
    target, source = list(target_grads), list(source_grads)
    groups = _groups(target, source, granularity).tolist()
    flat, _ = step(target, source, groups, target_weight, source_weight)
    return _parts(flat, target)


@torch.library.custom_op("stflow::skewed_direction", mutates_args=())
def step(
    target: Sequence[Tensor],
    source: Sequence[Tensor],
    groups: Sequence[int],
    target_weight: float,
    source_weight: float,
) -> tuple[Tensor, Tensor]:
    """One flat tensor, the steps of all tensors one after the other; <s, t>, <t, t> and the
    factor of every component, [tensors, 3]: there are no more components than tensors."""
    chunks = _Chunks(target, source, groups)
    out, totals = chunks.flat(), chunks.numbers(len(target), 3)
    sums = chunks.numbers(len(chunks.table), 2)
    chunks.launch(_sums_kernel, sums)
    weights = sums.new_tensor([target_weight, source_weight])
    here = (chunks.spans, sums, weights, totals)
    launch(_factors_kernel, (len(totals),), *here, least=LEAST)
    chunks.launch(_step_kernel, totals, weights, out)
    return out, totals


@torch.library.custom_op("stflow::skewed_direction_backward", mutates_args=())
def step_backward(
    upstream: Tensor,
    target: Sequence[Tensor],
    source: Sequence[Tensor],
    groups: Sequence[int],
    totals: Tensor,
    source_weight: float,
) -> tuple[Tensor, Tensor]:
    """Gradients of the target's and of the source's tensors, each flat."""
    upstream, chunks = upstream.contiguous(), _Chunks(target, source, groups)
    d_target, d_source = chunks.flat(), chunks.flat()
    sums, along = chunks.numbers(len(chunks.table), 1), chunks.numbers(len(totals), 2)
    chunks.launch(_sums_backward_kernel, upstream, sums)
    weight = sums.new_tensor([source_weight])
    here = (chunks.spans, sums, weight, totals, along)
    launch(_along_kernel, (len(totals),), *here, least=LEAST)
    chunks.launch(_step_backward_kernel, upstream, totals, along, weight, d_target, d_source)
    return d_target, d_source


@step.register_fake
def _(target, source, groups, target_weight, source_weight):
    out = target[0].new_empty(sum(x.numel() for x in target))
    return out, out.new_empty((len(target), 3), dtype=torch.float64)


@step_backward.register_fake
def _(upstream, target, source, groups, totals, source_weight):
    return upstream.new_empty(upstream.shape), upstream.new_empty(upstream.shape)


def _keep(ctx, inputs, output):
    target, source, ctx.groups, _, ctx.source_weight = inputs
    ctx.save_for_backward(*target, *source, output[1])
    ctx.mark_non_differentiable(output[1])


def _gradient(ctx, upstream, _):
    *both, totals = ctx.saved_tensors
    target, source = both[: len(ctx.groups)], both[len(ctx.groups) :]
    flat = step_backward(upstream, target, source, ctx.groups, totals, ctx.source_weight)
    return *(_parts(d, target) for d in flat), None, None, None


step.register_autograd(_gradient, setup_context=_keep)
mapped(step)
mapped(step_backward)


def _parts(flat: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """A flat tensor cut up into shapes."""
    pieces = flat.split([x.numel() for x in like])
    return [piece.view(x.shape) for piece, x in zip(pieces, like, strict=True)]


class _Chunks:
    """All tensors of a network as one list of chunks, and kernels with a program for each."""

    def __init__(self, target: Sequence[Tensor], source: Sequence[Tensor], groups):
        self.kept = [x.contiguous() for x in (*target, *source)]
        self.first, self.tensors = self.kept[0], len(target)
        sizes = tuple(x.numel() for x in target)
        self.total, device = sum(sizes), self.first.device
        self.table, self.spans = _chunks(sizes, tuple(groups), str(device))
        self.where = torch.tensor([x.data_ptr() for x in self.kept]).to(device)

    def flat(self) -> Tensor:
        return self.first.new_empty(self.total)

    def numbers(self, *shape: int) -> Tensor:
        return self.first.new_empty(shape, dtype=torch.float64)

    def launch(self, kernel, *args) -> None:
        kinds = {"KIND": TYPES[self.first.dtype], "EXACT": accumulator(self.first)}
        tables = (self.where, self.table)
        launch(kernel, (len(self.table),), *tables, *args, self.tensors, CHUNK=CHUNK, **kinds)


@lru_cache(maxsize=16)
def _chunks(sizes: tuple[int, ...], groups: tuple[int, ...], device: str):
    """Every chunk's tensor, start, numbers, place in the output and component, sorted by the
    last; the first chunk of every component and the one behind its last, a row a tensor."""
    rows, place = [], 0
    for tensor, (size, group) in enumerate(zip(sizes, groups, strict=True)):
        for start in range(0, size, CHUNK):
            rows.append([tensor, start, min(CHUNK, size - start), place + start, group])
        place += size
    rows.sort(key=lambda row: row[4])
    owners = [row[4] for row in rows]
    spans = [[sum(o < g for o in owners), sum(o <= g for o in owners)]
             for g in range(len(sizes))]  # fmt: skip
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
def _sums_backward_kernel(where, table, upstream, sums, tensors, CHUNK: tl.constexpr,
                          KIND: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    t, _, place, inside = _numbers(where, table, tensors, CHUNK, KIND)
    g = tl.load(upstream + place, mask=inside, other=0.0).to(EXACT)
    tl.store(sums + tl.program_id(0), tl.sum(g * t.to(EXACT), axis=0).to(tl.float64))


@triton.jit
@no_type_check
def _factors_kernel(spans, sums, weights, totals, least: tl.constexpr):
    """A component's sums, and what its target gradient is multiplied by."""
    group = tl.program_id(0)
    dot = tl.full((), 0.0, tl.float64)
    norm = tl.full((), 0.0, tl.float64)
    for chunk in range(tl.load(spans + 2 * group), tl.load(spans + 2 * group + 1)):
        dot += tl.load(sums + 2 * chunk)
        norm += tl.load(sums + 2 * chunk + 1)
    there = norm >= least
    ratio = tl.where(there, tl.minimum(dot, 0.0) / tl.where(there, norm, 1.0), 0.0)
    tl.store(totals + 3 * group, dot)
    tl.store(totals + 3 * group + 1, norm)
    tl.store(totals + 3 * group + 2, tl.load(weights) - tl.load(weights + 1) * ratio)


@triton.jit
@no_type_check
def _along_kernel(spans, sums, weight, totals, along, least: tl.constexpr):
    """How much of s and of t is in a component's dt; the first is that of t in its ds too."""
    group = tl.program_id(0)
    product = tl.full((), 0.0, tl.float64)
    for chunk in range(tl.load(spans + 2 * group), tl.load(spans + 2 * group + 1)):
        product += tl.load(sums + chunk)
    dot, norm = tl.load(totals + 3 * group), tl.load(totals + 3 * group + 1)
    cut = (dot < 0) & (norm >= least)
    square = tl.where(cut, norm, 1.0)
    a = tl.where(cut, -tl.load(weight) * product / square, 0.0)
    tl.store(along + 2 * group, a)
    tl.store(along + 2 * group + 1, -2 * a * dot / square)


@triton.jit
@no_type_check
def _step_kernel(where, table, totals, weights, out, tensors, CHUNK: tl.constexpr,
                 KIND: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    t, s, place, inside = _numbers(where, table, tensors, CHUNK, KIND)
    group = tl.load(table + tl.program_id(0) * 5 + 4)
    factor = tl.load(totals + 3 * group + 2).to(EXACT)
    source = tl.load(weights + 1).to(EXACT)
    tl.store(out + place, factor * t.to(EXACT) + source * s.to(EXACT), mask=inside)


@triton.jit
@no_type_check
def _step_backward_kernel(where, table, upstream, totals, along, weight, d_target, d_source,
                          tensors, CHUNK: tl.constexpr, KIND: tl.constexpr,
                          EXACT: tl.constexpr):  # fmt: skip
    t, s, place, inside = _numbers(where, table, tensors, CHUNK, KIND)
    g = tl.load(upstream + place, mask=inside, other=0.0).to(EXACT)
    t, s = t.to(EXACT), s.to(EXACT)
    group = tl.load(table + tl.program_id(0) * 5 + 4)
    factor = tl.load(totals + 3 * group + 2).to(EXACT)
    a, own = tl.load(along + 2 * group).to(EXACT), tl.load(along + 2 * group + 1).to(EXACT)
    tl.store(d_target + place, factor * g + a * s + own * t, mask=inside)
    tl.store(d_source + place, tl.load(weight).to(EXACT) * g + a * t, mask=inside)
