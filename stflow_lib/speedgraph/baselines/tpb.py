"""TPB: a bank of traffic patterns, found on all cities, says what kind of day a sensor has.

Liu et al., "Cross-city Few-Shot Traffic Forecasting via Traffic Pattern Bank" (CIKM 2023): hours
are encoded by masked pre-training and clustered; a forecaster looks its last day up in the bank.
The road graph is not used.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Square
from stflow_lib.speedgraph.networks.patch_encoder import (
    Layers,
    PatchEncoder,
    PatchEncoderSize,
    patchify,
)
from stflow_lib.speedgraph.problem.long_windows import as_short_predictor, with_long_windows
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    finetuned_predictor,
    mean_error,
    restored,
    sample_steps,
    supports_by_city,
)
from stflow_lib.speedgraph.training.losses import count_batches, training_error
from stflow_lib.speedgraph.training.masked_pretraining import (
    HOURS,
    hidden_error,
    pretrained,
    sample_windows,
    training_cities,
)
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Method, Predictor, require_sources
from stflow_lib.training.surrogate import surrogate_value

DAYS = 1  # of a window
META = partial(Training, epochs=25, epoch_steps=20, batch=1, learning_rate=5e-4, halve_every=0,
               precision="float32")  # fmt: skip


@dataclass(frozen=True)
class TPBSettings:
    """Three stages and their sizes; `hours.batch` windows are in a step of pre-training."""

    encoder: PatchEncoderSize = field(default_factory=PatchEncoderSize)
    sensors: int = 0  # of each window in a step of pre-training; 0: all
    hours: Training = field(default_factory=HOURS)
    patterns: int = 10  # K; 5 for METR-LA
    bank_windows: int = 48  # of each city that go into the bank
    kept: float = 0.1  # share of their hours that are clustered
    wave: gwn.GWNSize = field(default_factory=gwn.GWNSize)
    heads: int = 2  # of the layer over the day
    inner: int = 3  # steps of an adaptation
    rate: float = 5e-4  # of these steps
    windows: int = 16  # in a batch of an adaptation
    meta: Training = field(default_factory=META)  # a step is an adaptation
    target: Training = field(default_factory=FINETUNING)


class Forecaster(nn.Module):
    """x [B, N, day, 2] -> scaled speeds [B, N, Q]; the bank [K, C] is fixed."""

    def __init__(self, bank: Float[Tensor, "pattern width"], task: Task, settings: TPBSettings):
        super().__init__()
        width, self.lags = bank.shape[1], task.protocol.lags
        self.patch, dropout = 60 // task.minutes, settings.encoder.dropout
        self.register_buffer("bank", bank)
        self.query = nn.Linear(self.patch, width)
        self.keys = nn.Parameter(torch.randn(width, len(bank)))
        self.day = Layers(width, settings.heads, 1, width, dropout)
        self.sender, self.receiver = (nn.Linear(width, width) for _ in "sr")
        self.wave = gwn.GraphWaveNet(1, width, 2, settings.wave)
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.Dropout(dropout), nn.ReLU(),
            nn.Linear(width, width), nn.Dropout(dropout), nn.ReLU(),
            nn.Linear(width, task.protocol.ahead),
        )  # fmt: skip

    def forward(self, x: NodeSeries, graph: tuple[()] = ()) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        kind = self.kind(x)
        alike = self.alike(kind)
        own = self.wave(x[:, :, -self.lags :, :1], (alike, alike.transpose(1, 2)))
        return self.head(torch.cat([own, kind], 2))

    def operators(self, weights: Square) -> tuple[()]:
        """Nothing of the roads."""
        return ()

    def kind(self, x: NodeSeries) -> Float[Tensor, "b node width"]:
        """What the last day says: each hour as a mixture of patterns, read by one layer."""
        hours, _ = patchify(x, self.patch)
        tokens = (self.query(hours) @ self.keys).softmax(2) @ self.bank
        return self.day.last(tokens).unflatten(0, x.shape[:2])

    def alike(self, kind: Float[Tensor, "b node width"]) -> Float[Tensor, "b node node"]:
        """A graph of each window: softmax of products of the two maps, over width^(1/4)."""
        scores = self.sender(kind) @ self.receiver(kind).transpose(1, 2)
        return (scores / kind.shape[2] ** 0.25).softmax(2)


def fit(task: Task, settings: TPBSettings, seed: int, folder: Path | None) -> Predictor:
    """Hours, bank, meta-training on sources, the target's days; DataError without a source."""
    require_sources(task)
    task = with_long_windows(task, DAYS)
    torch.manual_seed(seed)
    encoder = PatchEncoder(60 // task.minutes, settings.encoder).to(task.device)
    error = partial(hidden_error, encoder, settings.hours.batch, settings.sensors)
    cities = training_cities(task)
    stages = {
        "hours": pretrained(encoder, error, cities, settings.hours, seed, folder, "hours")
    }
    bank = pattern_bank(encoder, task, settings, seed)
    network = count_batches(Forecaster(bank, task, settings), task).to(task.device)
    graphs = supports_by_city(network, task)
    stages["meta"] = meta_train(network, task, graphs, settings, seed, folder)
    return as_short_predictor(
        finetuned_predictor(network, task, graphs, settings.target, seed, folder, stages), DAYS
    )


@torch.no_grad()
def pattern_bank(
    encoder: PatchEncoder, task: Task, settings: TPBSettings, seed: int
) -> Float[Tensor, "pattern width"]:
    """Means of clusters of hours, by the angle between their tokens; the target has its part."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = torch.cat([_tokens(encoder.eval(), c, settings) for c in training_cities(task)])
    units = nn.functional.normalize(found, dim=1).cpu().numpy()
    from sklearn.cluster import KMeans  # slow to import, and nothing else here needs it

    labels = KMeans(settings.patterns, n_init=4, random_state=seed).fit(units).labels_
    labels = torch.from_numpy(labels).to(found.device)
    return torch.stack([found[labels == k].mean(0) for k in range(settings.patterns)])


def _tokens(encoder: PatchEncoder, city, settings: TPBSettings) -> Float[Tensor, "hour width"]:
    """A random share of the hours of random windows, encoded; window by window."""
    parts = []
    for _ in range(settings.bank_windows):
        x, _ = sample_windows(city, city.train, 1, settings.sensors)
        hours, when = patchify(x, encoder.embed.in_features)
        tokens = encoder(hours, encoder.places(when)).flatten(0, 1)
        share = max(int(settings.kept * len(tokens)), 1)
        parts.append(tokens[torch.randperm(len(tokens))[:share].to(tokens.device)])
    return torch.cat(parts)


def meta_train(
    network: nn.Module,
    task: Task,
    graphs: dict,
    settings: TPBSettings,
    seed: int,
    folder: Path | None,
) -> History:
    """Meta-training; the mean error of the sources' validation windows chooses the epoch."""
    loss = lambda batch: adapted_error(network, task, graphs, settings)
    check = lambda: {"valid_mae": mean_error(network, task.sources, graphs)}
    samples = torch.arange(settings.meta.batch, device=task.device)
    return train(network, loss, samples, check, settings.meta, seed=seed, stage="meta",
                 folder=folder)  # fmt: skip


def adapted_error(
    network: nn.Module, task: Task, graphs: dict, settings: TPBSettings
) -> Float[Tensor, ""]:
    """Mean error on fresh windows after each step of an adaptation to a drawn source.

    Its gradient is that with respect to the adapted weights (first order), as in the release;
    which takes plain steps along it, where this trainer's Adam takes them here.
    """
    city = task.sources[int(torch.randint(len(task.sources), ()))]
    copy, values, total = deepcopy(network), [], None
    adam = torch.optim.Adam(copy.parameters(), lr=settings.rate)
    for _ in range(settings.inner):
        adam.zero_grad()
        training_error(copy, city, graphs, sample_steps(city, settings.windows)).backward()
        adam.step()
        value = training_error(copy, city, graphs, sample_steps(city, settings.windows))
        gradient = torch.autograd.grad(value, [*copy.parameters()])
        total = (
            gradient if total is None else [a + b for a, b in zip(total, gradient, strict=True)]
        )
        values.append(value.detach())
    for own, led in zip(network.buffers(), copy.buffers(), strict=True):
        own.copy_(led)
    moved = [g / settings.inner for g in total]
    return surrogate_value(torch.stack(values).mean(), [*network.parameters()], moved)


def again(form: dict, settings: TPBSettings, learned: dict) -> Predictor:
    """The predictor with the weights that it had learned, the bank among them."""
    build = lambda task, own: Forecaster(torch.zeros_like(learned["bank"]).cpu(), task, own)
    return as_short_predictor(restored(build, form, settings, learned), DAYS)


METHOD = Method("TPB", TPBSettings, fit, again, anywhere=True)
