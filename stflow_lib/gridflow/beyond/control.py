"""A positive control for balancing: when must weights of rare kinds of regions win?

If each kind of region obeys the same law in both cities, the kinds conflict, and the model is too
small to tell them apart, then the target's risk falls as the source's weights move towards the
target's shares. Here all of this holds: the cells of one simulated city, of two kinds, are
split so that what is rare in the source is common in the target.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from stflow_lib.data import simulate
from stflow_lib.gridflow.baselines.linear import (
    CHUNK,
    HOURS,
    LinearSettings,
    Rule,
    design,
    last_value,
    shrunk,
    slots_of,
)
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.regions import poi_shares
from stflow_lib.gridflow.problem.task import Task, make_task
from stflow_lib.gridflow.stbat.method import STBaTSettings
from stflow_lib.gridflow.stbat.riam import RIAM
from stflow_lib.gridflow.training.schedule import Network, forward, weighted_squared_error
from stflow_lib.gridflow.training.transfer import (
    FittedDirection,
    TransferSettings,
    on_sources,
)

KINDS = ("residential", "office")  # the first is common in the source, the second in the target
WEIGHTS = ("none", "RIAM", "counts", "oracle")
PLAIN = LinearSettings()
RIAM_STEPS = 500  # of the pattern autoencoder, from POI alone


@dataclass(frozen=True)
class Split:
    """How many cells of the common and of the rare kind a city has."""

    common: int = 20
    rare: int = 2

    def weights(self, name: str) -> tuple[float, float]:
        """Of a cell of the source's common and rare kind, with mean 1 over its cells.

        "counts": both kinds weigh the same; "oracle": they weigh what they do in the target.
        """
        common, rare = {
            "counts": (1 / self.common, 1 / self.rare),
            "oracle": (self.rare / self.common, self.common / self.rare),
        }[name]
        mean = (self.common * common + self.rare * rare) / (self.common + self.rare)
        return common / mean, rare / mean


def control_task(seed: int, days: int = 0, split: Split = Split()) -> Task:
    """A city of two kinds of regions as source and as target, with cells of its own each.

    `kinds` is 0 for the kind that is common in the source, 1 for the other, -1 for cells of
    neither city.
    """
    city, truth = simulate.simulate_grid(
        seed=seed, name=f"control-{seed}", type_shares=dict.fromkeys(KINDS, 0.5)
    )
    kind = torch.from_numpy(truth["type"].values.astype("int64"))
    first, second = (simulate.TYPES.index(name) for name in KINDS)
    source, target = _drawn((kind == first, kind == second), split, seed)
    task = make_task(city, [city.assign_attrs(name=f"control-{seed}-source")], "P60", days=days)
    kinds = torch.where(kind == first, 0, 1).masked_fill(~(source | target), -1)
    lender = _with_cells(task.sources[0], source)
    return replace(
        task, target=_with_cells(task.target, target), sources=(lender,), kinds=kinds
    )


def _drawn(
    kinds: tuple[Bool[Tensor, "row col"], Bool[Tensor, "row col"]], split: Split, seed: int
) -> tuple[Bool[Tensor, "row col"], Bool[Tensor, "row col"]]:
    """Cells of the source and of the target, none of both, drawn at random."""
    random = torch.Generator().manual_seed(seed)
    masks = torch.zeros(2, kinds[0].numel(), dtype=torch.bool)
    for counts, cells in zip(((split.common, split.rare), (split.rare, split.common)), kinds,
                             strict=True):  # fmt: skip
        drawn = cells.flatten().nonzero()[:, 0]
        drawn = drawn[torch.randperm(len(drawn), generator=random)]
        for mask, own in zip(masks, drawn[: sum(counts)].split(counts), strict=True):
            mask[own] = True
    return masks[0].view_as(kinds[0]), masks[1].view_as(kinds[0])


def _with_cells(city: CityFlow, cells: Bool[Tensor, "row col"]) -> CityFlow:
    return replace(city, mask=city.mask & cells.to(city.mask.device))


def source_weights(
    task: Task, name: str, seed: int, split: Split = Split()
) -> Float[Tensor, " region"]:
    """Weights [R] of the valid cells of a one-direction task's source, with mean 1.

    "shares": see `target_shares`; "RIAM": the density weights of regions' patterns, which the
    autoencoder has learned from POI alone (Eqs. 1 to 7 without the network's features).
    """
    city = task.sources[0]
    if name == "none":
        weights = torch.ones(len(city.cells()))
    elif name == "RIAM":
        weights = riam_weights(poi_shares(city.poi, city.mask[0]), seed)
    elif name == "shares":
        weights = target_shares(task)
    else:
        common, rare = split.weights(name)
        weights = torch.where(task.kinds[city.mask[0]] == 1, rare, common)
    return weights / weights.mean()


def target_shares(task: Task) -> Float[Tensor, " region"]:
    """Weights of the source's valid cells with which each kind weighs what it does in the target.

    The kind of a cell is its largest group of POI, in the target `task.kinds`: an oracle, since
    no method is told those. Cells without POI are a kind of their own. Kinds that the target
    lacks weigh nothing; the mean is 1.
    """
    city, own = task.sources[0], task.kinds[task.target.mask[0]]
    shares = poi_shares(city.poi, city.mask[0])
    bare = shares.shape[1]  # the kind of cells without POI
    theirs = torch.where(shares.sum(1) > 0, shares.argmax(1), bare)
    source, target = (kinds.bincount(minlength=bare + 1) / len(kinds)
                      for kinds in (theirs, torch.where(own >= 0, own, bare)))  # fmt: skip
    weights = (target / source.clamp_min(1e-12))[theirs]
    return weights / weights.mean()


def riam_weights(
    shares: Float[Tensor, "region category"], seed: int
) -> Float[Tensor, " region"]:
    """Omega of a pattern autoencoder that learned these shares."""
    torch.manual_seed(seed)
    settings = replace(STBaTSettings().patterns, use_distribution=False)
    riam = RIAM(shares.shape[1], 1, settings)
    adam = torch.optim.Adam(riam.parameters(), lr=1e-3)
    still = shares.new_zeros(len(shares), 1)
    for _ in range(RIAM_STEPS):
        adam.zero_grad()
        riam.loss(shares, still, still + 1)["loss"].backward()
        adam.step()
    return riam.balance(shares)[0].detach()


def weighted_line(
    task: Task, weights: Float[Tensor, " region"], settings: LinearSettings = PLAIN
) -> Rule:
    """`linear.fit_rule` of a one-direction task, with weights for the source's cells.

    The same weights hold for the labels that choose. With weights 1 it is `fit_rule`.
    """
    prior = Rule(last_value(HOURS if settings.by_hour else 1, task.target))
    (city,) = task.sources
    gram, moment = weighted_moments(prior, city, weights)
    unit = gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp_min(1e-12)
    tried = [prior]
    for strength in settings.strengths:
        held = gram + strength * unit * torch.eye(gram.shape[1]).to(gram)
        tried.append(Rule(prior.weights + torch.linalg.solve(held, moment)))
    rule = min(tried, key=lambda one: weighted_error(one, city, weights))
    if len(task.target.train):
        rule = shrunk(rule, (task.target,), settings.strengths, "target")
    return rule


def weighted_moments(
    prior: Rule, city: CityFlow, weights: Float[Tensor, " region"]
) -> tuple[Float[Tensor, "slot feature feature"], Float[Tensor, "slot feature"]]:
    """Weighted sums of x x^T and of x (y - prior) over the training labels, slot by slot."""
    slots, features = prior.weights.shape
    gram = prior.weights.new_zeros(slots, features, features)
    moment = torch.zeros_like(prior.weights)
    for steps in city.train.split(CHUNK):
        x, own = design(city, steps), slots_of(city, steps, slots)
        left = (city.labels(steps).double() - prior(city, steps)) * weights
        heavy = x * weights.double()[:, None]
        gram.index_add_(0, own, torch.einsum("brf,brg->bfg", x, heavy))
        moment.index_add_(0, own, torch.einsum("brf,br->bf", x, left))
    return gram, moment


def weighted_error(rule: Rule, city: CityFlow, weights: Float[Tensor, " region"]) -> float:
    """Weighted mean squared error of the validation labels, scaled."""
    off = [(rule(city, s) - city.labels(s)).square() @ weights.double()
           for s in city.valid.split(CHUNK)]  # fmt: skip
    return torch.cat(off).mean().item()


def weighted_network(
    build: Callable[[TransferSettings], nn.Module],
    task: Task,
    weights: Float[Tensor, " region"],
    settings: TransferSettings,
    seed: int,
    folder: Path | None = None,
) -> FittedDirection:
    """`build(settings)` of a one-direction task after the source, whose cells are weighed.

    The epoch is chosen by the error with the same weights.
    """
    torch.manual_seed(seed)
    network = build(settings)
    off = lambda city, steps: weighted_squared_error(
        *forward(network, city, steps)[:2], weights
    )
    chosen = settings.source.validation
    error = lambda city: weighted_rmse(network, city, chosen(city.valid), weights)
    history = on_sources(network, task, settings, seed, folder, objective=off, error=error)
    return FittedDirection(network, {"source": history})


def weighted_rmse(
    network: Network,
    city: CityFlow,
    steps: Int[Tensor, " s"],
    weights: Float[Tensor, " region"],
) -> float:
    """Root of the weighted mean squared error at label steps, scaled."""
    parts = [forward(network, city, some)[:2] for some in steps.split(CHUNK)]
    off = torch.cat([(guess - truth).square() @ weights for guess, truth in parts])
    return off.mean().sqrt().item()
