"""The same trainings with twice the patience: which settings change, and which rows there are."""

from stflow_lib.runs.patience import patience_rows, twice
from tests.runs.test_plan import ToyPlan


def test_every_stage_waits_twice_as_long_and_nothing_else_changes():
    stages = {
        "rate": 0.1,
        "source": {"plateau": 10, "epochs": 3},
        "deep": {"a": {"plateau": 7}},
    }
    assert twice(stages) == {"source": {"plateau": 20}, "deep": {"a": {"plateau": 14}}}


def test_trainings_that_end_at_fixed_epochs_have_no_rows(wing):
    assert twice({"source": {"plateau": 0, "epochs": 3}, "blocks": 2}) == {}
    plan = ToyPlan(
        "lab", ["a>b"], [0, 1], [3], {"NOISE": {"plan": {"epochs": 2, "plateau": 0}}}
    )
    assert patience_rows(plan, ["NOISE", "absent"], ["a>b"], [3]) == {}
