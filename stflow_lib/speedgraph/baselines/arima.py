"""ARIMA(3, 0, 1) for each sensor: a "Target Only" row of TSJT's Table 2, which names no order.

y_t = c + sum_k phi_k y_(t-k) + e_t + theta e_(t-1), fitted by conditional least squares, all
sensors at once: Hannan and Rissanen (1982) give the start (residuals of a long autoregression
stand for the shocks), Gauss-Newton steps the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Method, Predictor

RIDGE = 1e-9  # share of the mean square added to the diagonal
LIMIT = 0.98  # |theta| at most, so that old shocks are forgotten

Series = Float[Tensor, "time node"]
Seen = Bool[Tensor, "time node"]
Model = Float[Tensor, "node coefficient"]  # c, phi_1 to phi_p, theta


@dataclass(frozen=True)
class ARIMASettings:
    """The order (p, 0, 1) and how it is fitted."""

    lags: int = 3  # p
    long: int = 12  # lags of the autoregression that finds the first shocks
    rounds: int = 10  # Gauss-Newton steps at most; 0: Hannan-Rissanen alone


def fit(task: Task, settings: ARIMASettings, seed: int, folder: Path | None) -> Predictor:
    """Coefficients from the visible days; forecasts go on from the window's own shocks.

    A sensor whose readings never change, or whose model is not stationary, repeats its last
    value; notes: how many do. DataError without a day of the target.
    """
    city = task.target
    if not len(city.known):
        raise DataError(f"{city.name}: no day to learn from")
    rows = torch.arange(int(city.known[0]) - city.lags, int(city.known[-1]) + city.ahead)
    y, seen = city.scaled[rows].double(), city.seen[rows]
    model = refined(y, seen, hannan_rissanen(y, seen, settings), settings.rounds)
    alone = ~(stable(model) & (y.amax(0) > y.amin(0)))
    model = torch.where(alone[:, None], last_value(model), model)
    fitted = restored(task.form, settings, model)
    return replace(fitted, notes={"last_value_sensors": int(alone.sum())})


def restored(form: dict, settings: ARIMASettings, model: Model) -> Predictor:
    """The predictor of the sensors' coefficients."""

    def predict(task: Task, steps: Tensor) -> Tensor:
        x = task.target.windows(steps)[..., 0].double()
        return task.target.unscale(forecast(x, model, task.protocol.ahead)).float()

    return Predictor(predict, model.numel(), learned=model)


def hannan_rissanen(y: Series, seen: Seen, settings: ARIMASettings) -> Model:
    """Two regressions: y on its long past, then on its short past and the first's last residual."""
    long, lags = settings.long, settings.lags
    past = lagged(y, long, range(1, long + 1))
    shocks = y[long:] - torch.einsum("tnf,nf->tn", past, solved(past, y[long:], seen[long:]))
    shocks = torch.where(seen[long:], shocks, 0.0)
    start = long + 1
    short = torch.cat([lagged(y, start, range(1, lags + 1)), shocks[:-1, :, None]], 2)
    model = solved(short, y[start:], seen[start:])
    return torch.cat([model[:, :-1], model[:, -1:].clamp(-LIMIT, LIMIT)], 1)


def lagged(y: Series, start: int, lags: Iterable[int]) -> Float[Tensor, "row node feature"]:
    """1 and the readings `lags` steps before each step from `start` on."""
    columns = [y[start - k : len(y) - k] for k in lags]
    return torch.stack([torch.ones_like(columns[0]), *columns], 2)


def solved(x: Float[Tensor, "row node feature"], y: Series, seen: Seen) -> Model:
    """Least squares, sensor by sensor, over rows whose reading was measured."""
    known = x * seen[..., None]
    gram = torch.einsum("tnf,tng->nfg", known, x)
    unit = gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    held = gram + (RIDGE * unit + 1e-12) * torch.eye(x.shape[2]).to(x)
    return torch.linalg.solve(held, torch.einsum("tnf,tn->nf", known, y))


def refined(y: Series, seen: Seen, model: Model, rounds: int) -> Model:
    """Gauss-Newton steps, halved where they do not lower a sensor's squared residuals."""
    shocks, slopes = residuals(y, seen, model)
    for _ in range(rounds):
        before, step = model, solved(slopes, shocks, seen[-len(shocks) :])
        for part in (1.0, 0.5, 0.25):
            tried = model + part * step
            tried_shocks, tried_slopes = residuals(y, seen, tried)
            better = tried_shocks.square().sum(0) < shocks.square().sum(0)
            better &= (tried[:, -1].abs() <= LIMIT) & stable(tried)
            model = torch.where(better[:, None], tried, model)
            shocks = torch.where(better, tried_shocks, shocks)
            slopes = torch.where(better[:, None], tried_slopes, slopes)
        if torch.equal(model, before):
            break
    return model


def residuals(
    y: Series, seen: Seen, model: Model
) -> tuple[Float[Tensor, "row node"], Float[Tensor, "row node coefficient"]]:
    """Shocks e_t from the p-th step on and -de_t/dmodel; both 0 before, and where nothing was
    measured."""
    lags, theta = model.shape[1] - 2, model[:, -1]
    past = lagged(y, lags, range(1, lags + 1))
    left = y[lags:] - torch.einsum("tnf,nf->tn", past, model[:, :-1])
    shock, slope = torch.zeros_like(theta), torch.zeros_like(model)
    shocks, slopes = [], []
    for row, before, known in zip(left, past, seen[lags:], strict=True):
        slope = torch.cat([before, shock[:, None]], 1) - theta[:, None] * slope
        slope, shock = slope * known[:, None], (row - theta * shock) * known
        shocks.append(shock)
        slopes.append(slope)
    return torch.stack(shocks), torch.stack(slopes)


def stable(model: Model) -> Bool[Tensor, " node"]:
    """Whether every root of the autoregression lies inside the unit circle."""
    phi = model[:, 1:-1]
    below = torch.eye(phi.shape[1] - 1, phi.shape[1]).to(phi).expand(len(phi), -1, -1)
    return torch.linalg.eigvals(torch.cat([phi[:, None], below], 1)).abs().amax(1) < 1


def last_value(model: Model) -> Model:
    """phi_1 = 1 and nothing else."""
    plain = torch.zeros_like(model)
    plain[:, 1] = 1
    return plain


def forecast(
    x: Float[Tensor, "b node lag"], model: Model, ahead: int
) -> Float[Tensor, "b node ahead"]:
    """Shocks along the window, 0 before its p-th step, then one step after another."""
    c, phi, theta = model[:, 0], model[:, 1:-1].flip(1), model[:, -1]
    lags, shock = phi.shape[1], torch.zeros_like(x[..., 0])
    for t in range(lags, x.shape[2]):
        shock = x[..., t] - c - (x[..., t - lags : t] * phi).sum(2) - theta * shock
    for _ in range(ahead):
        following = c + (x[..., -lags:] * phi).sum(2) + theta * shock
        x, shock = torch.cat([x, following[..., None]], 2), torch.zeros_like(shock)
    return x[..., -ahead:]


METHOD = Method("ARIMA", ARIMASettings, fit, restored)
