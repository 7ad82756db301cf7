"""Fitting a network: collapse is seen, vehicles are kept, precision and units are right."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from stflow_lib.finegrained import make_task, score
from stflow_lib.finegrained.baselines import urbanfm
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.finegrained.training.supervised import fit_network, squared_error, validate
from stflow_lib.finegrained.urbanstc.method import METHOD as URBANSTC
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings
from stflow_lib.training.loop import Training

SHORT = Training(epochs=3, learning_rate=1e-3, halve_every=0, precision="float32")
UNFAILING = [{"activation": "softplus"}, {"activation": "shifted", "safe": True},
             {"activation": "relu", "safe": True}]  # fmt: skip


def network(task, **changes):
    torch.manual_seed(0)
    return UrbanSTC(task, UrbanSTCSettings(channels=4, **changes))


@pytest.fixture(params=["UrbanSTC", "UrbanFM"])
def fit(request, tiny):
    """A function that fits a small one of the two networks with some settings changed."""

    def run(task, training=SHORT, **changes):
        if request.param == "UrbanSTC":
            settings = replace(tiny, pretrain=False, training=training, **changes)
            return URBANSTC.fit(task, settings, 0, None)
        settings = urbanfm.UrbanFMSettings(channels=4, blocks=2, training=training, **changes)
        return urbanfm.METHOD.fit(task, settings, 0, None)

    return run


@pytest.mark.parametrize("safe", [False, True])
def test_a_dead_network_is_noted_as_collapsed(task, safe):
    """It must never be averaged into a table unseen; the safe form predicts the mean split."""
    dead = network(task, activation="relu", safe=safe)
    nn.init.constant_(dead.decoder[-1].bias, -10.0)
    fitted = fit_network(dead, task, SHORT, 0, None)
    assert fitted.notes == {"dead_blocks": 1.0, "collapsed": True}
    assert fitted.curves["dead_blocks"] == [1.0] * 3
    blocks = fitted(task, task.test).unfold(2, 2, 2).unfold(3, 2, 2)
    mean = task.coarse[task.test][..., None, None] / 4
    want = mean.expand_as(blocks) if safe else torch.zeros_like(blocks)
    torch.testing.assert_close(blocks, want)
    assert score(task, fitted)["metrics"]["dead_blocks"] == 1


def test_the_note_is_about_the_epoch_that_is_kept(task, monkeypatch):
    """A network that was alive only in an epoch thrown away is collapsed."""
    told = iter([(2.0, 0.0), (1.0, 0.9), (3.0, 0.1)])
    monkeypatch.setattr(
        "stflow_lib.finegrained.training.supervised.validate",
        lambda *_: dict(zip(("valid_rmse", "dead_blocks"), next(told), strict=True)),
    )
    fitted = fit_network(network(task), task, SHORT, 0, None)
    assert fitted.notes == {"dead_blocks": 0.9, "collapsed": True}


@pytest.mark.parametrize("activation", ["shifted", "softplus"])
@pytest.mark.parametrize("seed", range(5))
def test_alive_at_the_start_at_any_seed(task, activation, seed):
    """With relu and the paper's initialisation whole networks start dead."""
    torch.manual_seed(seed)
    for net in (
        UrbanSTC(task, UrbanSTCSettings(channels=16, activation=activation)),
        urbanfm.UrbanFM(
            task, urbanfm.UrbanFMSettings(channels=8, blocks=1, activation=activation)
        ),
    ):
        fine = net.eval()(task.coarse[task.train], task.external[task.train])
        assert block_losses(fine, task.coarse[task.train], 2)[1] == 0
        fine.pow(2).sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in net.parameters())


@pytest.mark.parametrize("changes", UNFAILING)
@pytest.mark.parametrize("external", [False, True])
def test_every_vehicle_is_kept_after_training(task, fit, changes, external):
    """Adding the external map to what is split, not only to what is seen, breaks this."""
    fitted = fit(task, external=external, **changes)
    assert score(task, fitted)["metrics"]["conservation"] <= 1e-4
    assert fitted(task, task.test).shape == task.fine[task.test].shape


def test_bfloat16_trains_and_splits_in_single_precision(task, fit):
    fitted = fit(task, replace(SHORT, precision="bfloat16"), activation="softplus")
    exact = fit(task, activation="softplus")
    assert fitted(task, task.test).dtype == torch.float32
    assert score(task, fitted)["metrics"]["conservation"] <= 1e-4
    assert fitted.curves["loss"] != exact.curves["loss"]  # it really ran in bfloat16
    assert fitted.curves["loss"] == pytest.approx(exact.curves["loss"], rel=0.05)


def test_predictions_run_in_the_precision_of_the_plan(task, fit):
    """The same weights at rate 0: validation in bfloat16 is near float32's, not equal to it."""
    still = replace(SHORT, learning_rate=0.0, epochs=1)
    errors = [
        fit(task, replace(still, precision=name), activation="softplus").curves["valid_rmse"]
        for name in ("float32", "bfloat16")
    ]
    assert errors[0] != errors[1] and errors[0] == pytest.approx(errors[1], rel=0.05)


def test_training_lowers_the_error_below_the_mean_split(make_city, fit):
    """On a city with a fixed map even a tiny network beats equal shares."""
    task = make_task(make_city(steps=160, seed=5), 2)
    fitted = fit(task, replace(SHORT, epochs=12, learning_rate=1e-2), activation="softplus")
    curve = fitted.curves["valid_rmse"]
    assert len(curve) == fitted.epochs == 12 and min(curve) < 0.98 * curve[0]


def test_the_kept_epoch_is_what_predicts(task, fit):
    fitted = fit(task, activation="softplus")
    best = min(fitted.curves["valid_rmse"])
    assert validate(task, fitted)["valid_rmse"] == pytest.approx(best, rel=1e-6)
    assert fitted.parameters > 0 and fitted.seconds_per_epoch > 0


def test_two_fits_give_the_same_bits(task):
    still = replace(SHORT, learning_rate=0.0)
    fits = [
        fit_network(network(task, activation="softplus"), task, still, 0, None) for _ in "ab"
    ]
    assert fits[0].curves == fits[1].curves


@pytest.mark.parametrize(
    "constraint, kept", [("m2", True), ("m2_signed", True), ("none", False)]
)
def test_only_plain_regression_breaks_the_constraint(task, fit, constraint, kept):
    """ "none" must really be unconstrained: with M2 left in, the comparison would be empty."""
    fitted = fit(task, activation="softplus", constraint=constraint)
    assert (score(task, fitted)["metrics"]["conservation"] <= 1e-2) == kept


def test_validation_pools_over_batches(task):
    """A mean of batch RMSEs is not the RMSE."""
    half = lambda t, i: t.fine[i] + (i % 3)[:, None, None, None]
    want = torch.tensor([i % 3 for i in task.valid.tolist()]).double().pow(2).mean().sqrt()
    for batch in (1, 5, 256):
        assert validate(task, half, batch)["valid_rmse"] == pytest.approx(want.item())


def test_squared_error_cell_by_cell(task):
    """Eq. 16 over cells and maps: a sum over cells would scale the rate with the city."""
    net, batch = network(task, activation="softplus").eval(), task.train[:3]
    fine, total = net(task.coarse[batch], task.external[batch]), 0.0
    cells = zip(fine.flatten().tolist(), task.fine[batch].flatten().tolist(), strict=True)
    for got, want in cells:
        total += (got - want) ** 2
    error = squared_error(net, task, batch)
    assert error.item() == pytest.approx(total / fine.numel(), rel=1e-5)
