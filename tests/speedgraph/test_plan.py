"""What a profile asks of each target."""

import pytest

from stflow_lib.speedgraph import METHODS
from stflow_lib.speedgraph.plan import DETERMINISTIC, FEW_SHOT_ONLY, TARGET_ONLY, Plan


def test_protocol_of_a_target():
    """The lab asks for changes; the paper's sizes follow the bare protocol."""
    assert Plan.of("lab").protocol("la") == "P10-change1"
    assert Plan.of("lab").protocol("aarhus") == "P10-every24-change1"
    assert {Plan.of("paper").protocol(t) for t in ("la", "aarhus")} == {"P10"}


def test_lists_of_methods_are_names_of_methods():
    """A misspelt name would run a rule three times or give it a source."""
    assert set(TARGET_ONLY) | set(DETERMINISTIC) | set(FEW_SHOT_ONLY) <= set(METHODS)


@pytest.mark.parametrize(
    "method, city, days",
    [
        ("Graph ridge", "c", {"3"}),
        ("Trees", "c", {"3"}),
        ("Trees(pooled)", "a+b>c", {"3", "0"}),
    ],
)
def test_closed_forms_and_trees_run_once(method, city, days):
    """The same with every seed; alone on the target, or with its sources and without its days."""
    plan = Plan("lab", ["a+b>c"], [0, 1], [3, 0], {method: {}})
    runs = plan.runs([method], plan.cities, plan.fractions)
    assert {(run.city, run.seed) for run in runs} == {(city, 0)}
    assert {run.scarcity for run in runs} == days
