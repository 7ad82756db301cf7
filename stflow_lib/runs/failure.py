"""Trainings that failed: told by the errors of rules that a network ought to beat."""

from collections.abc import Mapping
from dataclasses import dataclass

from stflow_lib.runs.pair import target_of
from stflow_lib.runs.publish import published
from stflow_lib.runs.run import Run, wing_of


@dataclass(frozen=True)
class Bar:
    """The error that a training has to stay below: a weighted mean of errors of rules."""

    metric: str
    weights: Mapping[str, float]  # rule -> weight

    def height(self, errors: Mapping[str, float]) -> float | None:
        """The bar for given errors of the rules; None where one is missing."""
        if not self.weights.keys() <= errors.keys():
            return None
        return sum(weight * errors[rule] for rule, weight in self.weights.items())


def failed(record: Mapping) -> bool:
    """Whether a run's network is dead or no better than its wing's `BAR`.

    Judged by `valid_error` against `rule_valid_error` (rule -> error of the same metric on the
    same validation part). Records without them are judged by test errors, against published
    records of the rules on the same target; where those are missing too only a dead network is
    a failure. What learns nothing by steps cannot fail.
    """
    if record["notes"].get("collapsed"):
        return True
    bar = getattr(wing_of(_run(record)), "BAR", None) if record["epochs"] else None
    if bar is None:
        return False
    own, rules = record.get("valid_error"), record.get("rule_valid_error")
    if own is None or rules is None:
        own, rules = record[f"metric_{bar.metric}"], _test_errors(record, bar)
    height = bar.height(rules)
    return height is not None and own >= height


def _run(record: Mapping) -> Run:
    return Run(record["wing"], record["method"], "", "", "", "", 0)


def _test_errors(record: Mapping, bar: Bar) -> dict[str, float]:
    """Published test errors of the rules on the record's target, same amount of data first."""
    here = target_of(record["city"]), record["protocol"]
    rules = [r for r in published(record["wing"]).values() if r["method"] in bar.weights]
    found = [r for r in rules if (target_of(r["city"]), r["protocol"]) == here]
    found.sort(key=lambda rule: rule["scarcity"] == record["scarcity"])
    return {rule["method"]: rule[f"metric_{bar.metric}"] for rule in found}
