"""What a record keeps beside its scores: errors by day, and on the validation part."""

import dataclasses
from collections.abc import Callable
from typing import Any

from stflow_lib.runs.run import Run, wing_of
from stflow_lib.training.method import Predictor


def evidence(
    run: Run, task: Any, fitted: Predictor, again: Callable[[Any], Predictor]
) -> dict[str, Any]:
    """How each stage ended, sums of the test errors by calendar day, and errors on validation.

    `days` are the wing's `day_sums`, in the task's unit; `valid_error` and `rule_valid_error`
    as in `validation_errors`. Nothing here enters the choice of anything.
    """
    day_sums = getattr(wing_of(run), "day_sums", None)
    days = {"days": day_sums(task, fitted)} if day_sums else {}
    ends = {"stages": fitted.stages, "converged": fitted.converged}
    return ends | days | validation_errors(run, task, fitted, again)


def validation_errors(
    run: Run, task: Any, fitted: Predictor, again: Callable[[Any], Predictor]
) -> dict[str, Any]:
    """`valid_error` and `rule_valid_error` (rule -> error), in the metric of the wing's `BAR`.

    Empty where the target has no validation part. A wing whose methods are in the end taught by
    that part too says with `held_back` on which task they are not; `again` fits them to it.
    """
    wing = wing_of(run)
    steps = getattr(getattr(task, "target", task), "valid", ())
    bar = getattr(wing, "BAR", None)
    if bar is None or not len(steps):
        return {}
    judged = wing.held_back(task, fitted) if hasattr(wing, "held_back") else task
    part = dataclasses.replace(judged, test=steps)

    def error(predictor: Predictor) -> float:
        return wing.score(part, predictor)["metrics"][bar.metric]

    rules = {name: wing.METHODS[name] for name in bar.weights}
    return {
        "valid_error": error(fitted if judged is task else again(judged)),
        "rule_valid_error": {
            name: error(rule.fit(judged, rule.settings(), 0, None))
            for name, rule in rules.items()
        },
    }
