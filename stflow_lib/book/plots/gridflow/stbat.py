"""Small experiments of the page on STBaT: what RIAM, the contrast and both together do."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from stflow_lib.gridflow import Protocol, Task, score
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.from_run import region_types
from stflow_lib.gridflow.stbat.method import BalancedPretraining, STBaTSettings
from stflow_lib.gridflow.stbat.riam import RIAM
from stflow_lib.gridflow.stbat.stblm import Projector, batch_statistics, uninformative_contrast
from stflow_lib.gridflow.training.schedule import (
    fit_cities,
    forward,
    predict_trips,
    weighted_squared_error,
)
from stflow_lib.gridflow.training.transfer import FittedDirection, finetune
from stflow_lib.kernels import density_weights, pattern_density, rank_contrast
from stflow_lib.training.method import count_parameters

Normal = tuple[float, float]  # mean, deviation
DECISIONS = [  # question, what is done here, setting, from where
    ("which cells take part", "those with a trip before validation", "Choices.mask",
     "ours; CrossTReS: whole record"),
    ("scale", "99.9 % of the training counts, nothing clipped", "Choices.scaler",
     "ours; CrossTReS: of the whole record, clipped"),
    ("zero-shot scale", "99.9 % of the target's history", "Choices.zero_shot_scale", "ours"),
    ("source split 2:1", "first two thirds train", "Protocol.source_valid", "ours"),
    ("J = 256", "hidden state twice; this page: once", "Backbone.feature", "CrossTReS's code"),
    ("last layer of the head", "linear", "Backbone.sigmoid", "Eq. 9; CrossTReS: sigmoid"),
    ("prediction", "the value; this page: the change", "Backbone.last_value, unit", "ours"),
    ("POI shares", "rows sum to 1; without POI all 0", "none", "Eq. 5 needs it"),
    ("sign of the deviation", "softplus + 0.001, measured at least 0.01",
     "RIAMSettings.sigma_floor", "ours"),
    ("direction of KL", "as printed", "RIAMSettings.kl", "the paper's Eq. 5"),
    ("kernel of Eq. 6 in 32 dimensions", "normal, constants dropped", "none",
     "D-variate or of the distance: the same ω"),
    ("ties of δ", "equal to 1e-6", "none", "ours"),
    ("a turn of the alternation", "a batch", "none", "ours; Eq. 10 speaks of batches"),
    ("weight of the contrast", "1; lab and this page: {strength:g}",
     "STBLMSettings.strength", "ours"),
    ("Adam", "rate 0.001 (this page 0.003), decay 5e-5, norm 2, 32 windows", "source, target",
     "CrossTReS's code"),
    ("fine-tuning", "plain error, best validation epoch, or none", "target",
     "CrossTReS's code; ours: the network as it came is a candidate"),
]  # fmt: skip


def decisions(strength: float) -> pd.DataFrame:
    """What the paper leaves open and how it was decided; `strength`: λ of the page."""
    table = pd.DataFrame(DECISIONS, columns=["question", "here", "setting", "from"])
    return table.assign(here=[text.format(strength=strength) for text in table["here"]])


def region_kinds(
    task: Task, protocol: Protocol
) -> tuple[dict[str, np.ndarray], pd.DataFrame, dict[int, str]]:
    """Kinds of source and target: on the map (-9: takes no part), counted, and their names.

    Counts: kinds down, the commonest in the source first, cities across.
    """
    cities = (task.sources[0], task.target)
    truth = {c.name: region_types(c.name, protocol) for c in cities}
    maps = {c.name: np.where(c.mask[0], truth[c.name], -9) for c in cities}
    counts = pd.DataFrame({n: pd.Series(m[m > -9]).value_counts() for n, m in maps.items()})
    counts = counts.fillna(0).astype(int).sort_values([c.name for c in cities], ascending=False)
    known = truth[cities[0].name].names
    return maps, counts, {int(k): known[k] if k >= 0 else "no POI" for k in counts.index}


def parameter_counts(size: Backbone, width: int, categories: int) -> dict[str, int]:
    """Parameters of everything that STBaT trains on a source."""
    net, riam = STNet(size), RIAM(categories, size.width)
    modules = {"CNN": net.cnn, "LSTM": net.lstm, "head": net.head,
               "projector": Projector(size.width, width), "encoder": riam.encoder,
               "POI classifier": riam.classifier,
               "mean and deviation": nn.ModuleList([riam.mean, riam.deviation])}  # fmt: skip
    found = {name: count_parameters(module) for name, module in modules.items()}
    return found | {"all": sum(found.values())}


def train_riam(
    riam: RIAM, shares: Tensor, mean: Tensor, deviation: Tensor, steps: int
) -> tuple[dict[str, np.ndarray], Tensor]:
    """RIAM alone on fixed statistics: weights before and after, and the last patterns."""
    weights, adam = {}, torch.optim.Adam(riam.parameters(), 1e-3)
    for step in range(steps + 1):
        if step in (0, steps):
            weights[f"after {step} steps"] = riam.balance(shares)[0].numpy()
            patterns = riam(shares).detach().double()
        adam.zero_grad()
        riam.loss(shares, mean, deviation)["loss"].backward()
        nn.utils.clip_grad_norm_(riam.parameters(), 2.0)
        adam.step()
    return weights, patterns


def bandwidth_table(patterns: Tensor, bandwidths: Sequence[float]) -> pd.DataFrame:
    """Range of the weights and effective neighbours of the same patterns, by bandwidth."""
    rows = {}
    for h in bandwidths:
        density = pattern_density(patterns, h)
        omega = density_weights(density)
        rows[h] = {"least ω": omega.min(), "largest ω": omega.max(),
                   "effective neighbours": len(patterns) * density.exp().mean()}  # fmt: skip
    return pd.DataFrame(rows, dtype=float).T.rename_axis("bandwidth h")


def free_contrast(
    delta: Tensor, seed: int, temperature: float = 1.0, steps: int = 120
) -> tuple[Tensor, list[float]]:
    """Representations that only the contrast moves, and its gain at each step."""
    start = torch.randn(len(delta), 32, generator=torch.Generator().manual_seed(seed))
    d = start.requires_grad_()
    adam, gains = torch.optim.Adam([d], 0.05), []
    for _ in range(steps):
        adam.zero_grad()
        loss = rank_contrast(d, delta, temperature)
        loss.backward()
        adam.step()
        gains.append(loss.item() - uninformative_contrast(delta))
    return d.detach(), gains


def shared_normals(quiet: Normal, busy: Normal) -> dict[str, Normal]:
    """The one normal distribution closest to two, by the direction of the KL divergence."""
    m, s = torch.tensor([quiet, busy]).T
    precision = s**-2
    mean = (m * precision).sum() / precision.sum()
    spread = (s**2).mean() + m.var(correction=0)
    return {
        "printed: KL(predicted, measured)": (mean.item(), (precision.mean() ** -0.5).item()),
        "reverse: KL(measured, predicted)": (m.mean().item(), (spread**0.5).item()),
    }


def pretrain(
    network: nn.Module, task: Task, settings: STBaTSettings, seed: int, **balanced
) -> dict[str, list[float]]:
    """Train a network on the task's sources and return its curves; `balanced`: of `fit_cities`."""
    history = fit_cities(
        network,
        task.sources,
        settings.source,
        seed=seed,
        stage="source",
        folder=None,
        **balanced,
    )
    return history.curves


