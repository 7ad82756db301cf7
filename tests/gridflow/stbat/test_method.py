"""The whole method: two modules that share no gradient, ablations, the log."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, Choices, make_task
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.problem.regions import poi_shares
from stflow_lib.gridflow.stbat.method import BalancedPretraining, STBaTSettings, source_shares
from stflow_lib.gridflow.stbat.riam import RIAMSettings
from stflow_lib.gridflow.stbat.stblm import STBLMSettings, batch_statistics
from stflow_lib.gridflow.training.schedule import Schedule, fit_cities, forward, squared_error
from stflow_lib.kernels import rank_contrast

TINY = Backbone(channels=2, blocks=0, hidden=2)
SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, learning_rate=0.01)
SETTINGS = STBaTSettings(TINY, SHORT, SHORT, balance=STBLMSettings(width=4))
STEPS = torch.arange(20, 28)


def model(seed=0, **changes):
    torch.manual_seed(seed)
    settings = replace(SETTINGS, **changes)
    return BalancedPretraining(STNet(TINY), 14, settings)


def parts(task, net):
    city = task.sources[0]
    return city, poi_shares(city.poi, city.mask[0])


def test_losses_share_no_gradient(task):
    """STBLM's step leaves RIAM alone and the other way round."""
    net = model()
    city, shares = parts(task, net)
    losses = net.losses(city, STEPS, shares)
    mine = {"stblm": net.stblm, "riam": net.riam}
    for name, other in (("stblm", "riam"), ("riam", "stblm")):
        net.zero_grad()
        losses[name].backward(retain_graph=True)
        assert all(p.grad is None for p in mine[other].parameters())
        assert all(p.grad is not None and p.grad.any() for p in mine[name].parameters())


def test_loss_is_weighted_error_plus_lambda_contrast(task):
    """From its parts, by the formulas of the paper."""
    net = model(balance=STBLMSettings(width=4, strength=0.3, temperature=0.5))
    city, shares = parts(task, net)
    omega, delta, _ = net.riam.balance(shares)
    guess, truth, z = forward(net, city, STEPS)
    d = net.stblm[1](z.mean(0), (z.var(0) + 1e-8).sqrt())
    want = ((guess - truth) ** 2 @ omega).mean() + 0.3 * rank_contrast(d, delta, 0.5)
    torch.testing.assert_close(net.losses(city, STEPS, shares)["stblm"], want)


def test_without_both_losses_it_is_finetuned(task):
    """The floor of Figure 3: with the same draws of weights and windows, the same network."""
    net = model(balance=STBLMSettings(4, use_contrast=False, use_weights=False))
    city, shares = parts(task, net)
    got = net.losses(city, STEPS, shares)["stblm"]
    torch.testing.assert_close(got, squared_error(net.stblm[0], city, STEPS))
    got.backward()
    assert all(p.grad is None for p in net.stblm[1].parameters())


@pytest.mark.parametrize("off", ["use_contrast", "use_weights"])
def test_each_ablation_changes_its_part_only(task, off):
    whole, less = model(), model(balance=STBLMSettings(4, **{off: False}))
    city, shares = parts(task, whole)
    one, two = (net.losses(city, STEPS, shares) for net in (whole, less))
    assert one["stblm"] != two["stblm"] and one["riam"] == two["riam"]


def test_training_is_two_optimisers_in_turn(task):
    """Written as in the paper: step 1 with one Adam, step 2 with another, statistics of step 1."""
    ours = model()
    theirs = copy.deepcopy(ours)
    city, shares = parts(task, ours)
    plan = Schedule(epochs=1, epoch_steps=3, batch=8, learning_rate=0.01, clip=0.5)
    seen = []

    def objective(city, steps):
        seen.append(steps)
        return sum(ours.losses(city, steps, shares).values())

    fit_cities(ours, [city], plan, seed=0, stage="s", folder=None, objective=objective,
               groups=[ours.stblm, ours.riam])  # fmt: skip
    adams = [torch.optim.Adam(m.parameters(), lr=0.01, weight_decay=plan.weight_decay)
             for m in (theirs.stblm, theirs.riam)]  # fmt: skip
    for steps in seen:
        omega, delta, _ = theirs.riam.balance(shares)
        guess, truth, z = forward(theirs, city, steps)
        mean, deviation = batch_statistics(z)
        contrast = rank_contrast(theirs.stblm[1](mean, deviation), delta)
        first = ((guess - truth) ** 2 * omega).mean(0).sum() + contrast
        for loss, module, adam in (
            (first, theirs.stblm, adams[0]),
            (theirs.riam.loss(shares, mean, deviation)["loss"], theirs.riam, adams[1]),
        ):
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), 0.5)
            adam.step()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, msg=name)


