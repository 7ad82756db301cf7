"""Forecasts of single cells: scipy's distribution, naive scores, calibration of true models."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stflow_lib.finegrained.beyond import beta_binomial
from stflow_lib.finegrained.beyond.beta_binomial import cdf, cells_of, marginals

CASES = [(0, 0.5, 2.0), (1, 0.01, 3.0), (17, 2.5, 0.2), (60, 300.0, 90.0), (400, 1.5, 40.0)]


def columns(rows):
    return (torch.tensor(column, dtype=torch.float64) for column in zip(*rows, strict=True))


def drawn(cells, seed=0):
    """Counts, parameters and truths drawn from the model itself."""
    random = np.random.default_rng(seed)
    n = random.integers(0, 40, cells)
    a, b = random.gamma(1.5, 2, (2, cells)) + 0.05
    y = stats.betabinom.rvs(n, a, b, random_state=random)
    return tuple(torch.tensor(v, dtype=torch.float64) for v in (y, n, a, b))


def test_the_distribution_is_scipys():
    """Rows of different counts share one table: beyond its own count a row must stay at one."""
    n, a, b = columns(CASES)
    table, k = cdf(n, a, b).numpy(), np.arange(401)
    for row, case in zip(table, CASES, strict=True):
        np.testing.assert_allclose(row, stats.betabinom.cdf(k, *case), atol=1e-9)


def test_the_limit_is_the_binomial():
    """The multinomial of the page is a concentration of 1e8, which must not drown in rounding."""
    n, share = torch.tensor([30.0, 900.0]), torch.tensor([0.2, 0.003]).double()
    table = cdf(n, share * 1e8, (1 - share) * 1e8).numpy()
    for row, size, p in zip(table, n, share, strict=True):
        np.testing.assert_allclose(row, stats.binom.cdf(np.arange(901), size, p), atol=2e-5)


def naive_crps(y, n, a, b):
    """E|Y - y| - E|Y - Y'| / 2 over all pairs of values: the definition, not the integral."""
    k = np.arange(n + 1)
    mass = stats.betabinom.pmf(k, n, a, b)
    spread = sum(mass[i] * mass[j] * abs(i - j) for i in k for j in k)
    return (mass * abs(k - y)).sum() - spread / 2


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 25), st.floats(0.02, 50), st.floats(0.02, 50), st.data())
def test_crps_is_the_naive_double_sum(n, a, b, data):
    """The integral form, cut short at y or at n, differs."""
    y = data.draw(st.integers(0, n))
    got = marginals(*(torch.tensor([float(v)]) for v in (y, n, a, b))).crps.item()
    want = naive_crps(y, n, float(np.float32(a)), float(np.float32(b)))
    assert got == pytest.approx(want, abs=1e-7)


def test_crps_of_a_certain_forecast_is_the_absolute_error():
    """In vehicles, like MAE: that is what makes it comparable with a point forecast."""
    y, n = torch.tensor([3.0, 10.0, 0.0]), torch.tensor([10.0, 10.0, 10.0])
    a, b = torch.full((3,), 1e-12), torch.full((3,), 1.0)
    torch.testing.assert_close(marginals(y, n, a, b).crps, y.double(), atol=1e-6, rtol=0)


def test_crps_prefers_the_distribution_that_the_data_came_from():
    """A proper score: bolder and shyer forecasts with the same mean lose on average."""
    y, n, a, b = drawn(4000)
    own = marginals(y, n, a, b).crps.mean()
    for bolder in (0.2, 5.0, 1e6):
        assert marginals(y, n, a * bolder, b * bolder).crps.mean() > own


def test_intervals_are_scipys_quantiles():
    """Both ends belong to the interval; one step off changes every coverage."""
    n, a, b = columns(CASES)
    got = marginals(torch.zeros(len(CASES)), n, a, b, (0.5, 0.9))
    for j, level in enumerate((0.5, 0.9)):
        low, high = stats.betabinom.interval(level, *(v.numpy() for v in (n, a, b)))
        np.testing.assert_array_equal(got.low[:, j], low)
        np.testing.assert_array_equal(got.high[:, j], high)


def test_the_model_itself_is_calibrated_and_overconfidence_is_seen():
    """The PIT curve of the true model is the diagonal, in spite of ties; a bold one's is not."""
    y, n, a, b = drawn(20_000)
    grid = torch.linspace(0, 1, 21)
    own, bold = marginals(y, n, a, b), marginals(y, n, a * 20, b * 20)
    assert (own.calibration(grid) - grid).abs().max() < 0.012
    assert (bold.calibration(grid) - grid).abs().max() > 0.05
    levels = torch.tensor(own.levels)
    assert (own.coverage() >= levels - 0.01).all()
    assert (bold.coverage() < own.coverage() - 0.05).all()
    assert (bold.width() < own.width()).all()


def test_coverage_is_exact_where_counts_are_large():
    """With thousands of values the discreteness is gone: 90 % means 90 %."""
    n, a, b = (torch.full((4000,), v) for v in (3000.0, 20.0, 30.0))
    y = torch.tensor(stats.betabinom.rvs(3000, 20, 30, size=4000, random_state=0)).double()
    got = marginals(y, n, a, b).coverage()
    np.testing.assert_allclose(got, beta_binomial.LEVELS, atol=0.02)


def test_chunks_give_back_the_order_of_the_cells(monkeypatch):
    """Cells are sorted by count for speed: unsorted wrongly, a map of widths is scrambled."""
    y, n, a, b = drawn(50)
    whole = marginals(y, n, a, b)
    monkeypatch.setattr(beta_binomial, "CHUNK", 7)
    parts = marginals(y, n, a, b)
    each = [
        marginals(y[i : i + 1], n[i : i + 1], a[i : i + 1], b[i : i + 1]) for i in range(50)
    ]
    for name in ("crps", "low", "high", "below", "upto"):
        one_by_one = torch.cat([getattr(m, name) for m in each])
        torch.testing.assert_close(getattr(whole, name), one_by_one)
        torch.testing.assert_close(getattr(parts, name), one_by_one)


def test_cells_of_a_map_are_those_of_its_non_empty_blocks(task):
    """Cells of empty blocks are certain and would flatter every score."""
    fine, coarse = task.fine[:2].clone(), task.coarse[:2].clone()
    fine[:, :, :2, :2], coarse[:, :, 0, 0] = 0, 0
    alpha = torch.rand(2, 1, 8, 16) + 0.1
    y, n, a, b = cells_of(fine, coarse, alpha, 2)
    assert len(y) == 4 * int((coarse > 0).sum())
    full = (coarse > 0).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(y.float(), fine[full]) and torch.equal(a.float(), alpha[full])
    totals = alpha.reshape(2, 1, 4, 2, 8, 2).sum((3, 5))
    enlarged = totals.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close((a + b).float(), enlarged[full])
    assert (n > 0).all()
