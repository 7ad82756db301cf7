"""GPD: the networks of a new city's sensors are generated, not transferred.

Yuan et al., "Spatio-Temporal Few-Shot Learning via Diffusive Neural Network Generation" (ICLR
2024). The release learns its prompts elsewhere; here a sensor's prompt is the mean of its hours'
tokens, from masked pre-training as in TPB.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.baselines.gpd.diffusion import Diffusion, DiffusionSize, Scale
from stflow_lib.speedgraph.baselines.gpd.node_networks import (
    Neighbours,
    NodeNetworks,
    Vectors,
    initial_node_networks,
    neighbours,
    node_error,
)
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.patch_encoder import (
    PatchEncoder,
    PatchEncoderSize,
    patchify,
)
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.long_windows import long_sources, visible_window
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    finetuned_predictor,
    over_hours,
)
from stflow_lib.speedgraph.training.losses import count_batches
from stflow_lib.speedgraph.training.masked_pretraining import HOURS, hidden_error, pretrained
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Method, Predictor, require_sources

NODE = partial(stgcn.STGCNSize, 32, 8, 4)
NODES = partial(Training, epochs=50, epoch_steps=100, batch=64, halve_every=0, patience=10,
                precision="float32")  # fmt: skip
NOISE = partial(Training, epochs=400, epoch_steps=200, batch=64, learning_rate=8e-5,
                halve_every=0, precision="float32")  # fmt: skip


@dataclass(frozen=True)
class GPDSettings:
    """Hours, networks of source sensors, diffusion, networks of target sensors."""

    encoder: PatchEncoderSize = field(default_factory=PatchEncoderSize)
    sensors: int = 0  # of each window in a step of pre-training; 0: all
    hours: Training = field(default_factory=HOURS)
    days: int = 3  # whose mean is a prompt
    node: stgcn.STGCNSize | gwn.GWNSize = field(default_factory=NODE)
    near: int = 8  # neighbours that a sensor's network sees
    models: int = 0  # sensors of each source that get a network; 0: all
    nodes: Training = field(default_factory=NODES)
    diffusion: DiffusionSize = field(default_factory=DiffusionSize)
    noise: Training = field(default_factory=NOISE)
    target: Training = field(default_factory=FINETUNING)


def fit(task: Task, settings: GPDSettings, seed: int, folder: Path | None) -> Predictor:
    """Prompts, networks of the sources, diffusion; then the target's networks, generated and
    tuned. DataError without a source, and where the target has fewer days than prompts read."""
    require_sources(task)
    visible_window(task, settings.days)
    torch.manual_seed(seed)
    encoder, stages = encoded(task, settings, seed, folder)
    vectors, prompts, sizes = [], [], []
    for city in long_sources(task, settings.days):
        nodes, models, stages[f"nodes-{city.name}"] = learned(
            city, task, settings, seed, folder
        )
        vectors.append(models.vectors.detach())
        prompts.append(prompt(encoder, city.windows(city.train[-1:]))[nodes])
        sizes = [shape.numel() for shape in models.shapes.values()]
    own = prompt(encoder, visible_window(task, settings.days))
    made, stages["noise"] = generated(
        torch.cat(vectors), sizes, torch.cat(prompts), own, settings, seed, folder
    )
    models = NodeNetworks(initial_node_networks(task, settings.node, 1).frame[0], made)
    graphs = {task.target.name: around(task.target, torch.arange(len(made)), settings)}
    return finetuned_predictor(models, task, graphs, settings.target, seed, folder, stages)


def encoded(
    task: Task, settings: GPDSettings, seed: int, folder: Path | None
) -> tuple[PatchEncoder, dict[str, History]]:
    """An encoder of hours, learned on the sources' days."""
    encoder = PatchEncoder(60 // task.minutes, settings.encoder).to(task.device)
    error = partial(hidden_error, encoder, settings.hours.batch, settings.sensors)
    cities = long_sources(task, 1)
    history = pretrained(encoder, error, cities, settings.hours, seed, folder, "hours")
    return encoder.eval(), {"hours": history}


@torch.no_grad()
def prompt(
    encoder: PatchEncoder, x: Float[Tensor, "1 node lag feature"]
) -> Float[Tensor, "node width"]:
    """Mean of a sensor's tokens, day by day as the encoder knows them."""
    patch = encoder.embed.in_features
    days = x[0].unflatten(1, (-1, 24 * patch))
    hours, when = patchify(days, patch)
    return encoder(hours, encoder.places(when)).mean(1).unflatten(0, days.shape[:2]).mean(1)


def learned(
    city: CitySpeed, task: Task, settings: GPDSettings, seed: int, folder: Path | None
) -> tuple[Int[Tensor, " model"], NodeNetworks, History]:
    """Networks of a source's sensors, from common first weights; which sensors they are."""
    count = city.speed.shape[1]
    draw = torch.Generator().manual_seed(seed)
    nodes = torch.randperm(count, generator=draw)[: settings.models or count].sort().values
    near = around(city, nodes, settings)
    torch.manual_seed(seed)
    models = initial_node_networks(task, settings.node, len(nodes))
    short = next(c for c in task.sources if c.name == city.name)
    check = over_hours(short)
    models = count_batches(models, task)
    history = train(
        models, lambda steps: node_error(models, short, near, steps), short.train,
        lambda: {"valid_mae": node_error(models, short, near, check).item()},
        settings.nodes, seed=seed, stage=f"nodes-{city.name}", folder=folder,
    )  # fmt: skip
    return near.nodes, models, history


def around(city: CitySpeed, nodes: Int[Tensor, " model"], settings: GPDSettings) -> Neighbours:
    """Neighbours of sensors on the city's device."""
    nodes = nodes.to(city.weights.device)
    return neighbours(city.weights, nodes, settings.near, settings.node)


def generated(
    vectors: Vectors,
    sizes: list[int],
    prompts: Float[Tensor, "model width"],
    own: Float[Tensor, "node width"],
    settings: GPDSettings,
    seed: int,
    folder: Path | None,
) -> tuple[Float[Tensor, "node parameter"], History]:
    """Learn how networks follow from prompts; networks for the prompts `own`."""
    scale = Scale(vectors, sizes, settings.diffusion.token)
    clean, center, spread = scale.tokens(vectors), prompts.mean(0), prompts.std(0) + 1e-6
    prompts, own = (prompts - center) / spread, (own - center) / spread
    torch.manual_seed(seed)
    model = Diffusion(prompts.shape[1], settings.diffusion).to(vectors.device)

    def loss(rows: Tensor) -> Tensor:
        model.follow()
        return model.error(clean[rows], prompts[rows])

    def check() -> dict[str, float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return {"valid_error": model.error(clean, prompts).item()}

    rows = torch.arange(len(clean), device=clean.device)
    moving = lambda _: [*model.denoiser.parameters()]
    history = train(model, loss, rows, check, settings.noise, seed=seed, stage="noise",
                    folder=folder, trainable=moving)  # fmt: skip
    return scale.vectors(model.sampled(own, clean.shape[1], seed)), history


METHOD = Method("GPD", GPDSettings, partial(on_roads, "GPD", fit))
