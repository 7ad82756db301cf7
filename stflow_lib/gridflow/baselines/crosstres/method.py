"""CrossTReS: source cells weighted by how much they help the target (Jin et al., KDD 2022).

Three parts learn side by side: region embeddings, a scorer that turns them into weights of
source cells, and the network, which learns from weighted source cells. The scorer is taught by
looking ahead: weights are good if a few weighted steps lower the target's error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.baselines.crosstres.region_graphs import (
    VIEWS,
    CityGraphs,
    RegionEmbedding,
)
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.discrepancy import mean_discrepancy
from stflow_lib.gridflow.training.meta import Meta, Weights, adapted, with_weights
from stflow_lib.gridflow.training.schedule import (
    Schedule,
    fit_cities,
    forward,
    scaled_rmse,
    weighted_squared_error,
)
from stflow_lib.gridflow.training.transfer import (
    FittedDirection,
    TransferSettings,
    direction_method,
    finetune,
    on_sources,
    stnet,
)
from stflow_lib.training.method import require_sources


@dataclass(frozen=True)
class Selection:
    """How source cells are embedded, scored and weighted."""

    first: int = 80  # steps in which the embeddings learn alone, before all else
    near: int = 15  # most alike cells that are joined in a graph
    aligned: float = 2.0  # weight of the discrepancy and of the edge classifier
    sampled: int = 128  # cells of each city in the discrepancy, twice as many edges
    every: int = 9  # batches between two looks ahead; the released code has 20 in an epoch
    ahead: int = 3  # weighted source steps of a look ahead, then one on the target
    rate: float = 5e-5  # of these steps
    queries: int = 3  # target batches that judge them
    keep: float = 0.6  # of the old weights when an epoch ends, starting at 1
    shrink: float = 1e-3  # of the mean squared weight
    least: float = 0.005  # mean weight under which no later epoch is a candidate


@dataclass(frozen=True)
class CrossTReSSettings(TransferSettings):
    """Finetuned with selected source cells."""

    selection: Selection = field(default_factory=Selection)


class Scorer(nn.Module):
    """Embeddings of a source [R, D] and of the target [Q, D] -> weights [R] in [0, 1)."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 32))

    def forward(
        self, source: Float[Tensor, "r d"], target: Float[Tensor, "q d"]
    ) -> Float[Tensor, " r"]:
        """How much each source cell has to do with the target as a whole."""
        context = self.layers(target).mean(0).tanh()
        return (self.layers(source) @ context).tanh().relu()


