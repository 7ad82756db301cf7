"""What VDSR, SRResNet, IMDN and SCN share: printed sizes, the constraint, a start, training."""

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import METHODS, make_task
from stflow_lib.finegrained.baselines.imdn import IMDN
from stflow_lib.finegrained.baselines.scn import SCN
from stflow_lib.finegrained.baselines.srresnet import SRResNet
from stflow_lib.finegrained.baselines.vdsr import VDSR
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHALLOW = {
    VDSR: {"layers": 2},
    SRResNet: {"blocks": 2},
    IMDN: {"modules": 2},
    SCN: {"blocks": 2},
}
EVERY = pytest.mark.parametrize("kind", SHALLOW, ids=lambda kind: kind.__name__)
BOTH = pytest.mark.parametrize("factor", [2, 4])


@pytest.fixture
def small(build):
    """A function: a small network of a class."""
    return lambda kind, task, seed=0, **changes: build(
        kind, task, seed, **{"channels": 16, **SHALLOW[kind], **changes}
    )


@pytest.mark.parametrize(
    "kind, at_four, at_two",
    [(VDSR, 5_021_952, 3_247_872), (SRResNet, 6_074_880, 5_485_056),
     (IMDN, 2_758_144, 2_744_308), (SCN, 19_447_632, 19_433_460)],
)  # fmt: skip
def test_sizes_of_table_10(build, odd, kind, at_four, at_two):
    """Printed as 4.79, 5.79, 2.63 and 18.55 x 2^20: a bias, norm or step more or less shows."""
    assert count_parameters(build(kind, odd[4])) == at_four
    assert count_parameters(build(kind, odd[2])) == at_two


@EVERY
@BOTH
def test_a_fine_map_that_keeps_every_vehicle(small, odd, kind, factor):
    """Of any size: SCN pads 10 x 6 to 16 x 16 (M = 4) and 12 x 8 (M = 2) and must crop."""
    task = odd[factor]
    coarse, external = task.coarse[task.train], task.external[task.train]
    fine = small(kind, task, activation="shifted", safe=True)(coarse, external)
    assert fine.shape == task.fine[task.train].shape and fine.min() >= 0
    torch.testing.assert_close(F.avg_pool2d(fine, factor) * factor**2, coarse)
    plain = small(kind, task, constraint="none")(coarse, external)
    assert plain.shape == fine.shape
    assert not torch.allclose(F.avg_pool2d(plain, factor) * factor**2, coarse, rtol=0.1)


@EVERY
@pytest.mark.parametrize("seed", range(3))
def test_gradients_reach_every_parameter(small, task, kind, seed):
    """Nothing starts dead or is built and forgotten, but SCN's last way down, as in the paper.

    A network whose blocks all start dead never moves: why the last layer can be "shifted".
    """
    net = small(kind, task, seed, activation="shifted").eval()
    net(task.coarse[task.train], task.external[task.train]).pow(2).sum().backward()
    silent = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert [n for n in silent if kind is not SCN or not n.startswith("blocks.1.down.")] == []
    assert len(silent) == (3 if kind is SCN else 0)


@EVERY
def test_training_lowers_the_validation_error_and_is_kept(make_city, kind, tmp_path):
    """The kept state has every weight, norm and gain: loaded again it predicts the same."""
    task = make_task(make_city(steps=160, seed=5), 2)
    plan = Training(epochs=10, learning_rate=3e-3, halve_every=0, precision="float32")
    method = METHODS[kind.__name__]
    settings = method.settings(
        channels=8, activation="shifted", safe=True, training=plan, **SHALLOW[kind]
    )
    fitted = method.fit(task, settings, 0, tmp_path)
    curve = fitted.curves["valid_rmse"]
    assert len(curve) == 10 and min(curve) < 0.9 * curve[0]
    torch.manual_seed(1)  # other weights to begin with
    again = method.fit(task, settings, 0, tmp_path)
    assert torch.equal(again(task, task.test), fitted(task, task.test))
