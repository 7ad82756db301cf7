"""MetaST: MAML with a memory of region patterns beside the network (Yao et al., WWW 2019).

On this wing's backbone: the feature z asks a memory of pattern classes and the answer joins it
before the head. Inner steps move the network only, outer steps move the memory too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.gridflow.baselines.maml import MAMLSettings
from stflow_lib.gridflow.networks.stnet import STNet, zero_last_layer
from stflow_lib.gridflow.problem.calendar import hour_of_week, mean_by_slot
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.meta import (
    Loss,
    Weights,
    adapted_rmse,
    meta_loss,
    with_weights,
)
from stflow_lib.gridflow.training.schedule import Network, forward, weighted_squared_error
from stflow_lib.gridflow.training.transfer import (
    FittedDirection,
    direction_method,
    finetune,
    pretrain_on_sources,
)
from stflow_lib.training.method import require_sources


@dataclass(frozen=True)
class MetaSTSettings(MAMLSettings):
    """MAML plus the memory."""

    patterns: int = 4  # classes of regions and rows of the memory
    memory: int = 8  # width of a row, of the question and of the answer
    naming: float = 1e-4  # weight of the loss that names a cell's class


class Memory(nn.Module):
    """z [..., J] -> logits of the classes [..., P], answer [..., M].

    Attention a = softmax((z W_a) M^T), answer (a M) W_f.
    """

    def __init__(self, features: int, patterns: int, width: int):
        super().__init__()
        self.question = nn.Linear(features, width, bias=False)
        self.rows = nn.Parameter(torch.randn(patterns, width))
        self.answer = nn.Linear(width, width, bias=False)

    def forward(
        self, z: Float[Tensor, "*any features"]
    ) -> tuple[Float[Tensor, "*any pattern"], Float[Tensor, "*any memory"]]:
        """Logits of the classes and the answer to z."""
        logits = self.question(z) @ self.rows.T
        return logits, self.answer(logits.softmax(-1) @ self.rows)


class MemoryNet(nn.Module):
    """The backbone whose head reads z and the memory's answer; called as the backbone is."""

    def __init__(self, settings: MetaSTSettings):
        super().__init__()
        size, width = settings.backbone, settings.memory
        self.network = STNet(size, settings.clock)
        self.network.head = nn.Sequential(
            nn.Linear(size.width + width, size.width), nn.ReLU(), nn.Linear(size.width, 1)
        )
        if size.last_value:
            zero_last_layer(self.network.head)
        self.memory = Memory(size.width, settings.patterns, width)

    def forward(
        self, x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
    ) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region width"]]:
        """Predictions and features z of the chosen cells."""
        z = self.network.features(x, cells)
        _, answer = self.memory(z)
        out = self.network.output(torch.cat([z, answer], -1), x, cells)
        return out, z


def weekly_classes(
    cities: list[CityFlow], count: int, seed: int
) -> tuple[dict[str, Int[Tensor, " _region"]], Float[Tensor, " pattern"]]:
    """k-means over the mean training weeks of all source cells: class of each valid cell by
    city, and each class's inverse frequency (mean 1 over cells).

    Curves are divided by their mean, so that classes tell rhythms and not volumes (the recipe of
    the paper's classes is not published).
    """
    from sklearn.cluster import KMeans  # slow to import, and nothing else here needs it

    curves = [_weeks(city) for city in cities]
    found = KMeans(count, n_init=4, random_state=seed).fit_predict(np.concatenate(curves))
    sizes = np.bincount(found, minlength=count)
    weights = torch.tensor(len(found) / (np.count_nonzero(sizes) * np.maximum(sizes, 1)))
    parts = np.split(found, np.cumsum([len(c) for c in curves])[:-1])
    device = cities[0].flow.device
    classes = {c.name: torch.tensor(p, dtype=torch.int64, device=device)
               for c, p in zip(cities, parts, strict=True)}  # fmt: skip
    return classes, weights.float().to(device)


def _weeks(city: CityFlow) -> np.ndarray:
    """[R, hours of a week]: mean of each valid cell, over training labels, in units of its mean."""
    step = int((city.time[1] - city.time[0]) / np.timedelta64(1, "m"))
    slots = torch.from_numpy(hour_of_week(city.time) // step).to(city.flow.device)
    flow = city.flow[city.train]
    table = mean_by_slot(flow, slots[city.train], 7 * 1440 // step)
    curves = table[:, 0].flatten(1)[:, city.cells()].T.cpu().double().numpy()
    return curves / np.maximum(curves.mean(1, keepdims=True), 1e-9)


def naming_loss(
    net: MemoryNet,
    z: Float[Tensor, "b region j"],
    classes: Int[Tensor, " region"],
    weights: Float[Tensor, " pattern"],
) -> Float[Tensor, ""]:
    """Cross-entropy of the attention against the cell's class, mean over windows and cells."""
    logits = net.memory(z)[0]
    wanted = classes.expand(len(z), -1).flatten()
    return F.cross_entropy(logits.flatten(0, 1), wanted, weights)


class Named(nn.Module):
    """A network and its loss in one call, so that other weights can be put under both."""

    def __init__(
        self,
        net: MemoryNet,
        classes: Mapping[str, Int[Tensor, " _region"]],
        weights: Float[Tensor, " pattern"],
        naming: float,
    ):
        super().__init__()
        self.net, self.classes, self.weights, self.naming = net, classes, weights, naming

    def forward(self, city: CityFlow, steps: Int[Tensor, " b"]) -> Float[Tensor, ""]:
        """Squared error plus `naming` times the loss that names the cells' classes."""
        guess, truth, z = forward(self.net, city, steps)
        named = naming_loss(self.net, z, self.classes[city.name], self.weights)
        return weighted_squared_error(guess, truth) + self.naming * named


def fit_memory(task: Task, settings: MetaSTSettings, seed: int, folder) -> FittedDirection:
    """One direction: meta-training with the memory, then the network alone on the target."""
    cities = list(require_sources(task))
    net, meta = MemoryNet(settings).to(task.device), settings.meta
    named = Named(net, *weekly_classes(cities, settings.patterns, seed), settings.naming)

    weights = {n: p for n, p in named.named_parameters() if n.startswith("net.network.")}

    def loss_of(city: CityFlow) -> Loss:
        return lambda moved, labels: with_weights(named, moved)(city, labels)

    def objective(city: CityFlow, steps: Int[Tensor, " b"]) -> Float[Tensor, ""]:
        return meta_loss(loss_of(city), weights, city, task.day, meta, settings.source.batch)

    def with_memory(moved: Weights) -> Network:
        return with_weights(net, {n.removeprefix("net."): w for n, w in moved.items()})

    def error(city: CityFlow) -> float:
        plan = settings.source
        return adapted_rmse(loss_of(city), weights, with_memory, city, task.day, meta, plan)

    learned = pretrain_on_sources(
        net, task, settings, seed, folder,
        objective=objective, error=error if meta.validate_adapted else None,
    )  # fmt: skip
    return finetune(learned, task, settings, seed, folder, groups=[net.network])


METHOD = direction_method("MetaST", MetaSTSettings, fit_memory, MemoryNet)
