"""Long windows cut into hours, and a Transformer that fills in hidden hours.

What TPB, STGP and TransGTR share: a series before a label step as patches (tokens) of an hour,
and masked pre-training on them (Nie et al. 2023; Shao et al., "STEP", KDD 2022).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.schema import DataError
from stflow_lib.fit import History, Predictor, Training, train
from stflow_lib.speedgraph.city import CitySpeed
from stflow_lib.speedgraph.task import Task

WEEK = 168  # hours

Patches = Float[Tensor, "row patch step"]
Tokens = Float[Tensor, "row patch width"]


@dataclass(frozen=True, kw_only=True)
class LongCity(CitySpeed):
    """A city whose windows reach far back and know the hour of the week.

    hours [T]: hours since the midnight before Monday, 0 to 168.
    """

    hours: Float[Tensor, " time"]

    def windows(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node lag feature"]:
        """Scaled speed and hour of the week of the `lags` steps before each first label step."""
        rows = steps[:, None] + torch.arange(-self.lags, 0, device=steps.device)
        speed = self.scaled[rows].transpose(1, 2)
        return torch.stack([speed, self.hours[rows][:, None].expand_as(speed)], 3)


def lengthened(task: Task, days: int) -> Task:
    """The same transfer with windows of whole days; only those inside what may be seen stay.

    DataError where the target's days hold none, though some may be learned from, or a source
    holds none.
    """
    target = long_city(task.target, days * 1440 // task.minutes)
    if len(task.target.known) and not (len(target.train) and len(target.valid)):
        raise DataError(
            f"{target.name}: {task.days} days hold no window with {days} days before it"
        )
    return replace(task, target=target, sources=long_sources(task, days))


def long_sources(task: Task, days: int) -> tuple[LongCity, ...]:
    """The sources with windows of whole days; DataError where one holds none."""
    cities = tuple(long_city(city, days * 1440 // task.minutes) for city in task.sources)
    for city in cities:
        if not (len(city.train) and len(city.valid)):
            raise DataError(f"{city.name}: no window with {days} days before it")
    return cities


def long_city(city: CitySpeed, lags: int) -> LongCity:
    """A city with windows of `lags` steps; those that begin before what may be seen fall away."""
    first = int(city.known[0]) - city.lags + lags if len(city.known) else lags
    since = city.time - np.datetime64("2024-01-01")  # a Monday
    hours = (since / np.timedelta64(1, "m") / 60) % WEEK
    parts = {n: part[part >= first] for n in _PARTS for part in [getattr(city, n)]}
    kept = {f.name: getattr(city, f.name) for f in fields(CitySpeed)} | parts | {"lags": lags}
    hours = torch.from_numpy(hours.astype(np.float32)).to(city.speed.device)
    return LongCity(**kept, hours=hours)


_PARTS = ("known", "train", "valid")


def visible(task: Task, days: int) -> Float[Tensor, "1 node lag feature"]:
    """The last `days` of the target that may be seen, as one window; DataError if they are fewer.

    Labels are no part of it, so its newest steps are those that choose among epochs.
    """
    if not 0 < days <= task.days:
        raise DataError(f"{task.target.name}: {task.days} days may be seen, {days} are read")
    city = task.target
    end = torch.tensor([int(city.known[-1]) + city.ahead], device=task.device)
    return long_city(city, days * 1440 // task.minutes).windows(end)


def on_long(predictor: Predictor, days: int) -> Predictor:
    """A predictor of lengthened tasks as one of the tasks they come from."""
    inner = predictor.predict
    return replace(predictor, predict=lambda task, steps: inner(lengthened(task, days), steps))


@dataclass(frozen=True)
class Size:
    """A masked patch encoder; the defaults are TPB's."""

    width: int = 128
    heads: int = 4
    layers: int = 4
    hidden: int = 512  # of the feed-forward part
    decoder_layers: int = 1
    places: int = 1000  # rows of the table of positions
    hide: float = 0.75  # share of patches hidden
    norms: bool = False  # a LayerNorm behind encoder and decoder
    dropout: float = 0.1


