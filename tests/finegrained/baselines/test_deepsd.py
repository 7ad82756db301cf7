"""DeepSD: SRCNNs stacked, each of which doubles."""

import pytest
import torch

from stflow_lib.finegrained.baselines.deepsd import DeepSD
from stflow_lib.finegrained.baselines.srcnn import SRCNN, bicubic


def test_deepsd_at_two_is_srcnn(build, output, tasks):
    """Why the paper leaves DeepSD out of its table of BikeNYC; at four it is another network."""
    one, other = (build(kind, tasks[2], channels=8) for kind in (SRCNN, DeepSD))
    weights = one.state_dict()
    other.load_state_dict(weights)
    assert torch.equal(output(one, tasks[2]), output(other, tasks[2]))
    assert len(build(DeepSD, tasks[4], channels=8).state_dict()) == 2 * len(weights)


def test_every_stage_of_deepsd_doubles(build, output, tasks):
    """Stages that all enlarge by M, or that forget the division by 4, show here."""
    network, seen = build(DeepSD, tasks[4], channels=8), []
    for stage in network.stages:
        stage.layers.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    output(network, tasks[4])
    rows = tasks[4].coarse.shape[2]
    assert [x.shape[2] for x in seen] == [2 * rows, 4 * rows]
    torch.testing.assert_close(seen[0], bicubic(tasks[4].coarse[tasks[4].train], 2))


@pytest.mark.parametrize("factor, steps", [(2, [2]), (4, [2, 2]), (8, [2, 2, 2])])
def test_as_many_stages_as_doublings(factor, steps):
    """log2(M) of them; M / 2 would be right at 4 and wrong at 8."""
    assert DeepSD.steps(factor) == steps
