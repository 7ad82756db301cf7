"""What kernels share: sizes of tiles, precision of sums, launches, operators under vmap."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("triton")

from stflow_lib.kernels.triton_ops import launch


@given(st.integers(0, 5000), st.sampled_from([1, 16]))
def test_power_of_two_is_the_smallest_that_fits(size, least):
    """A tile one power too small leaves numbers out, one too large wastes half a program."""
    tile = launch.power_of_two(size, least)
    assert tile & (tile - 1) == 0 and tile >= max(size, least)
    assert tile == least or tile // 2 < size


def test_sums_are_float32_or_better():
    """A sum of bfloat16 numbers in bfloat16 stops growing at 256."""
    kinds = {torch.bfloat16: torch.float32, torch.float16: torch.float32,
             torch.float32: torch.float32, torch.float64: torch.float64}  # fmt: skip
    for kind, want in kinds.items():
        tensor = torch.ones(2, dtype=kind)
        assert launch.at_least_float32(tensor) == want
        assert launch.accumulator(tensor).name == {32: "fp32", 64: "fp64"}[want.itemsize * 8]


def test_an_empty_grid_starts_nothing_and_an_interceptor_sees_the_rest():
    """Triton refuses a grid of no programs; compilation must not run what it looks at."""
    seen = []
    with launch.intercept_launch(lambda *call: seen.append(call)):
        launch.launch("kernel", (3, 0), torch.ones(1), TILE=2)
        launch.launch("kernel", (3,), torch.ones(1), 5, TILE=2)
    assert [(kernel, args[1], options) for kernel, args, options in seen] == [
        ("kernel", 5, {"TILE": 2})
    ]
    assert not launch._instead


def test_an_interceptor_leaves_after_an_error():
    """One that stays would swallow every later launch: results of memory that nobody wrote."""
    with pytest.raises(ZeroDivisionError), launch.intercept_launch(lambda *_: None):
        raise ZeroDivisionError
    assert not launch._instead


def test_elements_of_a_batch_are_taken_where_they_lie():
    """Lists of tensors and arguments without a batch go through; each has a
    batch axis of its own."""
    args, dims = (
        (torch.arange(6).view(2, 3), [torch.arange(4).view(2, 2), 7], 0.5),
        (1, [0, None], None),
    )
    column, (row, number), rate = launch._element(args, dims, 1)
    assert column.tolist() == [1, 4] and row.tolist() == [2, 3] and (number, rate) == (7, 0.5)