def test_the_log_says_what_balancing_does(task):
    """Curves for every source epoch; nothing of it in fine-tuning."""
    fitted = METHODS["STBaT"].fit(task, SETTINGS, 0, None)
    logged = {"omega_min", "omega_max", "omega_std", "neighbours", "contrast_gain",
              "rank_correlation", "poi", "divergence", "loss", "valid_rmse"}  # fmt: skip
    assert set(fitted.curves) == {f"pickup_source_{name}" for name in logged} | {
        "pickup_target_loss", "pickup_target_valid_rmse"
    }  # fmt: skip
    assert all(len(curve) == 2 for curve in fitted.curves.values())
    assert fitted.curves["pickup_source_omega_min"][0] <= 1
    assert fitted.parameters == sum(p.numel() for p in STNet(TINY).parameters())


def test_report_changes_nothing(task):
    """It must not touch weights, gradients or the random stream of the training."""
    net = model()
    city, shares = parts(task, net)
    before, stream = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    report = net.report(city, STEPS, shares)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert torch.equal(stream, torch.get_rng_state())
    assert (
        all(p.grad is None for p in net.parameters()) and -1 <= report["rank_correlation"] <= 1
    )


def test_target_poi_is_never_read(task):
    """STBaT needs POI of sources only."""
    bare = replace(task, target=replace(task.target, poi=None))
    one, two = (METHODS["STBaT"].fit(t, SETTINGS, 0, None) for t in (task, bare))
    assert one.curves == two.curves


def test_ablations_are_settings(task):
    """w/o POI, w/o FDP, w/o SimDCL, w/o WLoss: four other trainings."""
    changes = [
        {},
        {"patterns": RIAMSettings(use_poi=False)},
        {"patterns": RIAMSettings(use_distribution=False)},
        {"balance": STBLMSettings(4, use_contrast=False)},
        {"balance": STBLMSettings(4, use_weights=False)},
    ]
    curves = [
        METHODS["STBaT"].fit(task, replace(SETTINGS, **c), 0, None).curves["pickup_source_loss"]
        for c in changes
    ]
    assert len({tuple(curve) for curve in curves}) == 5


def test_sources_without_fitting_poi_are_an_error(make_grid, receiver, lender, twelve):
    bare = make_task(receiver, [make_grid("bare", poi=False)], twelve,
                     choices=Choices(need_poi=False))  # fmt: skip
    with pytest.raises(DataError, match="bare: every source needs POI"):
        source_shares(bare)
    odd = make_grid("odd")
    odd = odd.drop_vars("poi").assign(poi=odd.poi[:9])
    with pytest.raises(DataError, match="odd: every source needs POI of the same groups"):
        source_shares(make_task(receiver, [lender, odd], twelve))


def test_contrast_is_the_printed_sum():
    """Eq. 13 pair by pair: a partner is set against all that are no more similar, ties too."""
    net = model(balance=STBLMSettings(width=4, temperature=0.5))
    random = torch.Generator().manual_seed(0)
    d, delta = torch.randn(6, 4, generator=random).double(), torch.rand(6, 6, generator=random)
    delta = delta.mul(3).round().double()
    score = nn.functional.cosine_similarity(d[:, None], d[None], dim=2).div(0.5).exp()
    total = 0.0
    for i in range(6):
        for k in {*range(6)} - {i}:
            below = sum(score[i, j] for j in range(6) if j != i and delta[i, k] >= delta[i, j])
            total -= (score[i, k] / below).log()
    torch.testing.assert_close(net.contrast(d, delta), total / (6 * 5))
