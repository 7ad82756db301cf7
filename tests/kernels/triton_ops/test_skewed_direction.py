"""The kernels of `skewed_direction`: a table in which every number stands once."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("triton")

from stflow_lib.kernels.ops.skewed_direction import skewed_direction_naive
from stflow_lib.kernels.triton_ops import skewed_direction
from stflow_lib.kernels.triton_ops.skewed_direction import CHUNK

sizes = st.lists(
    st.sampled_from([0, 1, 7, CHUNK, CHUNK + 1, 3 * CHUNK]), min_size=1, max_size=6
)


@given(sizes, st.data())
def test_every_number_is_in_one_chunk_of_its_component(sizes, data):
    """A chunk that is cut short, doubled or counted to another component
    changes a projection."""
    groups = [data.draw(st.integers(0, len(sizes) - 1)) for _ in sizes]
    table, spans = skewed_direction._chunks(tuple(sizes), tuple(groups), "cpu")
    starts = [sum(sizes[:tensor]) for tensor in range(len(sizes))]
    seen = []
    for tensor, start, numbers, place, group in table.tolist():
        assert group == groups[tensor] and 0 < numbers <= CHUNK
        assert place == starts[tensor] + start
        seen += [(place, place + numbers)]
    edges = sorted(seen)
    assert sum(end - start for start, end in edges) == sum(sizes)
    assert all(one[1] <= two[0] for one, two in pairwise(edges))
    for group, (first, last) in enumerate(spans.tolist()):
        assert {row[4] for row in table[first:last].tolist()} <= {group}
        assert last - first == sum(row[4] == group for row in table.tolist())


@pytest.mark.parametrize("granularity", ["tensor", "global", [1, 0, 1]])
def test_tensors_of_several_chunks_are_the_naive_twins(granularity):
    """Sums of a tensor's chunks belong together, and those of a component's tensors too."""
    random = torch.Generator().manual_seed(0)
    shapes = [(2, CHUNK), (3,), (CHUNK + 5,)]
    target, source = (
        [torch.randn(s, generator=random, dtype=torch.float64) for s in shapes]
        for _ in range(2)
    )
    given = (target, source, 0.2, 0.5, granularity)
    for got, want in zip(
        skewed_direction.apply(*given), skewed_direction_naive(*given), strict=True
    ):
        torch.testing.assert_close(got, want)


def test_strided_gradients_are_read_as_they_are_numbered():
    """Kernels find tensors by address: a transposed view has another order in memory."""
    t = torch.arange(6.0).view(2, 3).T
    step = skewed_direction.apply([t], [-t], 1.0, 0.0, "tensor")
    assert torch.equal(step[0], t) and skewed_direction.unsupported([t], [t]) is None
    assert skewed_direction.apply([], [], 1.0, 1.0, "tensor") == []