class PatchEncoder(nn.Module):
    """Patches of a series -> tokens, and back where patches are hidden.

    1,139,212 parameters for TPB's sizes, 667,404 for TransGTR's teacher, with patches of 12.
    """

    def __init__(self, patch: int, size: Size):
        super().__init__()
        self.size, width = size, size.width
        self.embed = nn.Linear(patch, width)
        self.places = nn.Embedding(size.places, width)
        self.encoder = Layers(width, size.heads, size.layers, size.hidden, size.dropout)
        self.bridge = nn.Linear(width, width)
        self.hidden = nn.Parameter(torch.empty(width))
        self.decoder = Layers(width, size.heads, size.decoder_layers, size.hidden, size.dropout)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2 * size.norms)])
        self.out = nn.Linear(width, patch)
        nn.init.uniform_(self.places.weight, -0.02, 0.02)
        nn.init.trunc_normal_(self.hidden, std=0.02)

    def forward(self, x: Patches, marks: Tokens) -> Tokens:
        """Tokens of patches [R, P, S]; `marks` [R or 1, P, C] say where they are."""
        tokens = self.encoder(self.embed(x) + marks)
        return self.norms[0](tokens) if self.norms else tokens

    def last(self, x: Patches, marks: Tokens) -> Float[Tensor, "row width"]:
        """The token of the newest patch."""
        token = self.encoder.last(self.embed(x) + marks)
        return self.norms[0](token) if self.norms else token

    def filled(self, x: Patches, marks: Tokens) -> tuple[Patches, Int[Tensor, " hidden"]]:
        """Hidden patches as guessed [R, H, S], and which they are; the same in every row."""
        hidden, shown = split(x.shape[1], self.size.hide, x.device)
        marks = marks.expand(len(x), -1, -1)
        seen = self.bridge(self(x[:, shown], marks[:, shown]))
        tokens = self.decoder(torch.cat([seen, self.hidden + marks[:, hidden]], 1))
        tokens = tokens[:, len(shown) :]
        return self.out(self.norms[1](tokens) if self.norms else tokens), hidden


class Layers(nn.TransformerEncoder):
    """Transformer layers on inputs times sqrt(width), as all three releases have them."""

    def __init__(self, width: int, heads: int, count: int, hidden: int, dropout: float):
        layer = nn.TransformerEncoderLayer(width, heads, hidden, dropout, batch_first=True)
        super().__init__(layer, count, enable_nested_tensor=False)
        self.scale = math.sqrt(width)
        for parameter in self.parameters():  # layers are copies of one: each its own start
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x: Tokens) -> Tokens:
        return super().forward(x * self.scale)

    def last(self, x: Tokens) -> Float[Tensor, "row width"]:
        """The last token alone, for which the last layer need not work out the others."""
        x = x * self.scale
        for layer in self.layers[:-1]:
            x = layer(x)
        layer, own = self.layers[-1], x[:, -1:]
        heard, _ = layer.self_attn(own, x, x, need_weights=False)
        own = layer.norm1(own + layer.dropout1(heard))
        wide = layer.linear2(layer.dropout(layer.activation(layer.linear1(own))))
        return layer.norm2(own + layer.dropout2(wide))[:, 0]


def split(count: int, share: float, device=None) -> tuple[Tensor, Tensor]:
    """Which of `count` are hidden and which shown, both in order and neither empty."""
    order = torch.randperm(count).to(device)
    hide = min(max(int(count * share), 1), count - 1)
    return order[:hide].sort().values, order[hide:].sort().values


def cut(x: Float[Tensor, "b node lag feature"], patch: int) -> tuple[Patches, Tensor]:
    """Speeds of windows as patches [B * N, P, S], and each patch's hour of the week [B * N, P]."""
    rows = x.flatten(0, 1).unflatten(1, (-1, patch))
    return rows[..., 0], rows[..., 0, 1].long() % WEEK


# (city, first label steps to draw from) -> what is minimised, a scalar
Error = Callable[[CitySpeed, Tensor], Tensor]


def drawn_windows(
    city: CitySpeed, steps: Int[Tensor, " s"], windows: int, sensors: int
) -> tuple[Float[Tensor, "window sensor lag feature"], Int[Tensor, " sensor"]]:
    """Windows drawn at random, and in all of them the same sensors drawn at random; 0: all."""
    x = city.windows(steps[torch.randint(len(steps), (windows,)).to(steps.device)])
    nodes = torch.randperm(x.shape[1])[: sensors or None].to(x.device)
    return x[:, nodes], nodes


def pretrained(
    network: nn.Module,
    error: Error,
    cities: Sequence[CitySpeed],
    plan: Training,
    seed: int,
    folder: Path | None,
    stage: str,
    trainable: Callable[[int], list[nn.Parameter]] | None = None,
) -> History:
    """A drawn city in each step; the validation windows of all of them choose the epoch."""

    def loss(batch: Tensor) -> Tensor:
        city = cities[int(torch.randint(len(cities), ()))]
        return error(city, city.train)

    samples = torch.arange(plan.batch, device=cities[0].speed.device)
    check = lambda: {"valid_error": _steady(error, cities)}
    return train(network, loss, samples, check, plan, seed=seed, stage=stage, folder=folder,
                 trainable=trainable)  # fmt: skip


def learners(task: Task) -> tuple[CitySpeed, ...]:
    """Sources, and the target where some of its days may be learned from."""
    return (*task.sources, task.target) if len(task.target.train) else task.sources


def _steady(error: Error, cities: Sequence[CitySpeed], draws: int = 4) -> float:
    """The error with the same windows and hidden patches each time it is asked for."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        values = [error(city, city.valid) for city in cities for _ in range(draws)]
        return torch.stack(values).mean().item()
