"""TransGTR: a graph of its own for each city, made by a generator that cities share.

Jin et al., "Transferable Graph Structure Learning for Graph-based Traffic Forecasting Across
Cities" (KDD 2023). The release has one source; here a source is drawn in each step. The road
graph is not used.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.baselines.transgtr.distillation import DAY, Student, distil
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Square
from stflow_lib.speedgraph.networks.patch_encoder import PatchEncoderSize, patchify
from stflow_lib.speedgraph.problem.long_windows import (
    as_short_predictor,
    long_sources,
    visible_window,
    with_long_windows,
)
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    finetuned_predictor,
    mean_error,
    sample_steps,
)
from stflow_lib.speedgraph.training.losses import count_batches, penalty
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Method, Predictor, require_sources

DAYS = 1  # of a forecaster's window, of which the student reads all and the network 12 steps
PATCHES = partial(PatchEncoderSize, width=96, hidden=384, norms=True)
WAVE = partial(gwn.GWNSize, norm="none")
HOURS = partial(Training, epochs=50, epoch_steps=100, batch=16, learning_rate=5e-4,
                halve_every=0, precision="float32")  # fmt: skip
SliceTokens = Float[Tensor, "node slice patch width"]
SOURCE = partial(Training, epochs=50, epoch_steps=100, batch=64, learning_rate=5e-4,
                 halve_every=0, precision="float32")  # fmt: skip


@dataclass(frozen=True)
class TransGTRSettings:
    """Teacher, student, generator and forecaster; the release's sizes."""

    encoder: PatchEncoderSize = field(default_factory=PATCHES)
    teacher_days: int = 7  # that the teacher reads
    slice_days: int = 3  # that the student reads, and a slice for the graph has
    sensors: int = 0  # of each window in a step of both; 0: all
    teacher: Training = field(default_factory=HOURS)
    student: Training = field(default_factory=HOURS)
    slices: int = 10  # of a source that its graph is made of
    kernel: int = 12  # patches that each of two convolutions joins, with stride 2
    pair: int = 96  # hidden width for a pair of sensors
    temperature: float = 0.5  # of the choice of edges
    told: int = 512  # hidden width behind the student's last token
    wave: gwn.GWNSize = field(default_factory=WAVE)
    edges: float = 0.1  # weight of the squared share of edges
    alike: float = 1e-3  # weight of the distance between cities' features
    matched: int = 16  # sensors whose features are compared
    source: Training = field(default_factory=SOURCE)
    target: Training = field(default_factory=FINETUNING)


class Generator(nn.Module):
    """Tokens of slices [N, S, P, C] -> a graph [N, N] of zeros and ones; 405,986 parameters."""

    def __init__(self, settings: TransGTRSettings):
        super().__init__()
        width, count = settings.encoder.width, settings.slice_days * DAY
        for _ in range(2):
            count = (count - settings.kernel) // 2 + 1
        if count < 1:
            raise ValueError(f"kernel {settings.kernel}: two joins leave nothing of a slice")
        self.temperature = settings.temperature
        self.join = nn.Sequential(
            nn.Conv1d(width, width, settings.kernel, 2), nn.ReLU(),
            nn.Conv1d(width, width, settings.kernel, 2), nn.ReLU(),
        )  # fmt: skip
        self.sender = nn.Linear(count * width, settings.pair)
        self.receiver = nn.Linear(count * width, settings.pair, bias=False)
        self.choose = nn.Linear(settings.pair, 2)

    def forward(self, tokens: SliceTokens) -> Square:
        """The graph, without loops."""
        joined = self.join(tokens.flatten(0, 1).transpose(1, 2))
        nodes = joined.unflatten(0, tokens.shape[:2]).mean(1).flatten(1)
        pairs = (self.sender(nodes)[:, None] + self.receiver(nodes)[None]).relu()
        chosen = self.chosen(self.choose(pairs))
        return chosen * (1 - torch.eye(len(nodes), device=nodes.device))

    def chosen(self, scores: Float[Tensor, "node node 2"]) -> Square:
        """The first of two, drawn while learning (straight-through), the larger one after."""
        if self.training:
            return F.gumbel_softmax(scores, self.temperature, hard=True)[..., 0]
        return (scores[..., 0] > scores[..., 1]).to(scores.dtype)


