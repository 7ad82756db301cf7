"""A mean of several fitted methods, weighted so that their errors cancel.

The weights are those of Bates and Granger (1969, The combination of forecasts), for the errors
that the methods made side by side in steps that they were not fitted to. What one method has too
much of, another often lacks: the mean is nearly always nearer than the best of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.training.method import Made, Method, NoSettings, Predictor

LEAST = 0.05  # a method of less weight is left out
RIDGE = 1e-6  # of the mean squared error, so that two equal methods share their weight


@dataclass(frozen=True)
class Mean:
    """The weighted mean of predictions."""

    parts: Sequence[Predictor]
    weights: Sequence[float]

    def __call__(self, task: Any, steps: Int[Tensor, " b"]) -> Float[Tensor, "b *place"]:
        """In the task's unit."""
        pairs = zip(self.weights, self.parts, strict=True)
        return torch.stack([weight * part(task, steps) for weight, part in pairs]).sum(0)


def mixed(parts: Sequence[Predictor], shares: Sequence[float]) -> Predictor:
    """The mean of fitted predictors with these shares; those of none are left out, and one alone
    is what it was."""
    kept = {_made(part).method.name: (share, part)
            for part, share in zip(parts, shares, strict=True) if share}  # fmt: skip
    if len(kept) == 1:
        return next(part for _, part in kept.values())
    learned = {name: (share, part.learned) for name, (share, part) in kept.items()}
    found = _of([part for _, part in kept.values()], learned)
    found.made = Made(METHOD, METHOD.settings(), _made(parts[0]).form)
    return found


def shares_of(errors: Float[Tensor, "part n"]) -> list[float]:
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
            return found.tolist()
        kept.pop(int(shares.argmin()))


def method_of(known: Mapping[str, Any]) -> Method:
    """The mixture as a method whose file is read by `known` ones; those have no settings there."""
    return Method("Mixture", NoSettings, _no_fit, partial(_restored, known))


def _restored(
    known: Mapping[str, Any],
    form: dict[str, Any],
    settings: NoSettings,
    learned: dict[str, Any],
) -> Predictor:
    parts = [known[name].restore(form, known[name].settings(), its)
             for name, (_, its) in learned.items()]  # fmt: skip
    return _of(parts, learned)


def title(predictor: Predictor) -> str:
    """The name of its method, or of those that are mixed with their shares."""
    name = _made(predictor).method.name
    if name != METHOD.name:
        return name
    return " + ".join(f"{share:.2f} {part}" for part, (share, _) in predictor.learned.items())


def _of(parts: Sequence[Predictor], learned: dict[str, Any]) -> Predictor:
    mean = Mean(tuple(parts), [share for share, _ in learned.values()])
    return Predictor(mean, sum(part.parameters for part in parts), learned=learned)


def _made(predictor: Predictor) -> Made:
    assert predictor.made is not None, "no method was fitted for this predictor"
    return predictor.made


def _no_fit(*_: Any) -> Predictor:
    raise NotImplementedError("a mixture is made of fitted methods, see `mixed`")


METHOD = method_of({})
