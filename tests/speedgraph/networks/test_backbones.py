"""Backbone and prompting: counts of the spec, independence of nodes, printed equations."""

import pytest
import torch

from stflow_lib.speedgraph.networks.positions import positions
from stflow_lib.speedgraph.networks.stgcn import STGCN, STGCNSize, TimeBlock
from stflow_lib.speedgraph.tsjt.npm import NPM, NPMSettings, knowledge_graph
from stflow_lib.training.method import count_parameters

SMALL = STGCNSize(channels=4, mixed=3)


@pytest.mark.parametrize("inputs, count", [(2, 97_094), (129, 170_246), (130, 170_822)])
def test_counts_of_stgcn(inputs, count):
    """A bias in the graph layer or a merged convolution shows here."""
    assert count_parameters(STGCN(inputs, 6)) == count


def test_a_second_support_has_maps_of_its_own():
    assert count_parameters(STGCN(130, 6, supports=2)) == 170_822 + 2_048


def test_counts_of_the_prompting_module():
    """Encoder 83,840, bank K T D'; with the backbone 505,542 at K = 162."""
    module = NPM(2, 12, NPMSettings(patterns=162))
    assert count_parameters(module.encoder) == 83_840
    assert module.bank.numel() == 248_832
    whole = count_parameters(module) + count_parameters(STGCN(130, 6, supports=2))
    assert whole == 505_542
    assert NPM(2, 12, NPMSettings(mode="code")).bank.numel() == 2_457_600


def road(nodes=5):
    ring = torch.roll(torch.eye(nodes), 1, 1)
    return (torch.eye(nodes) + ring) / 2


def test_time_block_by_hand():
    """p alone and an open gate: the sum of three steps."""
    block = TimeBlock(1, 1)
    for conv, value, bias in ((block.p, 1.0, 0), (block.q, 0.0, 0), (block.r, 0.0, 1e3)):
        torch.nn.init.constant_(conv.weight, value)
        torch.nn.init.constant_(conv.bias, bias)
    x = torch.arange(4.0).view(1, 1, 4, 1)
    assert block(x).flatten().tolist() == [3, 6]


def test_order_of_nodes_does_not_matter():
    """Nothing in backbone or prompts belongs to a node: renamed nodes, renamed outputs."""
    torch.manual_seed(0)
    net, prompts = (
        STGCN(10, 6, supports=2, size=SMALL),
        NPM(2, 12, NPMSettings(8, 3, dropout=0.0)),
    )
    x, order = torch.randn(2, 5, 12, 2), torch.tensor([3, 1, 4, 0, 2])

    def run(x, road):
        wide, alike = prompts(x, road)
        return net(wide, [road, alike])

    plain, moved = run(x, road()), run(x[:, order], road()[order][:, order])
    torch.testing.assert_close(moved, plain[:, order])
    assert run(torch.randn(1, 9, 12, 2), road(9)).shape == (1, 9, 6)


def test_windows_do_not_see_each_other():
    """The authors' attention runs over nodes and windows by a missing flag; here it must not."""
    torch.manual_seed(0)
    prompts = NPM(2, 12, NPMSettings(8, 3, dropout=0.0))
    x = torch.randn(3, 5, 12, 2)
    torch.testing.assert_close(prompts(x, road())[0][1:2], prompts(x[1:2], road())[0])


def test_knowledge_by_hand():
    """Equal, opposite and right-angled prompts; no diagonal, no negative weight, no NaN."""
    prompts = torch.tensor([[1.0, 0], [2, 0], [-1, 0], [0, 3]]).view(1, 4, 1, 2)
    got = knowledge_graph(prompts)[0]
    assert got.tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert not knowledge_graph(torch.zeros(1, 3, 2, 2)).any()


def test_positions_are_the_transformers():
    got = positions(3, 4)
    want = torch.tensor([[t, t / 100.0] for t in range(3)])
    torch.testing.assert_close(got[:, 0::2], want.sin())
    torch.testing.assert_close(got[:, 1::2], want.cos())


def test_a_window_that_is_used_up_is_an_error():
    with pytest.raises(ValueError, match="10 input steps: five temporal layers leave 0"):
        STGCN(2, 6, lags=10)