class Forecaster(nn.Module):
    """x [B, N, day, 2], tokens of the city's slices -> scaled speeds [B, N, Q].

    `student` stays as it is and is no part of the parameters.
    """

    def __init__(self, student: Student, task: Task, settings: TransGTRSettings):
        super().__init__()
        self.frozen, self.lags = (student,), task.protocol.lags
        self.first = (settings.slice_days - DAYS) * DAY  # the last day's place in a slice
        self.generator = Generator(settings)
        self.wave = gwn.GraphWaveNet(2, task.protocol.ahead, 2, settings.wave)
        self.head, self.wave.head = self.wave.head, nn.Identity()
        self.told = nn.Sequential(
            nn.Linear(settings.encoder.width, settings.told), nn.ReLU(),
            nn.Linear(settings.told, settings.wave.skip), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: NodeSeries, tokens: SliceTokens) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds, on the graph that is made for the city."""
        return self.on_graph(x, self.generator(tokens))

    def on_graph(self, x: NodeSeries, graph: Square) -> Float[Tensor, "b node ahead"]:
        """With the graph given; its rows, a loop added, sum to 1."""
        looped = graph + torch.eye(len(graph), device=graph.device)
        walk = looped / looped.sum(1, keepdim=True)
        late = x[:, :, -self.lags :]
        late = torch.stack([late[..., 0], late[..., 1] % 24 / 24], 3)
        return self.head(self.wave(late, (walk, walk.T)) + self.told(self.last_token(x)))

    @torch.no_grad()
    def last_token(self, x: NodeSeries) -> Float[Tensor, "b node width"]:
        """What the student says of the newest hour."""
        (student,) = self.frozen
        hours, when = patchify(x, student.embed.in_features)
        return student.last(hours, student.marks(when, self.first)).unflatten(0, x.shape[:2])


class TemporalReconstructors(nn.Module):
    """What of a layer's features time alone explains, layer by layer; the rest is compared."""

    def __init__(self, wave: gwn.GraphWaveNet, channels: int):
        super().__init__()
        spatial = [layer for layer in wave.layers if layer.diffuse is not None]
        self.maps = nn.ModuleList([nn.Linear(channels, channels) for _ in spatial])
        self.channels, self.heard = channels, []
        self.ears = [layer.diffuse.register_forward_hook(self.hear) for layer in spatial]

    def hear(
        self,
        module: nn.Module,
        inputs: tuple[Float[Tensor, "b node lag wide"]],
        output: Float[Tensor, "b node lag channel"],
    ) -> None:
        """Keep a layer's features before and after its walks, at the last step."""
        self.heard.append((inputs[0][:, :, -1, : self.channels], output[:, :, -1]))

    def taken(self) -> tuple[list[Float[Tensor, "row channel"]], Float[Tensor, ""]]:
        """Rests of all layers heard since, and the maps' own squared error."""
        heard, self.heard = self.heard, []
        rests, own = [], 0.0
        for line, (time, both) in zip(self.maps, heard, strict=True):
            own = own + F.mse_loss(line(time.detach()), both.detach())
            with torch.no_grad():
                plain = line(time)
            rests.append((both - plain).flatten(0, 1))
        return rests, own


def distance(one: Float[Tensor, "n c"], two: Float[Tensor, "m c"]) -> Float[Tensor, ""]:
    """Squared distance of means, and of covariances."""
    gap = (one.mean(0) - two.mean(0)).square().mean()
    return gap + (one.T.cov(correction=0) - two.T.cov(correction=0)).square().mean()


