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
    assert sum((a * b).sum() for a, b in zip(step, OPPOSE)).item() == pytest.approx(0, abs=1e-6)


def test_weights_are_the_papers_products():
    """Adam's rate times the weights: gamma1 2e-4, gamma2 1e-6."""
    step = GradientRule()
    assert (1e-3 * step.target_weight, 1e-3 * step.source_weight) == pytest.approx((2e-4, 1e-6))


def test_unknown_rule():
    with pytest.raises(ValueError, match="rule 'mean'"):
        GradientRule("mean")
    assert set(RULES) >= {"tsb", "sum", "pcgrad", "agem", "gate"}
