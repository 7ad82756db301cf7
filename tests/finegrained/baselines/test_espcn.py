"""ESPCN: three convolutions on the coarse map, then every cell's channels become its block."""

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained.baselines.espcn import ESPCN


@pytest.mark.parametrize("factor", [2, 4])
def test_channels_of_a_cell_become_its_block(build, output, tasks, factor):
    """Channel i M + j is row i, column j of the block; another order shuffles the city."""
    task = tasks[factor]
    network = build(ESPCN, task, channels=8, constraint="none")
    first, _, second, _, last, _ = network.layers
    scores = last(F.relu(second(F.relu(first(task.coarse[task.train])))))
    fine = output(network, task)
    for channel in range(factor**2):
        row, col = divmod(channel, factor)
        assert torch.equal(fine[:, 0, row::factor, col::factor], scores[:, channel])


def test_all_layers_work_on_the_coarse_grid(build, output, tasks):
    """Enlarging first, as SRCNN does, would cost M^2 times as much."""
    task, seen = tasks[4], []
    network = build(ESPCN, task, channels=8)
    for layer in network.layers[:-1]:
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[2:]))
    output(network, task)
    assert set(seen) == {task.coarse.shape[2:]}