def fit(task: Task, settings: TransGTRSettings, seed: int, folder: Path | None) -> Predictor:
    """Teacher, student, sources, target. DataError without a source, and without the days that
    the student reads: the target's graph is made of them."""
    require_sources(task)
    visible_window(task, settings.slice_days)
    torch.manual_seed(seed)
    student, stages = distil(
        task, settings.encoder, (settings.teacher_days, settings.slice_days),
        (settings.teacher, settings.student), settings.sensors, seed, folder,
    )  # fmt: skip
    graphs = slices(student, task, settings, seed)
    task = with_long_windows(task, DAYS)
    network = count_batches(Forecaster(student, task, settings), task).to(task.device)
    stages["source"] = on_sources(network, task, graphs, settings, seed, folder)
    return as_short_predictor(
        finetuned_predictor(network, task, graphs, settings.target, seed, folder, stages), DAYS
    )


@torch.no_grad()
def slices(
    student: Student, task: Task, settings: TransGTRSettings, seed: int
) -> dict[str, Float[Tensor, "_ _ patch width"]]:
    """The student's tokens of each city: drawn slices of a source, the target's only one."""
    patch = student.embed.in_features
    hours, when = patchify(visible_window(task, settings.slice_days), patch)
    found = {task.target.name: student(hours, student.marks(when))[:, None]}
    draw = torch.Generator().manual_seed(seed)
    for city in long_sources(task, settings.slice_days):
        some = torch.randint(len(city.train), (settings.slices,), generator=draw)
        parts = [patchify(city.windows(city.train[[k]]), patch) for k in some.tolist()]
        found[city.name] = torch.stack([student(h, student.marks(w)) for h, w in parts], 1)
    return found


def on_sources(
    network: Forecaster,
    task: Task,
    graphs: dict,
    settings: TransGTRSettings,
    seed: int,
    folder: Path | None,
) -> History:
    """Error on a drawn source, few edges, and features of two cities that are alike."""
    both = nn.ModuleDict({"network": network, "maps": TemporalReconstructors(
        network.wave, settings.wave.channels)}).to(task.device)  # fmt: skip
    loss = lambda batch: source_error(both, task, graphs, settings)

    def check() -> dict[str, float]:
        error = mean_error(network, task.sources, graphs)
        both["maps"].heard.clear()
        return {"valid_mae": error}

    samples = torch.arange(settings.source.batch, device=task.device)
    history = train(both, loss, samples, check, settings.source, seed=seed, stage="source",
                    folder=folder)  # fmt: skip
    for ear in both["maps"].ears:
        ear.remove()
    return history


def source_error(
    both: nn.ModuleDict, task: Task, graphs: dict, settings: TransGTRSettings
) -> Float[Tensor, ""]:
    """MAE + edges * (share of edges)^2 + alike * distance of rests + the maps' own error."""
    network, maps = both["network"], both["maps"]
    city = task.sources[int(torch.randint(len(task.sources), ()))]
    graph = network.generator(graphs[city.name])
    steps = sample_steps(city, settings.source.batch)
    truth, seen = city.scaled_labels(steps)
    off = torch.where(seen, network.on_graph(city.windows(steps), graph) - truth, 0.0)
    error = penalty(network, city, off).sum() / seen.sum().clamp_min(1)
    theirs, own = maps.taken()
    network(
        task.target.windows(sample_steps(task.target, len(steps))), graphs[task.target.name]
    )
    ours, ours_own = maps.taken()
    apart = sum(distance(*_some(a, b, settings.matched * len(steps)))
                for a, b in zip(theirs, ours, strict=True))  # fmt: skip
    return (
        error + settings.edges * graph.mean().square() + settings.alike * apart + own + ours_own
    )


def _some(one: Tensor, two: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Rows drawn from both."""
    return tuple(rows[torch.randperm(len(rows))[:count].to(rows.device)] for rows in (one, two))


METHOD = Method("TransGTR", TransGTRSettings, fit)
