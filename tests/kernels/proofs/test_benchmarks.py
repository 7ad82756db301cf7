"""What a step asks of the operations: every call is seen, and can be had again by itself."""

import pytest
import torch

from stflow_lib.kernels import backend, conserve, pattern_density
from stflow_lib.kernels.backend import choose
from stflow_lib.kernels.proofs import benchmarks


def step():
    """Two operations, one of them twice, one of them not learned."""
    score = torch.ones(1, 1, 4, 4, requires_grad=True) * 2
    for factor in (2, 4):
        conserve(score, torch.ones(1, 1, 4 // factor, 4 // factor), factor)
    with torch.no_grad():
        pattern_density(torch.ones(3, 2, requires_grad=True), 1.0)


def test_every_call_with_its_arguments_and_leaves():
    """A call that is missed, or has a history of its own, would be timed as something else."""
    calls = benchmarks.calls_in(step)
    assert [name for name, _ in calls] == ["conserve", "conserve", "pattern_density"]
    score, coarse, factor, _ = calls[1][1]
    assert score.requires_grad and score.is_leaf and not coarse.requires_grad and factor == 4
    assert not calls[2][1][0].requires_grad
    assert choose.__module__ == "stflow_lib.kernels.backend" and not benchmarks.calls_in(int)


def test_replayed_in_the_form_asked_for(monkeypatch):
    """Backward belongs to the cost where something is learned, and only there."""
    paths, asked = [], []
    monkeypatch.setattr(torch.autograd, "grad", lambda outputs, leaves: asked.append(leaves))
    for name, args in benchmarks.calls_in(step):
        monkeypatch.setattr(
            benchmarks.kernels,
            name,
            lambda *a, n=name: paths.append((n, backend.current)) or a[0],
        )
        benchmarks.replayed(name, args, "naive")
    assert paths == [("conserve", "naive")] * 2 + [("pattern_density", "naive")]
    assert [len(leaves) for leaves in asked] == [1, 1]
    assert backend.current == "auto"


def test_all_calls_of_one_operation_in_one_form(monkeypatch):
    """What a step saves by one operation: the calls of another must not be in it."""
    seen = []
    monkeypatch.setattr(benchmarks, "replayed", lambda *call: seen.append(call))
    benchmarks.replayed_all([("a", (1,)), ("b", (2,)), ("a", (3,))], "a", "naive")
    assert seen == [("a", (1,), "naive"), ("a", (3,), "naive")]


@pytest.mark.parametrize(("each", "times"), [(1.0, 1), (0.01, 5), (1e-9, 200)])
def test_a_short_call_is_repeated_and_its_seconds_divided(each, times):
    """A clock of milliseconds reads nothing of a call of microseconds."""
    made = []

    def clock(call):
        before = len(made)
        call()
        return each * (len(made) - before)

    action = benchmarks.repeated(lambda: made.append(0), clock)
    made.clear()
    assert action() == pytest.approx(each) and len(made) == times


def test_an_action_in_a_form_leaves_the_setting_alone():
    """Turns mix forms: one that stays would time the next action in its form."""
    assert benchmarks.in_form("naive", lambda: backend.current)() == "naive"
    assert backend.current == "auto"


def test_arguments_as_a_training_has_them():
    """TSJT takes its step by tensor and learns nothing through it; a map's
    scores are learned."""
    *_, granularity = given = benchmarks.as_trained("skewed_direction", (3, 4))
    assert granularity == "tensor" and not any(t.requires_grad for t in given[0])
    score, coarse, *_ = benchmarks.as_trained("conserve", (1, 2, 2, 2))
    assert score.requires_grad and coarse.dtype == torch.float32
