"""What a record keeps beside its scores: errors by day, and on the validation part."""

import dataclasses
from typing import Any

from stflow_lib.runs.run import Run, wing_of
from stflow_lib.training.method import Predictor


def evidence(run: Run, task: Any, fitted: Predictor) -> dict[str, Any]:
    """How each stage ended, sums of the test errors by calendar day, and errors on validation.

    `days` are the wing's `day_sums`, in the task's unit; `valid_error` and `rule_valid_error`
    (rule -> error) are in the metric of the wing's `BAR`, and absent where the target has no
    validation part. Nothing here enters the choice of anything.
    """
    day_sums = getattr(wing_of(run), "day_sums", None)
    days = {"days": day_sums(task, fitted)} if day_sums else {}
    ends = {"stages": fitted.stages, "converged": fitted.converged}
    return ends | days | validation_errors(run, task, fitted)


def validation_errors(run: Run, task: Any, fitted: Predictor) -> dict[str, Any]:
    """`valid_error` and `rule_valid_error` of `evidence`; empty without a validation part."""
    wing = wing_of(run)
    steps = getattr(getattr(task, "target", task), "valid", ())
    bar = getattr(wing, "BAR", None)
    if bar is None or not len(steps):
        return {}
    part = dataclasses.replace(task, test=steps)
    rules = {name: wing.METHODS[name] for name in bar.weights}
    predictors = {
        name: rule.fit(task, rule.settings(), 0, None) for name, rule in rules.items()
    }

    def error(predictor: Predictor) -> float:
        return wing.score(part, predictor)["metrics"][bar.metric]

    return {
        "valid_error": error(fitted),
        "rule_valid_error": {name: error(one) for name, one in predictors.items()},
    }
