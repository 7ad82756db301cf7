"""The short forms against the localized graph laid out."""

import torch

from stflow_lib.speedgraph.baselines.fogs.network import (
    ACROSS,
    AGAIN,
    FOGSSize,
    Layer,
    Module,
    SensorGraphs,
)


def sensors(nodes=4, channels=3):
    road = (torch.rand(nodes, nodes) > 0.5).float()
    return SensorGraphs(road, torch.rand(nodes, nodes), FOGSSize(channels))


def laid_out(part):
    """links * mask as one matrix of 4 N x 4 N."""
    nodes = part.again.shape[1]
    whole = torch.zeros(4 * nodes, 4 * nodes)
    at = lambda i: slice(i * nodes, (i + 1) * nodes)
    for (i, j), block in zip(ACROSS, part.links * part.mask, strict=True):
        whole[at(i), at(j)] = block
    for (i, j), own in zip(AGAIN, part.again, strict=True):
        whole[at(i), at(j)] = torch.diag(own)
    return whole


def test_module_is_the_release_s():
    """Three full rounds on all four steps; here what nobody reads is left out."""
    torch.manual_seed(0)
    part, module = sensors(), Module(3)
    with torch.no_grad():
        part.mask.uniform_()
        part.again.uniform_()
    x, found = torch.randn(4, 4, 2, 3), []
    h, whole = x.flatten(0, 1), laid_out(part)
    for line in module.lines:
        signal, gate = line(torch.einsum("nm,mbc->nbc", whole, h)).chunk(2, 2)
        h = signal * gate.sigmoid()
        found.append(h[4:8])
    torch.testing.assert_close(module(x, part.graph()), torch.stack(found).amax(0))


def test_localized_graph():
    """Learned at the outer steps and corners, roads inside, every sensor with itself; rows that
    do not sum to 1 at first would let values grow from round to round."""
    part = SensorGraphs(
        torch.tensor([[0.0, 1], [1, 0]]), torch.tensor([[0, 0.3], [0.7, 0]]), FOGSSize(3)
    )
    whole = laid_out(part)
    torch.testing.assert_close(whole.sum(1), torch.ones(8))
    links = whole / whole.diagonal()[:, None]
    want = torch.tensor([
        [1, 0.3, 1, 0, 1, 0, 0, 0.3], [0.7, 1, 0, 1, 0, 1, 0.7, 0],
        [1, 0, 1, 1, 1, 0, 1, 0], [0, 1, 1, 1, 0, 1, 0, 1],
        [1, 0, 1, 0, 1, 1, 1, 0], [0, 1, 0, 1, 1, 1, 0, 1],
        [0, 0.3, 1, 0, 1, 0, 1, 0.3], [0.7, 0, 0, 1, 0, 1, 0.7, 1],
    ])  # fmt: skip
    torch.testing.assert_close(links, want)


def test_layer_looks_three_steps_ahead():
    """The gated convolution joins steps t and t + 3, as kernel 2 with dilation 3."""
    torch.manual_seed(0)
    layer, x = Layer(6, 3), torch.randn(6, 4, 2, 3)
    part = sensors()
    for module in layer.parts:
        for line in module.lines:
            torch.nn.init.zeros_(line.weight)
            torch.nn.init.zeros_(line.bias)
    out = layer(x, part.graph(), torch.zeros(4, 3))
    x = x + layer.step[:, None, None]
    both = torch.cat([x[1], x[4]], 2)
    torch.testing.assert_close(out[1], layer.signal(both).tanh() * layer.gate(both).sigmoid())
    assert len(out) == 3
