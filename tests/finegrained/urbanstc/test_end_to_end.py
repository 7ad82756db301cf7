"""End-to-end training: one network, four losses, shared encoders."""

from dataclasses import replace

import torch

from stflow_lib.finegrained.training.supervised import squared_error
from stflow_lib.finegrained.urbanstc import end_to_end
from stflow_lib.finegrained.urbanstc.method import UrbanSTC
from stflow_lib.training.method import count_parameters


def settings_of(tiny, **changes):
    names = ("channels", "activation", "regional", "inference", "temporal", "training")
    return end_to_end.EndToEndSettings(
        **{name: getattr(tiny, name) for name in names}, **changes
    )


def test_the_encoders_are_shared_not_copied(task, tiny):
    """Heads on copies would train something that is thrown away."""
    torch.manual_seed(0)
    model = end_to_end.EndToEnd(task, settings_of(tiny))
    inner = {id(p) for p in model.network.encoders.parameters()}
    heads = {id(p) for p in model.heads.parameters()}
    assert inner < heads
    alone = count_parameters(model.network)
    added = sum(p.numel() for p in model.heads.parameters() if id(p) not in inner)
    assert count_parameters(model) == alone + added


def test_each_pretext_loss_counts_with_its_weight(task, tiny):
    """Weights (1, 2, 3) in the order of the encoders, zero weights leave the plain error."""
    batch = task.train[:8]
    torch.manual_seed(0)
    model = end_to_end.EndToEnd(task, settings_of(tiny)).eval()
    with torch.no_grad():
        plain = squared_error(model, task, batch)
        for weights in ((0.0, 0.0, 0.0), (1.0, 2.0, 3.0)):
            model.balance = weights
            torch.manual_seed(5)  # the regional loss draws its anchors
            joint = end_to_end.joint_error(model, task, batch)
            torch.manual_seed(5)
            parts = [loss(batch) for loss in model.losses]
            want = plain + sum(w * part for w, part in zip(weights, parts, strict=True))
            torch.testing.assert_close(joint, want)


def test_pretext_losses_reach_the_encoders(task, tiny):
    torch.manual_seed(0)
    model = end_to_end.EndToEnd(task, settings_of(tiny)).train()
    for name, loss in zip(model.network.encoders, model.losses, strict=True):
        model.zero_grad()
        loss(task.train[:8]).backward()
        moved = {n for n, e in model.network.encoders.items()
                 if any(p.grad is not None and p.grad.any() for p in e.parameters())}  # fmt: skip
        assert moved == {name}


def test_it_trains_and_predicts_like_urbanstc(task, tiny):
    fitted = end_to_end.METHOD.fit(task, settings_of(tiny), 0, None)
    assert fitted.epochs == tiny.training.epochs
    assert fitted(task, task.test).shape == task.fine[task.test].shape
    other = end_to_end.METHOD.fit(
        task, replace(settings_of(tiny), balance=(0.0, 0.0, 0.0)), 0, None
    )
    assert other.curves["loss"] != fitted.curves["loss"]
    assert isinstance(end_to_end.EndToEnd(task, settings_of(tiny)).network, UrbanSTC)
