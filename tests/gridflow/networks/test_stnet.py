"""The backbone: printed sizes, the framework's LSTM, independence of grids and cells."""

import pytest
import torch
from torch import nn

from stflow_lib.gridflow.networks.stnet import Backbone, PlainLSTM, Residual, STNet
from stflow_lib.training.method import count_parameters

SMALL = Backbone(channels=4, blocks=1, hidden=3)


def maps(batch=2, lags=6, rows=4, cols=5, dtype=torch.float32):
    random = torch.Generator().manual_seed(0)
    return torch.rand(batch, lags, rows, cols, generator=random, dtype=dtype)


def net(size=SMALL, seed=0):
    torch.manual_seed(seed)
    return STNet(size)


def test_parameter_counts_of_the_paper():
    """A second bias, a third convolution in a block or another head shows here."""
    whole = STNet()
    assert count_parameters(whole.cnn) == 222_208
    assert count_parameters(whole.lstm) == 99_328
    assert count_parameters(whole.head) == 66_049
    assert count_parameters(whole) == 222_208 + 99_328 + 66_049


@pytest.mark.parametrize("feature, width, head", [("dup", 256, 66_049), ("h", 128, 16_641)])
def test_feature_width_and_head(feature, width, head):
    size = Backbone(feature=feature)
    assert size.width == width and count_parameters(STNet(size).head) == head


def test_residual_block_by_hand():
    """First convolution -1, second +1: the ReLU before the first leaves -3 as it is."""
    block = Residual(1)
    for conv, sign in ((block.first, -1), (block.second, 1)):
        nn.init.zeros_(conv.bias)
        conv.weight.data = sign * nn.init.dirac_(torch.empty(1, 1, 3, 3))
    x = torch.tensor([-3.0, 2.0]).reshape(1, 1, 1, 2)
    assert torch.equal(block(x), x)
    block.first.weight.data *= -1
    assert block(x).flatten().tolist() == [-3, 4]


def test_plain_lstm_is_the_frameworks():
    """Same parameters, same order of gates: equal to rounding."""
    torch.manual_seed(0)
    ours, theirs = PlainLSTM(5, 7).double(), nn.LSTM(5, 7, batch_first=True).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 6, 5, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x)[0][:, -1], rtol=1e-12, atol=1e-12)


def test_plain_lstm_starts_as_the_frameworks():
    torch.manual_seed(3)
    ours = PlainLSTM(5, 7)
    torch.manual_seed(3)
    theirs = nn.LSTM(5, 7)
    assert all(
        torch.equal(p, q) for p, q in zip(ours.parameters(), theirs.parameters(), strict=True)
    )


def test_second_derivatives_exist():
    """MAML differentiates through a gradient step."""
    network = net().double()
    x = maps(dtype=torch.float64)
    loss = network(x, torch.arange(20))[0].square().sum()
    first = torch.autograd.grad(loss, network.lstm.weight_hh_l0, create_graph=True)[0]
    second = torch.autograd.grad(first.square().sum(), network.cnn[0].weight)[0]
    assert second.abs().max() > 0


def test_gradient_in_double_precision():
    network, x = net().double(), maps(1, 3, 2, 3, torch.float64).requires_grad_()
    cells = torch.tensor([0, 4])
    assert torch.autograd.gradcheck(lambda x: network(x, cells), x)


def test_hidden_state_stands_twice():
    """One-layer LSTM: last output and last hidden state are the same vector."""
    z = net()(maps(), torch.arange(20))[1]
    assert z.shape == (2, 20, 6) and torch.equal(z[..., :3], z[..., 3:])
    once = net(Backbone(4, 1, 3, feature="h"))(maps(), torch.arange(20))[1]
    assert torch.equal(once, z[..., :3])


def test_cells_are_read_in_their_order():
    """Rows and columns mixed up, or lags and samples, show on a grid that is not square."""
    network, x = net(), maps()
    whole, z = network(x, torch.arange(20))
    some = torch.tensor([7, 0, 19])
    torch.testing.assert_close(network(x, some)[0], whole[:, some])
    torch.testing.assert_close(network(x, some)[1], z[:, some])
    torch.testing.assert_close(network(x[1:], some)[0], whole[1:, some])


