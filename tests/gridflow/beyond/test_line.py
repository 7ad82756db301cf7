"""A line shrunk stage by stage: what each end of a strength means, and a naive solution."""

import math

import pytest
import torch

from stflow_lib.gridflow import make_task
from stflow_lib.gridflow.baselines.linear import slots_of
from stflow_lib.gridflow.beyond.context import Told, features, lent_spans, own_days
from stflow_lib.gridflow.beyond.line import (
    Line,
    LineSettings,
    Moments,
    Strengths,
    last_value,
    lent_line,
    own_strengths,
    total,
)
from stflow_lib.gridflow.beyond.trees import visible_days


@pytest.fixture(scope="module")
def both(lender, receiver, twelve):
    return make_task(receiver, [lender], twelve)


@pytest.fixture(scope="module")
def own(both):
    return own_days(both)


def test_the_first_prior_repeats_the_last_hour(both, own):
    told = own[0]
    got = last_value(told, 1)(told, 1)
    assert torch.allclose(got.float(), both.target.only(1).labels(told.steps - 1))


@pytest.mark.parametrize("together", [True, False])
def test_shrunk_solution_against_stacked_rows(own, together):
    """Ridge towards a prior is least squares with a row sqrt(strength * unit) for each weight."""
    prior, strength = last_value(own[0], 0), 0.3
    moments = total(own, 0)
    got = moments.after(prior, strength, together)
    hour = 7
    kept = [(slots_of(part.city, part.steps, 24) == hour) | together for part in own]
    some = list(zip(own, kept, strict=True))
    x = torch.cat([features(part, 0)[keep].flatten(0, 1) for part, keep in some])
    y = torch.cat([part.labels(0)[keep].flatten() for part, keep in some])
    unit = sum((features(p, 0) ** 2).sum((0, 1)) for p in own) / (1 if together else 24)
    below = torch.diag((strength * unit.clamp_min(1e-9)).sqrt())
    rows, labels = torch.cat([x, below]), torch.cat([y - x @ prior.weights[hour], 0 * unit])
    wanted = prior.weights[hour] + torch.linalg.lstsq(rows, labels[:, None]).solution[:, 0]
    assert got.weights[hour].tolist() == pytest.approx(wanted.tolist(), abs=1e-6)
    assert together == bool((got.weights - prior.weights).std(0).max() < 1e-9)


def test_held_with_infinite_strength_the_sources_rule_stays(both, own):
    prior = lent_line(lent_spans(both, both.sources[0], 4, 30), 0, LineSettings())
    assert Strengths(math.inf, math.inf).line(prior, total(own, 0)) is prior
    firm = Strengths(1e12, 1e12).line(prior, total(own, 0))
    assert torch.allclose(firm.weights, prior.weights, atol=1e-6)


def test_a_law_is_found_and_strengths_are_those_that_validate_best(both, own):
    """Labels that follow a line exactly: the weakest hold is best, and it gives them back."""
    law = Line(torch.randn(24, features(own[0], 0).shape[2], generator=torch.Generator()
                           .manual_seed(0)).double())  # fmt: skip
    judge = Told(both.target, both.target.valid, visible_days(both), 24)

    class Obeys(Told):
        def labels(self, direction):
            return law(self, direction)

    obeys = [Obeys(p.city, p.steps, p.days, p.day) for p in (*own, judge)]
    settings = LineSettings(own_together=(math.inf,), own_apart=(1e-9, 1.0, math.inf))
    prior, moments = last_value(own[0], 0), total(obeys[:-1], 0)
    best = own_strengths(prior, moments, obeys[-1], 0, settings)
    assert best == Strengths(math.inf, 1e-9)
    x, hours = features(own[0], 0), slots_of(own[0].city, own[0].steps, 24)
    found = best.line(prior, moments).on(x, hours)
    assert torch.allclose(found, law.on(x, hours), atol=0.05)


def test_moments_add_up(own):
    one, two = (Moments.of(part, 1) for part in own[:2])
    both = total(own[:2], 1)
    assert torch.allclose(both.gram, one.gram + two.gram)
    assert torch.allclose(both.moment, one.moment + two.moment)
