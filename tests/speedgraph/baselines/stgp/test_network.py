"""STGP's network: counts of the release, prompts by hand, what is hidden stays hidden."""

from dataclasses import replace

import torch

from stflow_lib.speedgraph.baselines.stgp.network import STGP, Prompts, STGPSize, graph_inputs
from stflow_lib.speedgraph.problem.long_windows import with_long_windows
from stflow_lib.training.method import count_parameters

TINY = STGPSize(8, 2, 1, 8, channels=4, skip=6, prompts=3, dropout=0.0)


def network(size=TINY):
    torch.manual_seed(0)
    return STGP(6, 6, size).eval()


def windows(task, count=2):
    return with_long_windows(task, 1).target.windows(task.test[:count])


def test_counts_of_the_release():
    """All four parts; in the encoder 32 rows of 128 of the release have no known place: as many
    as a second table of hours and days, and one more."""
    net = STGP(12, 12, STGPSize())
    assert count_parameters(net.embed) == 1_664
    assert count_parameters(net.encoder) == 1_114_260 - 32 * 128
    assert count_parameters(net.decoder) == 89_696
    assert count_parameters(net.head) == 36_108
    assert count_parameters(net.domain) == count_parameters(net.task) == 2 * 25 * 128


def test_prompts_by_hand():
    """A score below 0.2 counts as 0; the others are weights."""
    bank = Prompts(replace(TINY, width=2, prompts=2))
    with torch.no_grad():
        bank.bank.copy_(torch.tensor([[1.0, 0], [0, -2]]))
    x = torch.tensor([[1.0, 1], [1, -1]]).view(1, 1, 2, 2)
    s = torch.tensor([1.0, 2.0]).sigmoid()
    want = torch.tensor([[1 + s[0], 1], [1 + s[0], -1 - 2 * s[1]]])  # sigmoid(-2) = 0.12
    torch.testing.assert_close(bank(x)[0, 0], want)


def test_hidden_cells_reach_nothing(task):
    """Neither hidden hours nor hidden sensors; a shown cell does."""
    net, (speed, when) = network(), network().hours_of(windows(task))
    graph = graph_inputs(task.target.weights)
    nodes, hours = torch.tensor([0, 2, 4]), torch.arange(0, 24, 2)
    plain = net.reconstruct(speed, when, graph, nodes, hours)
    other = speed.clone()
    other[:, :, 1::2] += 5
    other[:, [1, 3]] += 5
    assert torch.equal(net.reconstruct(other, when, graph, nodes, hours), plain)
    other[:, 0, 0] += 5
    assert not torch.allclose(net.reconstruct(other, when, graph, nodes, hours), plain)


def test_task_prompts_know_shown_from_hidden(task):
    """Forecasting hides one hour of all sensors: 24 cells of a sensor shown, 1 hidden."""
    net, tokens = network(), []
    net.decoder.register_forward_pre_hook(lambda module, x: tokens.append(x[0]))
    net.task[1] = torch.nn.Identity()
    graph = graph_inputs(task.target.weights)
    net(windows(task), graph)
    first = tokens.pop()
    with torch.no_grad():
        net.task[0].bank += 1
    net(windows(task), graph)
    same = (tokens.pop() == first).all(3).all(0)
    assert same[:, -1].all() and not same[:, :-1].any()


def test_order_of_nodes_does_not_matter(task):
    """Degrees, bins of road weights, walks: all move with their sensors."""
    net, order = network(), torch.tensor([3, 1, 4, 0, 2])
    x, weights = windows(task), torch.rand(5, 5) * (torch.rand(5, 5) > 0.4)
    with torch.no_grad():
        net.encoder.bias.weight.normal_()
    moved = net(x[:, order], graph_inputs(weights[order][:, order]))
    torch.testing.assert_close(moved, net(x, graph_inputs(weights))[:, order])


def test_asked_for_changes_the_forecast_stands_on_the_last_value(task):
    """Windows an offset apart have the same answer, so that the forecast moves by the offset:
    "as now" need not be learned. Asked for speeds there is no such skip."""
    plain, other = network(), STGP(6, 6, TINY, change=True).eval()
    other.load_state_dict(plain.state_dict())
    x, graph = windows(task), graph_inputs(task.target.weights)
    moved = x + torch.tensor([3.0, 0.0])
    torch.testing.assert_close(other(moved, graph), other(x, graph), atol=1e-4, rtol=0)
    assert (plain(moved, graph) - plain(x, graph)).abs().max() > 1e-3
    changes, when = other.hours_of(x)
    assert not changes[:, :, -1, -1].any() and torch.equal(when, plain.hours_of(x)[1])
    torch.testing.assert_close(changes + x[:, :, -1, 0][..., None, None], plain.hours_of(x)[0])


def test_bins_and_degrees_by_hand():
    """Hundredths rounded down; loops are no neighbours; an isolated sensor gives no NaN."""
    weights = torch.tensor([[1.0, 0.257, 0], [0.5, 1, 0], [0, 0, 0]])
    got = graph_inputs(weights)
    assert got.bins.tolist() == [[0, 25, 0], [50, 0, 0], [0, 0, 0]]
    assert got.senders.tolist() == [1, 1, 0] and got.receivers.tolist() == [1, 1, 0]
    assert all(torch.isfinite(walk).all() for walk in got.walks)
