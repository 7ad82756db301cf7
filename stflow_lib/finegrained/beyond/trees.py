"""Gradient-boosted trees on the share that a fine cell has of its block.

A row is one fine cell in one map; it is asked how far its share lies from its mean share in
training. A share's squared error counts by the block's vehicles squared, which makes it the
flow's; answers are shared out within the block, so no vehicle is lost.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.finegrained.beyond.sharenet import historical_shares
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.training.method import Method, Predictor
from stflow_lib.training.trees import Booster, Boosting, Rows

LEAST = 1e-6  # share of a fine cell: a block that is given nothing would lose its vehicles
CHUNK = 64  # maps predicted at once
PRIOR = 20.0  # vehicles in a block by which its shares at an hour are drawn to its mean shares


@dataclass(frozen=True)
class TreesSettings:
    """Size of the booster, and how many blocks it sees."""

    booster: Boosting = field(default_factory=Boosting)
    smoothing: float = 1.0  # vehicles added to every fine cell's count in training
    blocks: int = 20_000  # to learn from, at most, and to choose by; drawn once for all seeds


@dataclass(frozen=True)
class Blocks:
    """Blocks [K] of some maps of a task: samples, flat coarse cells, vehicles, weights."""

    task: Task
    sample: Int[Tensor, " k"]
    cell: Int[Tensor, " k"]

    @classmethod
    def full(cls, task: Task, samples: Int[Tensor, " s"]) -> "Blocks":
        """All blocks of the samples that are not empty."""
        row, cell = task.coarse[samples].flatten(1).nonzero(as_tuple=True)
        return cls(task, samples[row], cell)

    def some(self, chosen: Int[Tensor, " j"]) -> "Blocks":
        """The blocks at these places."""
        return Blocks(self.task, self.sample[chosen], self.cell[chosen])

    @property
    def vehicles(self) -> Float[Tensor, " k"]:
        """The coarse counts."""
        return self.task.coarse.flatten(1)[self.sample, self.cell]

    @property
    def truth(self) -> Float[Tensor, "k cell"]:
        """Vehicles of the M^2 fine cells of each block."""
        return self.fine(self.task.fine, self.sample)

    def fine(
        self,
        maps: Float[Tensor, "any 1 fine_row fine_col"],
        which: Int[Tensor, " k"] | int = 0,
    ) -> Float[Tensor, "k cell"]:
        """The M^2 fine cells of each block in its map of `maps`."""
        cells = F.pixel_unshuffle(maps, self.task.factor).flatten(2)  # [any, M^2, H W]
        return cells[torch.zeros_like(self.sample) + which, :, self.cell]


@dataclass(frozen=True)
class History:
    """What training maps told: mean shares, and the vehicles of each hour of the day, summed."""

    shares: Float[Tensor, "1 1 fine_row fine_col"]
    by_hour: Float[Tensor, "24 1 fine_row fine_col"]

    @classmethod
    def of(cls, task: Task, smoothing: float) -> "History":
        """From all training maps, directions together."""
        sums = task.fine.new_zeros(24, *task.fine.shape[1:])
        sums.index_add_(0, hours(task)[task.train], task.fine[task.train])
        return cls(historical_shares(task, smoothing), sums)

    def hour_shares(self, blocks: Blocks, learned: bool) -> Float[Tensor, "k cell"]:
        """Shares of fine cells at the block's hour, drawn towards mean shares by `PRIOR`.

        A block that was `learned` from is left out of its own hour.
        """
        counts = blocks.fine(self.by_hour, hours(blocks.task)[blocks.sample])
        counts = counts - blocks.truth if learned else counts
        return (counts + PRIOR * blocks.fine(self.shares)) / (counts.sum(1, True) + PRIOR)


def hours(task: Task) -> Int[Tensor, " sample"]:
    """Hour of the day of each sample."""
    return torch.from_numpy(np.asarray(pd.DatetimeIndex(task.time).hour)).to(task.train)


def features(
    blocks: Blocks, history: History, learned: bool = False
) -> Float[Tensor, "k cell feature"]:
    """What the booster reads of each fine cell of a block, [K, M^2, F].

    Its mean share, its share at this hour, row, column and place in the block; the vehicles of
    the block, its eight neighbours (NaN outside the city) and the whole map; direction; sine,
    cosine and hour of the time of day; day of the week; external factors. For `learned` see
    `History.hour_shares`.
    """
    task, own = blocks.task, blocks.fine(history.shares)
    of_block = torch.cat([_around(blocks), _moment(blocks)], 1)
    rows, cols = history.shares.shape[2:]
    where = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij"))
    place = [blocks.fine(w.to(own)[None, None]) for w in where]
    inside = torch.arange(task.factor**2).to(own).expand_as(own)
    of_cell = torch.stack([own, history.hour_shares(blocks, learned), *place, inside], 2)
    return torch.cat([of_cell, of_block[:, None].expand(-1, own.shape[1], -1)], 2)


def _around(blocks: Blocks) -> Float[Tensor, "k 10"]:
    """Vehicles of 3 x 3 blocks, and of the map."""
    coarse, width = blocks.task.coarse, blocks.task.coarse.shape[3]
    padded = F.pad(coarse[:, 0], (1, 1, 1, 1), value=torch.nan)
    row, col = blocks.cell // width, blocks.cell % width
    near = [padded[blocks.sample, row + i, col + j] for i in range(3) for j in range(3)]
    return torch.stack([*near, coarse.sum((1, 2, 3))[blocks.sample]], 1)


def _moment(blocks: Blocks) -> Float[Tensor, "k factor"]:
    """Direction, clock and external factors of each block's sample."""
    task = blocks.task
    time = pd.DatetimeIndex(task.time)
    hour = np.asarray(time.hour + time.minute / 60)
    turn = math.tau * hour / 24
    way = np.arange(len(time)) % len(task.directions)
    columns = np.stack([way, np.sin(turn), np.cos(turn), hour, np.asarray(time.dayofweek)], 1)
    clock = torch.from_numpy(columns).to(task.external)
    return torch.cat([clock, task.external], 1)[blocks.sample]


