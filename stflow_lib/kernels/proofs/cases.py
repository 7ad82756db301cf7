"""What the proofs run on: arguments of each operation at any size, and which have gradients.

Arguments are made in float64 on the CPU from a seed; `cast` takes them to another precision and
device. Counts are whole and similarities have few levels, so ties are many and are exact.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from stflow_lib import kernels

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class OperationCase:
    """An operation with arguments to prove it on."""

    name: str
    make: Callable[..., tuple]  # (random, *sizes) -> arguments of the operation
    ranges: tuple[tuple[int, int], ...]  # least and greatest of every size, for odd shapes
    sizes: Sizes  # where precision is measured, above one block of the kernels
    card: Sizes  # a real size, for compilation and for the clock
    leaves: tuple[int, ...] = ()  # arguments that have a gradient

    @property
    def operation(self) -> Callable:
        """The operation, in the form that the setting asks for."""
        return getattr(kernels, self.name)

    @property
    def naive(self) -> Callable:
        """Its naive twin."""
        return getattr(kernels, f"{self.name}_naive")

    def arguments(self, sizes: Sizes, seed: int = 0) -> tuple:
        """Its arguments at these sizes, float64 on the CPU, the same for the same seed."""
        return self.make(torch.Generator().manual_seed(seed), *sizes)


def cast(args, dtype: torch.dtype, device="cpu"):
    """Arguments in another precision and elsewhere; whole numbers and masks keep theirs."""
    if isinstance(args, Tensor):
        return args.to(device, dtype if args.is_floating_point() else None)
    if isinstance(args, list | tuple):
        return type(args)(cast(a, dtype, device) for a in args)
    return args


def with_leaves(case: OperationCase, args: tuple) -> tuple[tuple, list[Tensor]]:
    """Arguments of which those that have a gradient ask for it, and these tensors alone."""
    fresh = tuple(
        tree_map(lambda x: x.detach().requires_grad_(), a) if i in case.leaves else a
        for i, a in enumerate(args)
    )
    return fresh, tree_leaves([fresh[i] for i in case.leaves])


def _normal(random, *shape: int) -> Tensor:
    return torch.randn(shape, generator=random, dtype=torch.float64)


def _counts(random, high: int, *shape: int) -> Tensor:
    return torch.randint(0, high, shape, generator=random).double()


def _conserve(random, batch, rows, columns, factor):
    score = _normal(random, batch, 1, rows * factor, columns * factor).relu()
    return score, _counts(random, 50, batch, 1, rows, columns), factor, 1e-5


def _rank_contrast(random, regions, width):
    return _normal(random, regions, width), _counts(random, 9, regions, regions), 0.5


def _pattern_density(random, regions, width):
    return _normal(random, regions, width) / width**0.5, 0.85  # neighbours at any width


def _nearest_and_farthest(random, maps, cells, k):
    return _counts(random, 3, maps, cells), 1 + k % (maps - 1)


def _skewed_direction(random, *numels):
    target, source = ([_normal(random, n) for n in numels] for _ in range(2))
    return target, source, 0.2, 0.5, [i // 2 for i in range(len(numels))]


def _node_prompt(random, batch, nodes, steps, width, patterns):
    z = _normal(random, batch, nodes, steps, width)
    return z, _normal(random, patterns, steps, width), "gram"


def _node_prompt_code(random, batch, nodes, steps, width, patterns):
    z = _normal(random, batch, nodes, steps, width)
    return z, _normal(random, patterns, width, width), "code"


def _node_prompt_pattern(random, batch, nodes, steps, width, patterns):
    return *_node_prompt(random, batch, nodes, steps, width, patterns)[:2], "pattern_softmax"


def _masked_error(random, *shape):
    return _normal(random, *shape), _normal(random, *shape), _normal(random, *shape) > -0.5


LAYERS = (20480,) * 16 + (512, 3072, 32, 32) * 8 + (131072, 6144, 12, 2070, 2070)

CASES = {
    "conserve": OperationCase("conserve", _conserve, ((0, 2), (1, 3), (1, 5), (1, 5)),
                     (2, 2, 35, 8), (16, 32, 32, 4), (0, 1)),
    "rank_contrast": OperationCase("rank_contrast", _rank_contrast, ((0, 9), (1, 4)),
                          (21, 5), (460, 128), (0,)),
    "pattern_density": OperationCase("pattern_density", _pattern_density, ((0, 11), (1, 5)),
                            (21, 130), (460, 128), (0,)),
    "nearest_and_farthest": OperationCase("nearest_and_farthest", _nearest_and_farthest,
                                 ((2, 9), (1, 5), (0, 8)), (11, 70, 3), (1530, 1024, 5)),
    "skewed_direction": OperationCase("skewed_direction", _skewed_direction,
                             ((0, 5), (0, 3), (1, 7)),
                             (3, 0, 4100, 7), LAYERS, (0, 1)),
    "node_prompt": OperationCase("node_prompt", _node_prompt,
                        ((0, 2), (1, 3), (1, 3), (1, 5), (1, 3)),
                        (2, 5, 7, 33, 6), (64, 207, 12, 64, 150), (0, 1)),
    "node_prompt_code": OperationCase("node_prompt", _node_prompt_code,
                             ((1, 2), (1, 3), (1, 3), (1, 5), (1, 3)),
                             (2, 5, 7, 33, 6), (64, 207, 12, 64, 150), (0, 1)),
    "node_prompt_pattern": OperationCase("node_prompt", _node_prompt_pattern,
                                ((0, 2), (1, 3), (1, 3), (1, 5), (1, 3)),
                                (2, 5, 7, 33, 6), (64, 207, 12, 64, 150), (0, 1)),
    "masked_error": OperationCase("masked_error", _masked_error, ((0, 3), (1, 5), (1, 5)),
                         (3, 200, 5), (64, 207, 12), (0, 1)),
}  # fmt: skip