class SelectiveTransfer(nn.Module):
    """All that learns, and the weights in use, which are kept with it."""

    def __init__(self, network: nn.Module, task: Task, settings: Selection):
        super().__init__()
        cities = {city.name: city for city in (*task.sources, task.target)}
        categories = len(task.target.poi) if task.target.poi is not None else 0
        self.settings, self.target = settings, task.target
        self.network, self.scorer = network, Scorer()
        self.graphs = nn.ModuleDict(
            {n: CityGraphs(c, settings.near) for n, c in cities.items()}
        )
        self.embedding = RegionEmbedding(categories)
        self.edges = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, len(VIEWS)))
        self.embedder = nn.ModuleList([self.embedding, self.edges])
        for number, city in enumerate(task.sources):
            self.register_buffer(f"weights_{number}", torch.ones(len(city.cells())))
        self.register_buffer("turn", torch.zeros((), dtype=torch.int64))
        self.numbers = {city.name: number for number, city in enumerate(task.sources)}

    def forward(
        self, x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
    ) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region width"]]:
        """The network's answer."""
        return self.network(x, cells)

    def weights(self, city: CityFlow) -> Float[Tensor, " region"]:
        """The smoothed weights of a source's valid cells."""
        return getattr(self, f"weights_{self.numbers[city.name]}")

    def every_weight(self) -> Float[Tensor, " regions"]:
        """The smoothed weights of all sources, one after another."""
        return torch.cat([getattr(self, f"weights_{n}") for n in self.numbers.values()])

    def scored(self, city: CityFlow) -> Float[Tensor, " region"]:
        """The scorer's present weights; embeddings get no gradient from it."""
        with torch.no_grad():
            pair = [self.embedding(self.graphs[n])[0] for n in (city.name, self.target.name)]
        return self.scorer(*pair)

    def loss(self, city: CityFlow, steps: Int[Tensor, " b"]) -> Float[Tensor, ""]:
        """Of one source batch: weighted error, embedding loss, now and then a look ahead."""
        guess, truth, _ = forward(self.network, city, steps)
        loss = weighted_squared_error(guess, truth, self.weights(city)) + self.embedding_loss(
            city
        )
        if self.turn % self.settings.every == 0:
            loss = loss + self.look_ahead(city, len(steps))
        self.turn += 1
        return loss

    def embedding_loss(self, city: CityFlow) -> Float[Tensor, ""]:
        """POI cosines rebuilt from products, discrepancy of the cities, kinds of edges named."""
        names, settings = (city.name, self.target.name), self.settings
        embedded = [self.embedding(self.graphs[name]) for name in names]
        loss, samples = 0.0, []
        for name, (fused, views) in zip(names, embedded, strict=True):
            poi = views[VIEWS.index("poi")]
            loss = loss + F.mse_loss(poi @ poi.T, self.graphs[name].alike)
            loss = loss + settings.aligned * self.edge_loss(fused, self.graphs[name].edges)
            samples.append(fused[torch.randperm(len(fused))[: settings.sampled]])
        return loss + settings.aligned * mean_discrepancy(*samples)

    def edge_loss(
        self, fused: Float[Tensor, "r d"], edges: Bool[Tensor, "view r r"]
    ) -> Float[Tensor, ""]:
        """In which views two random cells are joined, from their embeddings."""
        one, two = torch.randint(len(fused), (2, 2 * self.settings.sampled))
        guess = self.edges(torch.cat([fused[one], fused[two]], 1))
        return F.binary_cross_entropy_with_logits(guess, edges[:, one, two].T.float())

    def look_ahead(self, city: CityFlow, batch: int) -> Float[Tensor, ""]:
        """Target error after weighted source steps and one target step; moves the scorer only."""
        settings, omega = self.settings, self.scored(city)
        on_source = partial(self._error, city, omega)
        on_target = partial(self._error, self.target, 1.0)
        meta = Meta(rate=settings.rate)
        moved = {n: p.detach().requires_grad_() for n, p in self.network.named_parameters()}
        ahead = [draw(city, batch) for _ in range(settings.ahead)]
        moved = adapted(on_source, moved, ahead, meta)
        moved = adapted(on_target, moved, [draw(self.target, batch)], meta)
        judged = [on_target(moved, draw(self.target, batch)) for _ in range(settings.queries)]
        return sum(judged) / len(judged) + settings.shrink * omega.square().mean()

    def _error(
        self,
        city: CityFlow,
        omega: Float[Tensor, " region"] | float,
        weights: Weights,
        steps: Int[Tensor, " b"],
    ) -> Float[Tensor, ""]:
        """Weighted error of the network with other weights."""
        guess, truth, _ = forward(with_weights(self.network, weights), city, steps)
        return weighted_squared_error(guess, truth, omega)

    def end_epoch(self, sources: Sequence[CityFlow]) -> dict[str, float]:
        """Move the weights in use towards the scorer's; what they are now, for the log."""
        for city in sources:
            kept = self.weights(city)
            kept.lerp_(self.scored(city), 1 - self.settings.keep)
        every = self.every_weight()
        return {
            "weight_mean": every.mean().item(),
            "weight_std": every.std(correction=0).item(),
        }

    def error(self, plan: Schedule, city: CityFlow) -> float:
        """Validation error; infinite once the weights have died, where the released code stops."""
        alive = self.every_weight().mean() >= self.settings.least
        return scaled_rmse(self.network, city, plan) if alive else math.inf


def draw(city: CityFlow, batch: int) -> Int[Tensor, " b"]:
    """Random training labels."""
    return city.train[torch.randint(len(city.train), (batch,)).to(city.train.device)]


def fit_selected(task: Task, settings: CrossTReSSettings, seed: int, folder) -> FittedDirection:
    """One direction: weighted training on the sources, fine-tuning; DataError in zero-shot."""
    if not len(task.target.train):
        raise DataError(
            f"{task.target.name}: no training day, CrossTReS looks ahead on the target"
        )
    model = SelectiveTransfer(stnet(settings), task, settings.selection).to(task.device)
    embed_first(model, task, settings, seed, folder)
    groups = [model.network, model.embedder, model.scorer]
    history = on_sources(
        model, task, settings, seed, folder, objective=model.loss, groups=groups,
        error=partial(model.error, settings.source), log=lambda: model.end_epoch(task.sources),
    )  # fmt: skip
    return finetune(
        FittedDirection(model.network, {"source": history}), task, settings, seed, folder
    )


def embed_first(
    model: SelectiveTransfer, task: Task, settings: CrossTReSSettings, seed: int, folder
) -> None:
    """The steps that are the embeddings' alone, in one epoch at the sources' rate."""
    if settings.selection.first:
        plan = replace(settings.source, epochs=1, epoch_steps=settings.selection.first)
        fit_cities(
            model, require_sources(task), plan, seed=seed, stage="embed", folder=folder,
            objective=lambda city, _: model.embedding_loss(city), groups=[model.embedder],
        )  # fmt: skip


METHOD = direction_method("CrossTReS", CrossTReSSettings, fit_selected)
