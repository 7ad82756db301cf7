"""A mean of several fitted methods, weighted so that their errors cancel.

The weights are those of Bates and Granger (1969, The combination of forecasts), for the errors
that the methods made side by side in hours that they were not fitted to. What one method has too
much of, another often lacks: the mean is nearly always nearer than the best of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import Made, Method, NoSettings, Predictor

LEAST = 0.05  # a method of less weight is left out
RIDGE = 1e-6  # of the mean squared error, so that two equal methods share their weight


@dataclass(frozen=True)
class Mean:
    """The weighted mean of predictions."""

    parts: Sequence[Predictor]
    weights: Sequence[float]

    def __call__(
        self, task: Task, steps: Int[Tensor, " b"]
    ) -> Float[Tensor, "b direction row col"]:
        """In the task's unit."""
        pairs = zip(self.weights, self.parts, strict=True)
        return sum(weight * part(task, steps) for weight, part in pairs)


def mixed(parts: Sequence[Predictor], errors: Float[Tensor, "part n"]) -> Predictor:
    """The mean of fitted predictors that made these errors; one alone where it outweighs all."""
    shares = weights_of(errors).tolist()
    kept = [(part, share) for part, share in zip(parts, shares, strict=True) if share]
    if len(kept) == 1:
        return kept[0][0]
    made = kept[0][0].made
    assert made is not None
    learned = {part.made.method.name: (share, part.learned) for part, share in kept}
    found = _of(*zip(*kept, strict=True), learned)
    found.made = Made(METHOD, METHOD.settings(), made.form)
    return found


def weights_of(errors: Float[Tensor, "part n"]) -> Float[Tensor, " part"]:
    """Shares that sum to 1 and have the least squared error, the smallest left out one by one
    until each of the others is at least `LEAST`."""
    moments = errors.double() @ errors.double().T
    moments += (RIDGE * moments.diagonal().mean() + 1e-12) * torch.eye(len(moments)).to(moments)
    kept, found = list(range(len(moments))), moments.new_zeros(len(moments))
    while True:
        shares = torch.linalg.solve(moments[kept][:, kept], moments.new_ones(len(kept)))
        shares = shares / shares.sum()
        if shares.min() >= LEAST:
            found[kept] = shares
            return found
        kept.pop(int(shares.argmin()))


def restored(form: dict[str, Any], settings: NoSettings, learned: dict[str, Any]) -> Predictor:
    """The mean of the methods of a file; those that are mixed are made anew without settings."""
    from stflow_lib.gridflow import METHODS

    methods = {name: METHODS[name] for name in learned}
    parts = [method.restore(form, method.settings(), learned[name][1])
             for name, method in methods.items()]  # fmt: skip
    return _of(parts, [share for share, _ in learned.values()], learned)


def title(predictor: Predictor) -> str:
    """The name of its method, or of those that are mixed with their shares."""
    if predictor.made.method.name != METHOD.name:
        return predictor.made.method.name
    return " + ".join(f"{share:.2f} {name}" for name, (share, _) in predictor.learned.items())


def _of(parts: Sequence[Predictor], shares: Sequence[float], learned: dict) -> Predictor:
    parameters = sum(part.parameters for part in parts)
    return Predictor(Mean(tuple(parts), tuple(shares)), parameters, learned=learned)


def _no_fit(*_: Any) -> Predictor:
    raise NotImplementedError("a mixture is made of fitted methods, see `mixed`")


METHOD = Method("Mixture", NoSettings, _no_fit, restored)