def drawn(blocks: Blocks, most: int) -> tuple[Blocks, Float[Tensor, " k"]]:
    """At most `most` blocks, and how their shares' squared errors count, mean 1.

    Vehicles squared where all are taken; else blocks are drawn by their vehicles, with
    repetition and the same for every seed, and count by their vehicles, which comes to the same.
    """
    count = blocks.vehicles.double()
    if len(count) <= most:
        return blocks, count.square() / count.square().mean()
    random = torch.Generator().manual_seed(0)
    chosen = torch.multinomial(count.cpu(), most, replacement=True, generator=random)
    some = blocks.some(chosen.to(count.device))
    return some, count[chosen] / count[chosen].mean()


@dataclass(frozen=True)
class Splitter:
    """Splits every block by its mean shares and the booster's corrections."""

    booster: Booster
    history: History

    def __call__(
        self, task: Task, indices: Int[Tensor, " b"]
    ) -> Float[Tensor, "b 1 fine_row fine_col"]:
        """Fine maps in vehicles; an empty block stays empty."""
        return torch.cat([self._maps(task, some) for some in indices.split(CHUNK)])

    def _maps(self, task: Task, indices: Tensor) -> Tensor:
        coarse, blocks = task.coarse[indices], Blocks.full(task, indices)
        cells = coarse.new_zeros(*coarse.flatten(1).shape, task.factor**2)
        if len(blocks.cell):
            correction = self.booster(flat(features(blocks, self.history)))
            cells[coarse.flatten(1) > 0] = split(blocks, self.history.shares, correction)
        maps = cells.transpose(1, 2).unflatten(2, coarse.shape[2:])
        return F.pixel_shuffle(maps, task.factor)


def split(
    blocks: Blocks,
    shares: Float[Tensor, "1 1 fine_row fine_col"],
    correction: Float[np.ndarray, " row"],
) -> Float[Tensor, "k cell"]:
    """Vehicles of each fine cell: shares + corrections, at least `LEAST`, scaled to sum to 1."""
    own = blocks.fine(shares)
    scores = own + torch.from_numpy(correction).to(own).view_as(own)
    scores = scores.clamp_min(LEAST)
    return scores / scores.sum(1, keepdim=True) * blocks.vehicles[:, None]


def rows(blocks: Blocks, weights: Float[Tensor, " k"], history: History, learned: bool) -> Rows:
    """One row for each fine cell: its features, its share minus its mean share, its weight."""
    missing = blocks.truth / blocks.vehicles[:, None] - blocks.fine(history.shares)
    return Rows(
        flat(features(blocks, history, learned)),
        flat(missing),
        flat(weights[:, None].expand_as(missing)),
    )


def flat(x: Float[Tensor, "k cell *feature"]) -> Float[np.ndarray, "row *feature"]:
    """One row for each fine cell."""
    return x.flatten(0, 1).numpy(force=True)


def fit(task: Task, settings: TreesSettings, seed: int, folder: Path | None) -> Predictor:
    """On blocks of the training part; blocks of the validation part choose the trees.

    They judge by the flow's squared error before shares are made to sum to 1.
    """
    history = History.of(task, settings.smoothing)
    learn = rows(*drawn(Blocks.full(task, task.train), settings.blocks), history, True)
    judge = rows(*drawn(Blocks.full(task, task.valid), settings.blocks), history, False)
    booster = settings.booster.chosen(learn, judge)
    return replace(
        restored(task.form, settings, {"history": vars(history), "booster": booster.arrays()}),
        curves={"valid_loss": booster.curve}, notes={"trees": booster.trees},
    )  # fmt: skip


def restored(form: dict, settings: TreesSettings, learned: dict) -> Predictor:
    """The predictor of a booster and of what training maps told."""
    booster, history = Booster.stored(learned["booster"]), History(**learned["history"])
    count = booster.leaves + history.shares.numel()
    return Predictor(Splitter(booster, history), count, learned=learned)


METHOD = Method("Trees", TreesSettings, fit, restored)