def gradient_reach(
    model: BalancedPretraining, losses: Mapping[str, Tensor]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Tensors of each part that the gradient of each loss reaches, of how many."""
    net, projector = model.stblm
    parts = {"CNN": net.cnn, "LSTM": net.lstm, "head": net.head, "projector": projector,
             "RIAM": model.riam}  # fmt: skip
    return {
        name: {part: _reached(loss, module) for part, module in parts.items()}
        for name, loss in losses.items()
    }


def _reached(loss: Tensor, module: nn.Module) -> tuple[int, int]:
    weights = [*module.parameters()]
    found = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    return sum(g is not None for g in found), len(weights)


def pulls(
    model: BalancedPretraining, city: CityFlow, batch: Tensor, omega: Tensor, delta: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the weighted error and of the contrast on CNN and LSTM, a vector each."""
    guess, want, z = forward(model, city, batch)
    net, projector = model.stblm
    error = weighted_squared_error(guess, want, omega)
    contrast = model.contrast(projector(*batch_statistics(z)), delta)
    shared = [*net.cnn.parameters(), *net.lstm.parameters()]
    return _flat_gradient(error, shared), _flat_gradient(contrast, shared)


def _flat_gradient(loss: Tensor, weights: Sequence[Tensor]) -> Tensor:
    found = torch.autograd.grad(loss, weights, retain_graph=True)
    return torch.cat([g.flatten() for g in found])


def pull_table(error: Tensor, contrast: Tensor, strengths: Sequence[float]) -> pd.DataFrame:
    """Lengths of the two gradients for each weight λ of the contrast, and their ratio."""
    one, two = error.norm().item(), contrast.norm().item()
    return pd.DataFrame({
        f"λ = {s:g}": {"error": one, "λ x contrast": s * two, "ratio": s * two / one}
        for s in strengths
    })  # fmt: skip


def weights_by_kind(
    omega: np.ndarray, kind: np.ndarray, names: Mapping[int, str]
) -> pd.DataFrame:
    """Mean weight of each kind, as learned and by counting, and shares of cells and weight."""
    table = pd.DataFrame({"cells": pd.Series(kind).value_counts()})
    table["ω"] = pd.Series(omega).groupby(kind).mean()
    table["ω by counting"] = len(kind) / table["cells"] / len(table)
    table["% of the cells"] = 100 * table["cells"] / len(kind)
    table["% of the weight"] = table["% of the cells"] * table["ω"]
    return table.set_axis(table.index.map(names))


def finetuned_errors(
    network: STNet, task: Task, settings: STBaTSettings, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Test errors before and after fine-tuning on the target's days; those after by kind."""

    def predict(task, steps):
        with torch.inference_mode():
            return predict_trips(network, task.target, steps)

    before = score(task, predict)["metrics"]
    finetune(FittedDirection(network), task, settings, seed, None)
    after = score(task, predict)
    return {"RMSE, source only": before["rmse"], "RMSE": after["metrics"]["rmse"],
            "MAE": after["metrics"]["mae"]}, after["parts"]  # fmt: skip


def kind_errors(
    results: Mapping[str, tuple[dict, dict]], counts: pd.DataFrame, names: Mapping[int, str]
) -> pd.DataFrame:
    """RMSE over all cells and by kind, the rarest in the source first, methods across.

    `results`: of `finetuned_errors`; counts: cells by kind (rows) in source and target (columns).
    """
    source, target = counts.columns
    rows = {
        f"{names[k]} ({n[source]} / {n[target]})": f"kind_{k}_rmse"
        for k, n in counts.iloc[::-1].iterrows()
    }
    return pd.DataFrame({
        method: {"all cells": errors["RMSE"]}
        | {row: parts[part] for row, part in rows.items() if part in parts}
        for method, (errors, parts) in results.items()
    })  # fmt: skip
