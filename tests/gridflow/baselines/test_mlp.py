"""The MLP on a cell's window: it sees one cell and the hour, and trains as the others do."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.gridflow import make_task
from stflow_lib.gridflow.baselines.mlp import METHOD, CellMLP, MLPSettings
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.training.method import count_parameters

SHORT = Schedule(epochs=2, epoch_steps=3, batch=8, patience=0)
SMALL = MLPSettings(width=5, source=SHORT, target=SHORT)


def network(seed=0, **settings):
    torch.manual_seed(seed)
    return CellMLP(6, MLPSettings(width=5, **settings))


def draw(seed=0):
    return torch.rand(2, 10, 3, 4, generator=torch.Generator().manual_seed(seed))


def test_parameter_count():
    assert count_parameters(network()) == 11 * 5 + 6 * 5 + 6
    assert count_parameters(CellMLP(6, MLPSettings())) == 4_929


def test_a_cell_sees_itself_and_the_hour_only():
    """The point of this baseline: a neighbour that reaches it would spoil the comparison."""
    x = draw().requires_grad_()
    guess, _ = network()(x, torch.arange(12))
    guess[0, 5].backward()
    reached = x.grad.abs().sum(1)[0] > 0
    assert reached.nonzero().tolist() == [[1, 1]] and x.grad[1].abs().max() == 0


def test_order_of_cells_is_that_of_the_indices():
    x, cells = draw(), torch.tensor([7, 2, 11])
    whole, z = network()(x, torch.arange(12))
    part, _ = network()(x, cells)
    torch.testing.assert_close(part, whole[:, cells])
    assert z.shape == (2, 12, 5)


def test_last_value_is_the_newest_hour_not_the_clock():
    """With a silent head the prediction is the hour before."""
    net, x = network(), draw()
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    assert torch.equal(net(x, torch.arange(12))[0], x[:, 5].flatten(1))
    plain = network(last_value=False)
    plain.load_state_dict(net.state_dict())
    assert not plain(x, torch.arange(12))[0].any()


def test_unit_is_that_of_what_goes_in_and_comes_out():
    """Demand in units of 0.05, its change too; the clock is no demand."""
    x, cells = draw(), torch.arange(12)
    plain, scaled = network(unit=1.0), network(unit=0.05)
    inside = torch.cat([x[:, :6] / 0.05, x[:, 6:]], 1)
    last = x[:, 5].flatten(1)
    want = last + (plain(inside, cells)[0] - last / 0.05) * 0.05
    torch.testing.assert_close(scaled(x, cells)[0], want)
    assert MLPSettings().unit == 0.05


def test_few_shot_zero_shot_and_batches(receiver, lender, twelve):
    """A predictor fitted on clocked cities must be asked with plain tasks."""
    few, zero = (make_task(receiver, [lender], twelve, days=d) for d in (3, 0))
    one, two = (METHOD.fit(task, SMALL, 0, None) for task in (few, zero))
    whole = one(few, few.test)
    assert whole.shape == few.target.flow[few.test].shape
    torch.testing.assert_close(one(few, few.test[5:7]), whole[5:7])
    assert {name.split("_")[1] for name in one.curves} == {"source", "target"}
    assert {name.split("_")[1] for name in two.curves} == {"source"}
    again = METHOD.fit(few, SMALL, 0, None)
    assert torch.equal(again(few, few.test), whole)


def test_test_hours_reach_nothing(receiver, lender, twelve):
    changed = receiver.copy(deep=True)
    changed.flow.values[240:] += 9
    tasks = [make_task(city, [lender], twelve) for city in (receiver, changed)]
    one, two = (METHOD.fit(task, SMALL, 0, None)(tasks[0], tasks[0].test) for task in tasks)
    assert torch.equal(one, two)


def test_it_learns_what_the_hour_tells(receiver, lender, twelve):
    """The error on a clear rhythm falls under that of the first epoch."""
    task = make_task(receiver, [lender], twelve, days=0)
    longer = replace(SHORT, epochs=12, epoch_steps=20, learning_rate=3e-3)
    curves = METHOD.fit(task, MLPSettings(source=longer), 0, None).curves
    assert (
        min(curves["pickup_source_valid_rmse"]) < 0.97 * curves["pickup_source_valid_rmse"][0]
    )


@pytest.mark.parametrize("width", [1, 3])
def test_odd_sizes(width):
    net = CellMLP(1, MLPSettings(width=width))
    guess, z = net(torch.rand(1, 5, 1, 1), torch.tensor([0]))
    assert guess.shape == (1, 1) and z.shape == (1, 1, width)
