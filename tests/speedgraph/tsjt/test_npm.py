"""NPM: known counts, independence of nodes and windows, its equations by hand."""

import pytest
import torch

from stflow_lib.speedgraph.networks.positions import positions
from stflow_lib.speedgraph.networks.stgcn import STGCN, STGCNSize
from stflow_lib.speedgraph.tsjt.npm import NPM, NPMSettings, knowledge_graph
from stflow_lib.training.method import count_parameters

SMALL = STGCNSize(channels=4, mixed=3)


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


def deviation_after(steps, patterns, mode):
    """Deviation of prompts after steps of Adam along one direction, over that at first."""
    torch.manual_seed(0)
    net = NPM(2, 12, NPMSettings(16, patterns, mode, dropout=0.0))
    torch.manual_seed(1)
    x, want = torch.randn(8, 5, 12, 2), torch.randn(8, 5, 12, 16)
    adam = torch.optim.Adam([p for n, p in net.named_parameters() if "encoder" not in n], 3e-2)
    prompts = lambda: net(x, road())[0][..., 2:]
    first = prompts().std().item()
    for _ in range(steps):
        adam.zero_grad()
        (-prompts() * want).mean().backward()
        adam.step()
    return prompts().std().item() / first


@pytest.mark.parametrize("mode", ["gram", "code"])
def test_the_size_of_the_bank_is_no_learning_rate(mode):
    """Forty equal steps move the prompts of 25 and of 200 patterns equally far."""
    few, many = (deviation_after(40, patterns, mode) for patterns in (25, 200))
    assert few > 2 and many == pytest.approx(few, rel=0.1)


def encoder(width=4):
    torch.manual_seed(0)
    return NPM(2, 3, NPMSettings(width, 5, dropout=0.0)).encoder


def test_attention_by_hand():
    """Eq. 2: softmax of scaled products over the steps of one node, not over nodes."""
    net, x = encoder(), torch.randn(2, 5, 3, 4)
    q, k, v = net.qkv(x[1, 2]).chunk(3, 1)
    want = net.out((q @ k.T / 4**0.5).softmax(1) @ v)
    torch.testing.assert_close(net.attend(x)[1, 2], want)


def test_encoder_by_hand():
    """Eqs. 2, 3 and 4 line by line: a residual or a norm that is lost or in another place."""
    net, x, a = encoder(), torch.randn(2, 5, 3, 2), road()
    mixed = lambda z: torch.einsum("nm,bmtc->bntc", a, z)
    norm = lambda z: (
        (z - z.mean(3, keepdim=True)) / (z.var(3, False, keepdim=True) + 1e-5).sqrt()
    )
    z1 = net.attend(net.first(mixed(x)).relu() + positions(3, 4))
    z2 = norm(z1 + net.lift(x) + positions(3, 4))  # the residual is Z_0 = X + E_T
    want = norm(z2 + net.second(mixed(z2)).relu())
    torch.testing.assert_close(net(x, a), want, atol=1e-5, rtol=1e-4)


def test_prompts_stand_beside_the_window():
    """Eqs. 5 and 6: each pattern in turn, Z B^T B / sqrt(D'), behind the features as they are."""
    torch.manual_seed(0)
    net, x = NPM(2, 3, NPMSettings(4, 5, dropout=0.0)), torch.randn(2, 5, 3, 2)
    wide, _ = net(x, road())
    z = net.encoder(x, road())
    want = sum((z @ pattern.T) @ pattern for pattern in net.bank) / 4**0.5
    assert torch.equal(wide[..., :2], x)
    torch.testing.assert_close(wide[..., 2:], want, atol=1e-5, rtol=1e-4)


def test_knowledge_graph_is_the_cosine_of_matrices():
    """Eq. 7 with Frobenius products of whole prompts, before negative ones and loops go."""
    torch.manual_seed(0)
    prompts = torch.randn(1, 4, 3, 2)
    raw = torch.zeros(4, 4)
    for i in range(4):
        for j in range(4):
            p, q = prompts[0, i], prompts[0, j]
            raw[i, j] = (p * q).sum() / (p.norm() * q.norm())
    kept = raw.clamp_min(0).fill_diagonal_(0)
    total = kept.sum(1, keepdim=True)
    torch.testing.assert_close(knowledge_graph(prompts)[0], kept / total.where(total > 0, 1.0))
