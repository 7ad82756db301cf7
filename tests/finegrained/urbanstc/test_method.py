"""UrbanSTC whole: its stages, variants and switches, and a killed run that ends the same."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from stflow_lib.finegrained import METHODS, make_task
from stflow_lib.finegrained.urbanstc import method
from stflow_lib.finegrained.urbanstc.method import AS_PRINTED, UrbanSTC
from stflow_lib.verdicts import claims

STAGES = {"loss", "valid_rmse", "dead_blocks"}


def small(settings, tiny):
    """A preset at the size of `tiny`: what it switches stays, how long it trains does not."""
    return replace(
        settings,
        channels=4,
        activation="softplus",
        regional=replace(settings.regional, training=tiny.regional.training),
        inference=replace(settings.inference, training=tiny.inference.training),
        temporal=replace(settings.temporal, training=tiny.temporal.training),
        training=tiny.training,
    )


def bits(fitted, task):
    return fitted(task, task.test)


def test_methods_stand_in_the_papers_order():
    """Tables 3 to 6 and 11 list their rows in the order of METHODS."""
    printed = list(dict.fromkeys(claims.reported("urbanstc", "3")["method"]))
    assert [name for name in METHODS if name in printed] == printed
    assert all(name == row.name for name, row in METHODS.items())


def test_each_stage_leaves_its_curves(task, tiny):
    fitted = method.fit(task, tiny, 0, None)
    pretexts = {"reg_loss", "reg_valid", "tcs_loss", "tcs_valid", "inf_loss", "inf_valid_rmse"}
    assert set(fitted.curves) == STAGES | pretexts
    assert {len(fitted.curves[name]) for name in pretexts} == {2}
    assert {len(fitted.curves[name]) for name in STAGES} == {3}
    assert fitted.epochs == 3 and not fitted.notes["collapsed"]
    assert {f"{name}_seconds" for name in ("reg", "tcs", "inf")} <= set(fitted.notes)


def test_the_variant_of_the_text_trains(make_city, tiny):
    """One-step upsampling, no freezing, Reg by flows and Eq. 4, plain temporal embedding."""
    task = make_task(make_city(rows=16), 4)
    settings = small(AS_PRINTED, tiny)
    assert settings.single_step and settings.freeze_epochs == 0
    assert (settings.regional.criterion, settings.regional.loss) == ("flow", "ratio")
    assert not settings.temporal.normalise
    fitted = method.fit(task, settings, 0, None)
    assert fitted.epochs == 3 and torch.isfinite(bits(fitted, task)).all()


@pytest.mark.parametrize("encoders", [("reg",), ("tcs", "inf"), ("reg", "inf", "tcs")])
def test_only_the_named_encoders_take_part_in_the_order_of_the_code(task, tiny, encoders):
    settings = replace(tiny, encoders=encoders)
    order = [name for name in ("inf", "tcs", "reg") if name in encoders]
    assert [*UrbanSTC(task, settings).encoders] == order
    curves = set(method.fit(task, settings, 0, None).curves) - STAGES
    assert {curve.split("_")[0] for curve in curves} == set(encoders)


def test_random_encoders_are_the_same_network_without_pretexts(task, tiny):
    """The control shows what pre-training buys only if nothing else differs."""
    control = method.fit(task, replace(tiny, pretrain=False), 0, None)
    whole = method.fit(task, tiny, 0, None)
    assert set(control.curves) == STAGES and control.parameters == whole.parameters
    assert control.curves["loss"] != whole.curves["loss"]


def test_pretexts_move_their_encoders_and_fine_tuning_starts_there(task, tiny):
    """One frozen epoch: the encoders come out as the pretexts left them, to the bit."""
    kept = []
    real = method.pretrain

    def pretrain(network, *rest):
        start = [p.detach().clone() for p in network.encoders.parameters()]
        done = real(network, *rest)
        kept.append(
            (network, start, [p.detach().clone() for p in network.encoders.parameters()])
        )
        return done

    for epochs in (1, 2):
        settings = replace(tiny, training=replace(tiny.training, epochs=epochs))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(method, "pretrain", pretrain)
            # the last epoch counts, whatever the validation error says
            scores = iter(range(9, 0, -1))
            patch.setattr(
                "stflow_lib.finegrained.training.supervised.validate",
                lambda *_, left=scores: {"valid_rmse": float(next(left)), "dead_blocks": 0.0},
            )
            method.fit(task, settings, 0, None)
    for (network, start, pretrained), moved in zip(kept, (False, True), strict=True):
        assert not any(torch.equal(a, b) for a, b in zip(start, pretrained, strict=True))
        now = [p.detach() for p in network.encoders.parameters()]
        assert all(torch.equal(a, b) for a, b in zip(pretrained, now, strict=True)) == (
            not moved
        )


@pytest.mark.parametrize("constraint", ["none", "m2_signed"])
def test_another_last_layer_leaves_the_pretexts_alone(task, tiny, constraint):
    """What is compared is the constraint of fine-tuning: the encoders begin it the same."""
    plain, other = (method.fit(task, replace(tiny, constraint=c), 0, None)
                    for c in ("m2", constraint))  # fmt: skip
    for name in set(plain.curves) - STAGES:
        assert plain.curves[name] == other.curves[name], name
    assert plain.curves["loss"] != other.curves["loss"]


def test_seeds(task, tiny):
    """Same seed, same bits, whatever was drawn before; another seed, another network."""
    one, two, other = (method.fit(task, tiny, seed, None) for seed in (1, 1, 2))
    assert one.curves == two.curves and torch.equal(bits(one, task), bits(two, task))
    assert not torch.equal(bits(one, task), bits(other, task))


def test_weather_reaches_the_prediction(make_city, tiny):
    """+E: the same coarse map under another weather gets another split."""
    task = make_task(make_city(external=("temperature", "weather")), 2)
    torch.manual_seed(0)
    network = UrbanSTC(task, replace(tiny, external=True)).eval()
    coarse, external = task.coarse[:4], task.external[:4]
    assert not torch.equal(network(coarse, external), network(coarse, external * 3))


@pytest.mark.parametrize("external", [False, True])
def test_the_forward_pass_step_by_step(make_city, tiny, external):
    """Eqs. 11 to 14, decoder, split: factors are added to what is seen, not to what is split."""
    task = make_task(make_city(external=("temperature", "weather")), 2)
    torch.manual_seed(0)
    network = UrbanSTC(task, replace(tiny, external=external)).eval()
    coarse, factors = task.coarse[:3], task.external[:3]
    seen = coarse + network.external(factors) if external else coarse
    assert torch.equal(seen, coarse) != external
    features = torch.cat([network.encoders[name](seen) for name in ("inf", "tcs", "reg")], 1)
    score = torch.nn.functional.softplus(network.decoder(features))
    whole = torch.nn.functional.avg_pool2d(score, 2) * 4 + 1e-5
    enlarge = lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    want = score / enlarge(whole) * enlarge(coarse)
    torch.testing.assert_close(network(coarse, factors), want)


def test_weather_without_factors_is_an_error(make_city, tiny):
    task = make_task(make_city(zone="nominal"), 2)
    with pytest.raises(ValueError, match="external factors are switched on"):
        method.fit(task, replace(tiny, external=True), 0, None)


@pytest.mark.parametrize("encoders", [(), ("reg", "vgg")])
def test_unknown_or_no_encoders_are_errors(task, tiny, encoders):
    with pytest.raises(ValueError, match="UrbanSTC: encoders"):
        method.fit(task, replace(tiny, encoders=encoders), 0, None)


def test_a_finished_fit_is_only_loaded(task, tiny, tmp_path, monkeypatch):
    """All four stages come from their files; no pretext leaks into another's file."""
    first = method.fit(task, tiny, 0, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {f"{s}.pt" for s in
                                                   ("fit", "reg", "tcs", "inf")}  # fmt: skip
    monkeypatch.setattr(torch.optim.Adam, "step", None)
    again = method.fit(task, tiny, 0, tmp_path)
    assert again.curves == first.curves and torch.equal(bits(again, task), bits(first, task))


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from stflow_lib.data import load
from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.urbanstc import method
from stflow_lib.finegrained.urbanstc.regional_contrast import RegionalSettings
from stflow_lib.finegrained.urbanstc.super_resolution import SuperResolutionSettings
from stflow_lib.finegrained.urbanstc.temporal_contrast import TemporalSettings
from stflow_lib.training.loop import Training

torch.set_num_threads(1)
folder = Path(sys.argv[1])
plan = Training(epochs=3, batch=64, learning_rate=1e-3, halve_every=2)
settings = method.UrbanSTCSettings(
    channels=4, freeze_epochs=1, activation="softplus", training=plan,
    regional=RegionalSettings(training=plan), inference=SuperResolutionSettings(plan),
    temporal=TemporalSettings(training=plan))
task = make_task(load("sim-fine"), 2)
steps, real, limit = [], torch.optim.Adam.step, None

def step(self):
    steps.append(1)
    if len(steps) == limit:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self)

torch.optim.Adam.step = step
for limit in (18 + 10, 12 + 18 + 15):
    child = os.fork()
    if not child:
        method.fit(task, settings, 0, folder)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    print(*sorted(p.name for p in folder.iterdir()))
limit = None
fits = [method.fit(task, settings, 0, folder), method.fit(task, settings, 0, None)]
assert fits[0].curves == fits[1].curves, (fits[0].curves, fits[1].curves)
assert torch.equal(*(fitted(task, task.test) for fitted in fits))
print("same after", len(steps))
"""


def test_killed_twice_and_still_the_same_bits(tmp_path):
    """kill -9 in the second of four stages, then in the last; then the rest of the training.

    Six steps an epoch, eighteen a stage, 72 in all. The first epoch of a stage is saved; so the
    last process takes twelve steps, and 72 for the uninterrupted training beside it.
    """
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        check=False, capture_output=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "inf.pt tcs.pt", "fit.pt inf.pt reg.pt tcs.pt", f"same after {12 + 72}",
    ]  # fmt: skip
