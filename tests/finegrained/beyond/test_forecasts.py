"""Forecasts side by side: same cells, known moments, the single concentration found again."""

import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.beyond import forecasts
from stflow_lib.finegrained.beyond.dirichlet import DirichletPredictor
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.training.method import Predictor


def test_mean_and_deviation_are_scipys():
    """With A in place of A + 1 the spread of a strict forecast is a little off, everywhere."""
    cells = forecasts.Cells(*(torch.tensor(v, dtype=torch.float64)
                          for v in ([0.0, 3], [7.0, 40], [0.4, 11], [2.5, 3])))  # fmt: skip
    for k in range(2):
        want = stats.betabinom(int(cells.count[k]), cells.a[k].item(), cells.b[k].item())
        assert cells.mean()[k].item() == pytest.approx(want.mean())
        assert cells.deviation()[k].item() == pytest.approx(want.std())
    assert cells.only(torch.tensor([False, True])).truth.tolist() == [3]


@pytest.mark.parametrize("count", [1, 4, 10, 99])
def test_spaced_maps_reach_from_first_to_last(count):
    """A stride that drops the rest leaves the last days of the test part unseen."""
    part = torch.arange(100, 110)
    chosen = forecasts.evenly_spaced(part, count)
    assert len(chosen) == len(set(chosen.tolist())) == min(count, 10)
    assert chosen[0] == 100 and (count == 1 or chosen[-1] == 109)


@pytest.mark.parametrize("truth", [2.0, 60.0])
def test_the_likeliest_concentration_is_the_one_that_drew_the_counts(truth):
    torch.manual_seed(0)
    weights = torch.rand(40, 1, 8, 8, dtype=torch.float64) + 0.1
    coarse = torch.full((40, 1, 4, 4), 80.0, dtype=torch.float64)
    alpha = forecasts.concentrated(weights, coarse, truth, 2)
    assert (F.avg_pool2d(alpha, 2) * 4).allclose(torch.full_like(coarse, truth))
    shares = torch.distributions.Dirichlet(F.pixel_unshuffle(alpha, 2).movedim(1, -1)).sample()
    drawn = torch.distributions.Multinomial(80, shares).sample().movedim(-1, 1)
    found = forecasts.likeliest(F.pixel_shuffle(drawn, 2), coarse, weights, 2)
    assert found == pytest.approx(truth, rel=0.35)  # the grid's step is a third


@pytest.fixture
def compared(make_city):
    """Forecasts of an even split, concentration 3, on a task whose first block is empty."""
    task = make_task(make_city(), 2)
    task.fine[..., :2, :2], task.coarse[..., 0, 0] = 0, 0
    even = lambda t, i: torch.full_like(t.fine[i], 0.25 * 3)
    point = Predictor(lambda t, i: upsample_nearest(t.coarse[i], 2) / 4)
    dirichlet = DirichletPredictor(point.predict, concentration=even)
    return task, forecasts.compare_forecasts(task, dirichlet, point, 3)


def test_all_forecasts_see_the_same_cells_and_share_a_mean(compared):
    """A forecast that kept empty blocks would be judged on easier cells."""
    _, found = compared
    assert tuple(found.forecasts) == forecasts.NAMES and not found.full[..., :2, :2].any()
    first = found.forecasts["UrbanSTC+DM"]
    for cells in found.forecasts.values():
        assert torch.equal(cells.truth, first.truth) and len(cells.truth) == found.full.sum()
        assert cells.mean().allclose(first.mean(), rtol=1e-5)
    assert found.concentration[found.coarse > 0].allclose(torch.tensor(3.0).double())


def test_the_multinomial_has_the_binomials_spread(compared):
    """MULTINOMIAL must be large against any count, or the forecast is no multinomial."""
    _, found = compared
    cells = found.forecasts["multinomial"]
    want = (cells.count * 0.25 * 0.75).sqrt()
    assert cells.deviation().allclose(want, rtol=1e-4)
    assert (found.forecasts["UrbanSTC+DM"].deviation() > want)[cells.count > 1].all()


def test_cells_go_back_to_their_places_and_means_to_their_maps(compared):
    """A shifted map of errors looks plausible and accuses the wrong streets."""
    task, found = compared
    truth = found.forecasts["UrbanSTC+DM"].truth
    maps = forecasts.evenly_spaced(task.test, 3)
    for k, sample in enumerate(maps.tolist()):
        assert torch.equal(found.on_map(truth, k), task.fine[sample, 0].double())
        full = found.full[k]
        mean = task.fine[sample][full].double().mean()
        assert found.by_map(truth)[k].item() == pytest.approx(mean.item())