def test_a_cell_sees_its_neighbourhood_only():
    """One block of two convolutions after the first: three cells far, not four."""
    network, x = net(), maps(1, 6, 1, 9)
    cells, moved = torch.arange(9), x.clone()
    moved[..., 0] += 1
    change = (network(moved, cells)[0] - network(x, cells)[0])[0].abs()
    assert (change[:4] > 0).all() and (change[4:] == 0).all()


def test_one_network_serves_grids_of_any_size():
    network = net()
    assert network(maps(3, 6, 7, 2), torch.arange(5))[0].shape == (3, 5)
    assert network(maps(1, 2, 1, 1), torch.arange(1))[0].shape == (1, 1)
    assert network(maps(), torch.arange(0))[1].shape == (2, 0, 6)


def test_order_of_hours_counts():
    network, x = net(), maps()
    cells = torch.arange(20)
    assert not torch.allclose(network(x.flip(1), cells)[0], network(x, cells)[0])


def test_sigmoid_bounds_the_prediction():
    network = net(Backbone(4, 1, 3, sigmoid=True))
    out = network(maps() * 1e4, torch.arange(20))[0]
    raw = network.head(network(maps() * 1e4, torch.arange(20))[1])[..., 0]
    torch.testing.assert_close(out, raw.sigmoid())


def test_last_value_is_added_cell_by_cell():
    """Before training the prediction is the previous hour: the rule to beat."""
    network, x = net(Backbone(4, 1, 3, last_value=True)), maps()
    some = torch.tensor([3, 11])
    assert torch.equal(network(x, some)[0], x[:, 5].flatten(1)[:, some])
    nn.init.ones_(network.head[2].bias)
    torch.testing.assert_close(network(x, some)[0], x[:, 5].flatten(1)[:, some] + 1)


@pytest.mark.parametrize("last_value", [False, True])
def test_unit_is_a_change_of_units(last_value):
    """Inputs divided, outputs multiplied: the same function of rescaled demand."""
    one = net(Backbone(4, 1, 3, last_value=last_value))
    other = STNet(Backbone(4, 1, 3, last_value=last_value, unit=0.05))
    nn.init.normal_(one.head[2].weight)
    other.load_state_dict(one.state_dict())
    x, cells = maps(), torch.arange(20)
    torch.testing.assert_close(other(x, cells)[0], one(x / 0.05, cells)[0] * 0.05)
    torch.testing.assert_close(other(x, cells)[1], one(x / 0.05, cells)[1])


def test_choices_that_cannot_be_are_errors():
    with pytest.raises(ValueError, match="feature 'both'"):
        Backbone(feature="both")
    for more in ({"last_value": True}, {"unit": 0.1}):
        with pytest.raises(ValueError, match="a sigmoid can give no change and has no unit"):
            Backbone(sigmoid=True, **more)
    with pytest.raises(ValueError, match="unit 0.0 is not positive"):
        Backbone(unit=0.0)


def test_features_are_an_lstm_over_the_maps_of_each_cell():
    """Eq. 8 cell by cell: every past map through the CNN, one cell's series through an LSTM."""
    network, x = net(), maps()
    lstm = nn.LSTM(4, 3, batch_first=True)
    lstm.load_state_dict(network.lstm.state_dict())
    past = [network.cnn(x[:, lag : lag + 1]) for lag in range(6)]  # [B, C, H, W] each
    for cell in (0, 8, 19):
        series = torch.stack([one[:, :, cell // 5, cell % 5] for one in past], 1)
        h = lstm(series)[0][:, -1]
        z = network.features(x, torch.tensor([cell]))[:, 0]
        torch.testing.assert_close(z, torch.cat([h, h], 1))


def test_predictor_is_two_layers_with_a_relu_between():
    """Eq. 9: no bound on the output, which the released code has."""
    network, z = net(), torch.randn(2, 5, 6)
    first, _, last = network.head
    hidden = (z @ first.weight.T + first.bias).clamp_min(0)
    want = (hidden @ last.weight.T + last.bias)[..., 0]
    torch.testing.assert_close(network.output(z, maps(), torch.arange(5)), want)
