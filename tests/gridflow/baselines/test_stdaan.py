"""Aligned features: the discrepancy by its definition, the joint stage, what it reads."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.baselines.stdaan import STDAANSettings, joint_loss
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.training.discrepancy import mean_discrepancy
from stflow_lib.gridflow.training.schedule import Schedule, squared_error

TINY = Backbone(channels=2, blocks=0, hidden=2)
SHORT = Schedule(epochs=1, epoch_steps=2, batch=8, learning_rate=0.01)
SETTINGS = STDAANSettings(TINY, SHORT, SHORT, SHORT)


@pytest.fixture(scope="module")
def task(make_grid, twelve):
    return make_task(make_grid("c", rows=3, seed=4), [make_grid("a", seed=2)], twelve).only(0)


def draw(n, seed=0):
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed)).double()


def test_discrepancy_by_its_definition():
    """Double loop over pairs, five kernels around the mean squared distance of all pairs."""
    one, two = draw(4), draw(3, 1) + 1
    rows = [*one, *two]
    distance = [[float((a - b).square().sum()) for b in rows] for a in rows]
    scale = sum(map(sum, distance)) / (7 * 6)
    total = 0.0
    for i in range(7):
        for j in range(7):
            kernel = sum(
                2.718281828459045 ** (-distance[i][j] / (scale * w))
                for w in (0.25, 0.5, 1, 2, 4)
            )
            same = {(True, True): 1 / 16, (False, False): 1 / 9}
            total += kernel * same.get((i < 4, j < 4), -1 / 12)
    assert mean_discrepancy(one, two).item() == pytest.approx(total)


def test_discrepancy_is_zero_for_equal_sets_and_grows_apart():
    one = draw(6)
    assert mean_discrepancy(one, one[torch.randperm(6)]).item() == pytest.approx(0, abs=1e-12)
    values = [mean_discrepancy(one, draw(6, 1) + shift).item() for shift in (0, 1, 3)]
    assert 0 < values[0] < values[1] < values[2]


def test_collapsed_features_have_a_finite_gradient():
    """All alike, the mean distance is 0."""
    one = torch.zeros(3, 2, requires_grad=True)
    mean_discrepancy(one, torch.zeros(2, 2)).backward()
    assert one.grad.isfinite().all()


def test_joint_loss_adds_both_cities_means(task):
    """Without the discrepancy: errors averaged over cells, so that no city's size counts."""
    torch.manual_seed(0)
    network, steps = STNet(TINY), task.target.train[:5]
    settings = replace(SETTINGS, strength=0.0)
    torch.manual_seed(1)
    got = joint_loss(network, task, settings, task.target, steps)
    torch.manual_seed(1)
    torch.randint(1, ())
    source = task.sources[0]
    drawn = source.train[torch.randint(len(source.train), (5,))]
    want = squared_error(network, task.target, steps) / len(task.target.cells())
    want = want + squared_error(network, source, drawn) / len(source.cells())
    torch.testing.assert_close(got, want)


def test_three_stages_and_no_zero_shot(receiver, lender, twelve):
    task = make_task(receiver, [lender], twelve)
    fitted = METHODS["ST-DAAN"].fit(task, SETTINGS, 0, None)
    stages = {name.split("_")[1] for name in fitted.curves}
    assert stages == {"source", "align", "target"} and fitted.epochs == 6
    with pytest.raises(DataError, match="receiver: no training day, ST-DAAN"):
        METHODS["ST-DAAN"].fit(make_task(receiver, [lender], twelve, days=0), SETTINGS, 0, None)
