"""Joint training: what its gradient is, and what it does without sources or days."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.runs import build_settings
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.training.losses import masked_mae, source_loss
from stflow_lib.speedgraph.tsjt.joint import joint_loss
from stflow_lib.speedgraph.tsjt.method import METHOD, TSJT_GWN, TSJTSettings
from stflow_lib.training.surrogate import surrogate_value


def test_given_gradient_is_the_gradient():
    p = torch.ones(2, 3, requires_grad=True)
    wanted = torch.arange(6.0).view(2, 3)
    value = surrogate_value(torch.tensor(7.0), [p], [wanted])
    value.backward()
    assert value.item() == 7 and torch.equal(p.grad, wanted)


def test_gradient_of_a_batch_is_the_combined_one(task, network, small, roads):
    """Value of the target; gradient of the rule, from two passes over two parts."""
    settings = small(step={"target_weight": 0.5, "source_weight": 2.0})
    steps = task.target.train[:4]
    torch.manual_seed(1)
    loss = joint_loss(network, task, roads, settings, steps)
    loss.backward()
    found = [p.grad.clone() for p in network.parameters()]
    parameters = [*network.parameters()]
    error = masked_mae(network, task.target, roads, steps)
    torch.manual_seed(1)
    other = source_loss(network, task, roads, settings.sources)
    want = settings.step(
        torch.autograd.grad(error, parameters), torch.autograd.grad(other, parameters)
    )
    assert loss.item() == pytest.approx(error.item())
    for one, two in zip(found, want, strict=True):
        torch.testing.assert_close(one, two)


def test_without_sources_it_is_the_target_alone(target, task, small):
    """The rule "target" and a task without sources are one training."""
    lonely = make_task(target)
    settings = small(step={"rule": "target", "target_weight": 1.0})
    one, two = METHOD.fit(task, settings, 0, None), METHOD.fit(lonely, settings, 0, None)
    torch.testing.assert_close(one(task, task.test[:5]), two(task, task.test[:5]))


def test_no_day_is_an_error(target, source):
    with pytest.raises(DataError, match="target: no day to learn from"):
        METHOD.fit(make_task(target, [source], days=0), TSJTSettings(), 0, None)


def test_sources_leave_the_statistics_of_the_target(target, task):
    """Sources whose gradient has no weight leave the forecast as it is without them: in use the
    norms read what the target's own batches have left, and nothing else (spec 6.3)."""
    gwn = {"channels": 4, "skip": 8, "end": 16, "dropout": 0.0}
    settings = build_settings(
        TSJT_GWN,
        {
            "backbone": gwn, "use_prompts": False, "sources": 6,
            "step": {"rule": "target", "target_weight": 1.0},
            "training": {"epochs": 1, "epoch_steps": 5, "batch": 4},
        },
    )  # fmt: skip
    one, two = (TSJT_GWN.fit(t, settings, 0, None) for t in (task, make_task(target)))
    assert torch.equal(one(task, task.test[:5]), two(task, task.test[:5]))
