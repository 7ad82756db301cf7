"""The arguments that proofs run on: repeatable, of the sizes asked for,
gradients where stated."""

import pytest
import torch
from torch.utils._pytree import tree_leaves

from stflow_lib.kernels.backend import OPERATIONS
from stflow_lib.kernels.proofs.cases import CASES, LAYERS, cast, with_leaves

every = pytest.mark.parametrize("name", CASES)


def tensors(args):
    return [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)]


@every
def test_a_seed_gives_the_same_arguments_and_another_seed_others(name):
    """A proof that fails must fail again when it is looked into."""
    one, again, other = (
        tensors(CASES[name].arguments(CASES[name].sizes, s)) for s in (0, 0, 1)
    )
    assert all(map(torch.equal, one, again)) and not all(map(torch.equal, one, other))
    assert {t.dtype for t in one} <= {torch.float64, torch.bool}


@every
def test_every_size_in_range_makes_arguments_that_the_operation_takes(name):
    """Edges of the ranges are where masks go wrong; a case that cannot make them skips them."""
    case = CASES[name]
    for edge in (0, 1):
        args = case.arguments(tuple(r[edge] for r in case.ranges))
        assert tree_leaves(case.operation(*args)) is not None
        assert len(tree_leaves(case.naive(*args))) == len(tree_leaves(case.operation(*args)))


@every
def test_only_what_is_learned_asks_for_a_gradient(name):
    """A similarity or a count with a gradient would time a pass that no training makes."""
    case = CASES[name]
    args, leaves = with_leaves(case, case.arguments(case.sizes))
    asking = [t for t in tensors(args) if t.requires_grad]
    assert {id(t) for t in asking} == {id(t) for t in leaves}
    assert bool(leaves) == bool(case.leaves)
    for place, arg in enumerate(args):
        assert all(t.requires_grad == (place in case.leaves) for t in tensors(arg))


def test_a_cast_leaves_masks_and_whole_numbers_alone():
    """A mask in float32 is no mask, and a factor stays an int."""
    given = ([torch.ones(2)], (torch.ones(2) > 0, torch.arange(2)), 4, "gram")
    floats, (mask, whole), factor, mode = cast(given, torch.float16)
    assert floats[0].dtype == torch.float16 and isinstance(floats, list)
    assert (mask.dtype, whole.dtype, factor, mode) == (torch.bool, torch.int64, 4, "gram")


def test_cases_cover_every_operation_at_sizes_above_a_tile():
    """Graph WaveNet's tensors, New York's regions, a month of maps: what cards are timed on."""
    assert {case.name for case in CASES.values()} == set(OPERATIONS)
    assert len(CASES["skewed_direction"].card) == len(LAYERS) == 16 + 4 * 8 + 5
    assert CASES["rank_contrast"].card[0] == CASES["pattern_density"].card[0] == 460
    for case in CASES.values():
        assert len(case.ranges) <= len(case.card) and all(
            low <= high for low, high in case.ranges
        )
