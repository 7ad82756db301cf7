"""`rank_contrast` on a card: all that follows the sort, in one pass by every row.

Partners come sorted by similarity (torch's own sort, which is CUDA C++). One program then holds
an anchor's row: a running log-sum-exp of the scores, read at the end of every group of ties,
gives the denominators; backward, the suffix sum of their inverses, read at the start of every
group, gives the gradient. Both are scans of pairs (largest exponent, sum below it).
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.ops.rank_contrast import _partners, _scores
from stflow_lib.kernels.triton_ops.launch import accumulator, launch, mapped, power_of_two

MIXED = True  # the similarity is only sorted: it may have another precision
MOST = 8192  # partners that one program can hold


def unsupported(features: Tensor, similarity: Tensor, temperature: float) -> str | None:
    """Why the kernels cannot take these arguments."""
    count = features.shape[-2] if features.ndim > 1 else 0
    return f"{count} regions are more than {MOST}" if count > MOST else None


def apply(features: Tensor, similarity: Tensor, temperature: float) -> Tensor:
    """The operation by its kernels; arguments as in its public form."""
    scores = _scores(features, similarity, temperature)
    if features.shape[-2] < 2:
        return scores.sum((-2, -1)) * 0.0
    ranked, order = _partners(similarity.detach()).sort(dim=-1)
    return losses(scores, ranked, order)[0].sum(-1) / (order.shape[-2] * order.shape[-1])


@torch.library.custom_op("stflow::rank_contrast", mutates_args=())
def losses(scores: Tensor, ranked: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of every anchor [*B, R], its denominators in sorted order [*B, R, R - 1], logarithms."""
    loss, denominator = scores.new_empty(scores.shape[:-1]), scores.new_empty(order.shape)
    _start(_losses_kernel, scores.contiguous(), ranked, order, denominator, loss)
    return loss, denominator


@torch.library.custom_op("stflow::rank_contrast_backward", mutates_args=())
def losses_backward(
    upstream: Tensor, scores: Tensor, ranked: Tensor, order: Tensor, denominator: Tensor
) -> Tensor:
    """Gradient of the scores [*B, R, R], zero on the diagonal."""
    d_scores = scores.new_empty(scores.shape)
    _start(_losses_backward_kernel, scores.contiguous(), ranked, order, denominator,
           upstream.contiguous(), d_scores)  # fmt: skip
    return d_scores


@losses.register_fake
def _(scores, ranked, order):
    return scores.new_empty(scores.shape[:-1]), scores.new_empty(order.shape)


@losses_backward.register_fake
def _(upstream, scores, ranked, order, denominator):
    return scores.new_empty(scores.shape)


def _keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs, output[1])
    ctx.mark_non_differentiable(output[1])


def _gradient(ctx, upstream, _):
    return losses_backward(upstream, *ctx.saved_tensors), None, None


losses.register_autograd(_gradient, setup_context=_keep)
mapped(losses)
mapped(losses_backward)


def _start(kernel, scores: Tensor, ranked: Tensor, order: Tensor, *args) -> None:
    count = scores.shape[-1]
    row = power_of_two(count)
    anchors = scores.shape[:-1].numel()
    launch(kernel, (anchors,), scores, ranked.contiguous(), order.contiguous(), *args, count,
           ROW=row, EXACT=accumulator(scores),
           num_warps=min(16, max(1, row // 128)))  # fmt: skip


@triton.jit
@no_type_check
def _add(largest, total, other_largest, other_total):
    """log-sum-exp of two parts, each as its largest exponent and the sum relative to it."""
    high = tl.maximum(largest, other_largest)
    return high, total * tl.exp(largest - high) + other_total * tl.exp(other_largest - high)


@triton.jit
@no_type_check
def _edge(marked, value, next_marked, next_value):
    """The value at the last marked place so far."""
    return marked | next_marked, tl.where(next_marked != 0, next_value, value)


@triton.jit
@no_type_check
def _sorted(scores, order, count, ROW: tl.constexpr):
    """An anchor's scores in sorted order, where each came from, and what is there."""
    row = tl.program_id(0).to(tl.int64)  # of all anchors of all items
    k = tl.arange(0, ROW)
    there = k < count - 1
    j = tl.load(order + row * (count - 1) + k, mask=there, other=0)
    place = row * count + j + (j >= row % count)
    return tl.load(scores + place, mask=there, other=-1e30), place, k, there


@triton.jit
@no_type_check
def _losses_kernel(scores, ranked, order, denominator, loss, count, ROW: tl.constexpr,
                   EXACT: tl.constexpr):  # fmt: skip
    s, _, k, there = _sorted(scores, order, count, ROW)
    row = tl.program_id(0).to(tl.int64) * (count - 1) + k
    own = tl.load(ranked + row, mask=there, other=0.0)
    after = tl.load(ranked + row + 1, mask=k < count - 2, other=0.0)
    ends = ((own != after) | (k >= count - 2)).to(tl.int32)
    high, total = tl.associative_scan((s, there.to(EXACT)), 0, _add)
    running = high + tl.log(total)
    _, log = tl.associative_scan((ends, running), 0, _edge, reverse=True)
    tl.store(denominator + row, log, mask=there)
    tl.store(loss + tl.program_id(0), tl.sum(tl.where(there, log - s, 0.0), axis=0))


@triton.jit
@no_type_check
def _losses_backward_kernel(scores, ranked, order, denominator, upstream, d_scores, count,
                            ROW: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    s, place, k, there = _sorted(scores, order, count, ROW)
    anchor = tl.program_id(0).to(tl.int64)
    row = anchor * (count - 1) + k
    own = tl.load(ranked + row, mask=there, other=0.0)
    before = tl.load(ranked + row - 1, mask=there & (k > 0), other=0.0)
    starts = ((own != before) | (k == 0)).to(tl.int32)
    inverse = -tl.load(denominator + row, mask=there, other=1e30)
    high, total = tl.associative_scan((inverse, there.to(EXACT)), 0, _add, reverse=True)
    suffix = high + tl.log(tl.where(there, total, 1.0))
    _, log = tl.associative_scan((starts, suffix), 0, _edge)
    share = tl.load(upstream + anchor) * (tl.exp(s + log) - 1.0)
    tl.store(d_scores + place, share, mask=there)
    tl.store(d_scores + anchor * count + anchor % count, 0.0)
