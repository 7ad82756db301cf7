"""Rules that combine gradients: by hand, and against the rule they generalise."""

import pytest
import torch

from stflow_lib.speedgraph.tsjt.tsb import RULES, GradientRule

T = [torch.tensor([1.0, 0.0]), torch.tensor([2.0])]
AGREE = [torch.tensor([2.0, 3.0]), torch.tensor([1.0])]
OPPOSE = [torch.tensor([-2.0, 3.0]), torch.tensor([-1.0])]  # inner product -4, |t|^2 = 5


def combined(rule, source, **more):
    return [g.tolist() for g in GradientRule(rule, 1.0, 1.0, **more)(T, source)]


@pytest.mark.parametrize("rule", ["tsb", "sum", "agem", "pcgrad", "gate"])
def test_without_conflict_all_add(rule):
    assert combined(rule, AGREE) == [[3, 3], [3]]


@pytest.mark.parametrize(
    "rule, want",
    [
        ("tsb", [[1, 3], [2]]),  # tensor by tensor: what opposes is gone
        ("sum", [[-1, 3], [1]]),
        ("target", [[1, 0], [2]]),
        ("gate", [[1, 0], [2]]),
        ("agem", [[1 - 2 + 0.8, 3], [2 - 1 + 1.6]]),  # one component: + 4/5 t
    ],
)
def test_conflict_by_hand(rule, want):
    for got, value in zip(combined(rule, OPPOSE), want, strict=True):
        assert got == pytest.approx(value)


def test_pcgrad_changes_both():
    """Neither part opposes the other task's whole gradient."""
    step = GradientRule("pcgrad", 1.0, 0.0)(T, OPPOSE)
    assert sum(
        (a * b).sum() for a, b in zip(step, OPPOSE, strict=True)
    ).item() == pytest.approx(0, abs=1e-6)


def test_weights_are_the_papers_products():
    """Adam's rate times the weights: gamma1 2e-4, gamma2 1e-6."""
    step = GradientRule()
    assert (1e-3 * step.target_weight, 1e-3 * step.source_weight) == pytest.approx((2e-4, 1e-6))


def test_unknown_rule():
    with pytest.raises(ValueError, match="rule 'mean'"):
        GradientRule("mean")
    assert set(RULES) >= {"tsb", "sum", "pcgrad", "agem", "gate"}


def test_tsb_is_the_printed_decomposition():
    """Eqs. 9 and 10 with their branch, parameter by parameter, where both signs occur."""
    torch.manual_seed(0)
    target, source = ([torch.randn(3, 2) for _ in range(8)] for _ in "ts")
    signs = set()
    for got, t, s in zip(GradientRule()(target, source), target, source, strict=True):
        along = (s * t).sum() / (t * t).sum() * t
        across = s - along
        same = float((along * t).sum() > 0)
        signs.add(same)
        torch.testing.assert_close(got, 0.2 * t + 0.001 * (across + same * along))
    assert signs == {0.0, 1.0}


def test_no_tensor_is_led_against_its_target():
    """With the target's own weight 0: what TSB keeps of the source never raises its loss."""
    torch.manual_seed(1)
    target, source = ([torch.randn(4) for _ in range(20)] for _ in "ts")
    kept = GradientRule("tsb", 0.0, 1.0)(target, source)
    for u, t, s in zip(kept, target, source, strict=True):
        assert (u * t).sum() >= -1e-5 and (u * s).sum() >= -1e-5 and u.norm() <= s.norm() + 1e-5
