"""What all kernels share: starting one, precision of sums, operators under vmap."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import triton
import triton.language as tl
from torch import Tensor

_instead: list[Callable] = []


def launch(kernel, grid: tuple[int, ...], *args, **options) -> None:
    """Run a kernel on the card of its first tensor; nothing to do where the grid is empty."""
    if 0 in grid:
        return
    if _instead:
        return _instead[-1](kernel, args, options)
    with torch.cuda.device_of(next(a for a in args if isinstance(a, Tensor))):
        kernel[grid](*args, **options)


@contextmanager
def intercept_launch(action: Callable) -> Iterator[None]:
    """Inside, kernels are handed to `action(kernel, args, options)` and do not run."""
    _instead.append(action)
    try:
        yield
    finally:
        _instead.pop()


def accumulator(tensor: Tensor):
    """Precision inside a kernel: float32 or better."""
    return tl.float64 if tensor.dtype == torch.float64 else tl.float32


def at_least_float32(tensor: Tensor) -> torch.dtype:
    """The same as a dtype of torch."""
    return torch.promote_types(tensor.dtype, torch.float32)


def power_of_two(size: int, least: int = 1) -> int:
    """The smallest power of two that is no less than `size` and `least`."""
    return max(triton.next_power_of_2(max(size, 1)), least)


def mapped(operator) -> None:
    """Let an operator run under vmap: once for every element, results stacked."""

    def rule(info, dims, *args):
        parts = [operator(*_element(args, dims, i)) for i in range(info.batch_size)]
        if isinstance(parts[0], Tensor):
            return torch.stack(parts), 0
        return tuple(map(torch.stack, zip(*parts, strict=True))), (0,) * len(parts[0])

    operator.register_vmap(rule)


def _element(args, dims, index: int):
    return [
        _element(a, d, index) if isinstance(a, list | tuple)
        else a if d is None else a.select(d, index)
        for a, d in zip(args, dims, strict=True)
    ]  # fmt: skip
