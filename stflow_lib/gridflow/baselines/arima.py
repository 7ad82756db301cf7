"""ARIMA(6, 1, 1) for each cell: the baseline without a network (STBaT Table 2).

Conditional least squares, all cells at once. With w the differences of a series,
w_t = sum_k phi_k w_(t-k) + e_t + theta e_(t-1). For a given theta the residuals are linear in
phi, e = phi(B) v with v = w / (1 + theta B), so phi is an ordinary least-squares problem and
theta a search over one number.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor, from_numpy

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import Method, Predictor

RIDGE = 1e-9  # share of the mean square added to the diagonal: near-empty cells stay solvable


@dataclass(frozen=True)
class ARIMASettings:
    """The order (p, 1, 1) and how finely theta is searched."""

    lags: int = 6  # p, differences that a forecast reads
    theta_limit: float = 0.98  # |theta| at most, so that old residuals are forgotten
    theta_step: float = 0.02  # between tried values of theta

    def thetas(self) -> np.ndarray:
        """Every theta tried, 0 among them: the plain AR(p)."""
        half = round(self.theta_limit / self.theta_step)
        return np.arange(-half, half + 1) * self.theta_step


def fit(task: Task, settings: ARIMASettings, seed: int, folder: Path | None) -> Predictor:
    """Coefficients from the target's training hours; then one hour ahead on true values.

    A cell whose training hours never change, or of which no stationary model is found, repeats
    its last value; forecasts below 0 become 0. notes: how many cells do so. DataError when the
    training hours are too few for the coefficients, as in zero-shot.
    """
    city, first = task.target, _first(task, settings)
    mask = city.mask.cpu().numpy()
    rows = city.flow[city.train].double().cpu().numpy()[:, mask]
    phi, theta, found = css(np.diff(rows, axis=0), settings)
    learned = [from_numpy(array) for array in (mask, phi, theta)]
    fitted = restored(task.form, settings, [first, *learned])
    fitted.notes = {"last_value_cells": int((~found).sum())}
    return fitted


def restored(form: dict, settings: ARIMASettings, learned: list) -> Predictor:
    """The predictor of the first step that is read, the valid cells, and phi and theta of each."""
    first, (mask, phi, theta) = learned[0], (part.numpy(force=True) for part in learned[1:])

    def predict(t: Task, steps: Int[Tensor, " b"]) -> Float[Tensor, "b direction row col"]:
        flow = t.target.flow[first : int(steps.max()) + 1].double().cpu().numpy()
        ahead = one_step_forecasts(flow[:, mask], phi, theta)[steps.cpu().numpy() - first]
        maps = np.zeros((len(steps), *mask.shape), np.float32)
        maps[:, mask] = ahead.clip(0)
        return from_numpy(maps).to(t.device)

    return Predictor(predict, parameters=phi.size + theta.size, learned=learned)


def _first(task: Task, settings: ARIMASettings) -> int:
    city, least = task.target, 4 * settings.lags
    if len(city.train) < least:
        raise DataError(
            f"{city.name}: {len(city.train)} training steps, ARIMA({settings.lags}, 1, 1) "
            f"needs {least}"
        )
    return int(city.train[0])


def css(
    w: Float[np.ndarray, "time cell"], settings: ARIMASettings = ARIMASettings()
) -> tuple[
    Float[np.ndarray, "lag cell"], Float[np.ndarray, " cell"], Bool[np.ndarray, " cell"]
]:
    """Differences [T, N] -> phi [p, N], theta [N], and whether a model was found [N].

    The least sum of squared residuals over t >= p among stationary, invertible models; what
    lies before the first difference counts as 0. Not found: phi = theta = 0, the last value.
    """
    from scipy.signal import lfilter  # slow to import, and nothing else here needs it

    count = w.shape[1]
    least = np.full(count, np.inf)
    phi, theta = np.zeros((settings.lags, count)), np.zeros(count)
    changes = np.ptp(w, axis=0) > 0
    for tried in settings.thetas():
        coefficients, squares = _regress(lfilter([1.0], [1.0, tried], w, axis=0), settings.lags)
        better = changes & stationary(coefficients) & (squares < least)
        phi[:, better], theta[better] = coefficients[:, better], tried
        least[better] = squares[better]
    return phi, theta, np.isfinite(least)


def _regress(v: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    """v [T, N] on its own past: coefficients [p, N] and sums of squared residuals [N]."""
    past = np.stack([v[lags - k : len(v) - k] for k in range(1, lags + 1)])  # [p, T - p, N]
    now = v[lags:]
    gram = np.einsum("itn,jtn->nij", past, past)
    mean_square = np.trace(gram, axis1=1, axis2=2)[:, None, None] / lags
    gram = gram + (RIDGE * mean_square + 1e-12) * np.eye(lags)
    phi = np.linalg.solve(gram, np.einsum("itn,tn->ni", past, now)[..., None])[..., 0].T
    return phi, ((now - np.einsum("in,itn->tn", phi, past)) ** 2).sum(0)


def stationary(phi: Float[np.ndarray, "lag cell"]) -> Bool[np.ndarray, " cell"]:
    """Whether all roots of 1 - sum_k phi_k B^k lie outside the unit circle, cell by cell.

    phi [p, N]. The Durbin-Levinson recursion backwards: so it is exactly when every partial
    autocorrelation is below 1 in size.
    """
    inside = np.ones(phi.shape[1], bool)
    while len(phi):
        last = phi[-1]
        inside &= np.abs(last) < 1
        safe = np.where(inside, last, 0.0)
        phi = (phi[:-1] + safe * phi[-2::-1]) / (1 - safe**2)
    return inside


def one_step_forecasts(
    series: Float[np.ndarray, "time cell"],
    phi: Float[np.ndarray, "lag cell"],
    theta: Float[np.ndarray, " cell"],
) -> Float[np.ndarray, "time cell"]:
    """What each step [T, N] is expected to be given all before it; the first is itself.

    last value + sum_k phi_k w_(t-k) + theta e_(t-1), with e the errors of the forecasts before.
    """
    lags = len(phi)
    w = np.diff(series, axis=0)
    past = np.concatenate([np.zeros((lags, w.shape[1])), w])
    step, errors = np.zeros_like(w), np.zeros(w.shape[1])
    for t, real in enumerate(w):
        recent = past[t : t + lags][::-1]  # w_(t-1) first
        step[t] = (phi * recent).sum(0) + theta * errors
        errors = real - step[t]
    return np.concatenate([series[:1], series[:-1] + step])


METHOD = Method("ARIMA", ARIMASettings, fit, restored)
