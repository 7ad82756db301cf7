"""Statistics of a batch, the projector, and the yardsticks of the contrast."""

import math

import pytest
import torch
from scipy.stats import spearmanr

from stflow_lib.gridflow.stbat.stblm import (
    Projector,
    STBLMSettings,
    batch_statistics,
    rank_correlation,
    uninformative_contrast,
)
from stflow_lib.kernels import rank_contrast
from stflow_lib.training.method import count_parameters


def draw(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_projector_has_the_printed_size():
    assert count_parameters(Projector(256)) == 197_120


def test_statistics_by_hand():
    """Over windows, not over regions; the sample deviation divides by B - 1."""
    z = torch.tensor([[[1.0, 5.0]], [[3.0, 5.0]], [[5.0, 5.0]]])  # B = 3, R = 1, J = 2
    mean, deviation = batch_statistics(z)
    assert mean.tolist() == [[3, 5]]
    torch.testing.assert_close(deviation, torch.tensor([[2.0, 1e-4]]))


def test_a_feature_that_never_moves_has_a_finite_gradient():
    """The bare root has infinite slope at 0 and fills the backbone with NaN."""
    z = torch.ones(4, 2, 3, requires_grad=True)
    batch_statistics(z)[1].sum().backward()
    assert z.grad.isfinite().all()


def test_one_window_is_an_error():
    with pytest.raises(ValueError, match="one window has no deviation"):
        batch_statistics(draw(1, 2, 3))


def test_half_precision_is_left_before_squaring():
    mean, deviation = batch_statistics(draw(5, 2, 3).bfloat16())
    assert mean.dtype == deviation.dtype == torch.float32


def test_projector_reads_mean_then_deviation():
    """By the formula; swapped halves would go unnoticed in training."""
    torch.manual_seed(0)
    net, mean, deviation = Projector(3, 4), draw(5, 3), draw(5, 3, seed=1)
    first, second = net.layers[0], net.layers[2]
    hidden = mean @ first.weight[:, :3].T + deviation @ first.weight[:, 3:].T + first.bias
    torch.testing.assert_close(net(mean, deviation), second(hidden.relu()))


@pytest.mark.parametrize(
    "regions, want",
    [(460, 5.138), (476, 5.172), (420, 5.047), (128, 3.870), (108, 3.703), (99, 3.618)],
)
def test_anchor_values(regions, want):
    """log((R - 1)!) / (R - 1), at the sizes of the paper's and of our grids."""
    square = draw(regions, regions).double()
    assert uninformative_contrast(square) == pytest.approx(math.lgamma(regions) / (regions - 1))
    assert uninformative_contrast(square) == pytest.approx(want, abs=5e-4)
    assert uninformative_contrast(torch.zeros(regions, regions)) == pytest.approx(
        math.log(regions - 1)
    )


def test_anchor_is_the_contrast_of_equal_representations():
    delta = draw(12, 12).mul(3).round()
    same = torch.full((12, 5), 0.3)
    for temperature in (0.1, 1.0):
        got = rank_contrast(same, delta, temperature).item()
        assert got == pytest.approx(uninformative_contrast(delta), rel=1e-5)


def test_rank_correlation_is_spearmans_with_ties():
    features, delta = draw(9, 4), draw(9, 9, seed=2).mul(4).round()
    unit = torch.nn.functional.normalize(features.double(), dim=1)
    cosine, keep = unit @ unit.T, ~torch.eye(9, dtype=torch.bool)
    each = [spearmanr(cosine[i][keep[i]], delta[i][keep[i]]).statistic for i in range(9)]
    assert rank_correlation(features, delta) == pytest.approx(sum(each) / 9)


def test_rank_correlation_of_a_perfect_order_and_of_none():
    angle = torch.tensor([0.0, 0.1, 0.35, 0.8, 1.5, 2.4])  # no two gaps alike
    circle = torch.stack([angle.cos(), angle.sin()], 1)
    cosine = circle.double() @ circle.double().T
    assert rank_correlation(circle, cosine) == pytest.approx(1)
    assert rank_correlation(circle, -cosine) == pytest.approx(-1)
    assert rank_correlation(circle, torch.zeros(6, 6)) == 0


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="temperature 0.0"):
        STBLMSettings(temperature=0.0)
