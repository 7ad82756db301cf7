"""One training loop for the whole book: precision, early stopping, resume, progress bar."""

import copy
import ctypes
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from stflow_lib.training import checkpoint
from stflow_lib.training.plateau import Plateau


@dataclass(frozen=True)
class Training:
    """How one network is trained: Adam(0.9, 0.999), its rate halved at fixed epochs or on plateaus.

    With `plateau` the rate is halved after that many epochs without a score 0.2 % better, and
    training ends at the third halving without such a gain; `epochs` and `minutes` guard it.
    """

    epochs: int = 200  # at most; validation and the choice of the best come after each
    epoch_steps: int = 0  # optimiser steps in an epoch; 0: one pass over the samples
    batch: int = 16  # samples per step
    learning_rate: float = 1e-3  # of Adam
    halve_every: int = 50  # epochs between halvings of the rate, each with a new Adam; 0: never
    patience: int = 0  # epochs without a better validation score before stopping; 0: never stop
    plateau: int = 0  # epochs without a gain before the rate is halved; 0: at fixed epochs
    minutes: float = 0.0  # of processor time in training, after which it is cut off; 0: never
    precision: str = "auto"  # "float32", "bfloat16", or "auto": bfloat16 where the chip has it

    def order(self, samples: Tensor, epoch: int, seed: int) -> Tensor:
        """The samples of an epoch in the order of their use, drawn from (seed, epoch) alone.

        One pass over `samples` [S], or with `epoch_steps` the next `epoch_steps * batch` of an
        endless row of passes, so that any number of steps visits all samples equally often.
        """
        size, count = self.epoch_steps * self.batch or len(samples), len(samples)
        start = epoch * size
        passes = range(start // count, (start + size - 1) // count + 1)
        row = torch.cat([_shuffled(count, seed * 1_000_003 + p) for p in passes])
        first = start - passes.start * count
        return samples[row[first : first + size].to(samples.device)]


def _shuffled(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


ENDS = ("steps", "best_step", "stopped", "precision")


@dataclass
class History:
    """What a training left behind: one value per epoch and curve."""

    curves: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0  # training only, validation left out
    processor: float = 0.0  # of them on a processor, what else the machine does left out
    steps: int = 0  # of the optimiser
    best_step: int = 0  # after which the validation score was best
    stopped: str = ""  # "settled", "patience", "epochs" or "minutes": what ended it
    precision: str = ""  # of convolutions and matrix products, as resolved on this machine

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.curves.get("loss", []))

    @property
    def end(self) -> dict[str, int | str]:
        """What a record says of the training: steps, the best of them, why no more, precision."""
        return {name: getattr(self, name) for name in ENDS}


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of convolutions and matrix products; ValueError for an unknown name."""
    if name not in ("auto", "float32", "bfloat16"):
        raise ValueError(f"precision {name!r}: want auto, float32 or bfloat16")
    fast = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if name == "bfloat16" or (name == "auto" and fast) else torch.float32


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context in which forward passes run."""
    dtype = resolve_precision(precision, device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


def retain_heap() -> None:
    """Let glibc keep freed activations: page faults cost up to a third of a CPU step."""
    if sys.platform == "linux":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-4, 0)  # M_MMAP_MAX: serve large blocks from the heap
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: and do not give it back


def train(
    model: nn.Module,
    loss: Callable[[Tensor], Tensor],
    samples: Tensor,
    score: Callable[[], dict[str, float]],
    plan: Training,
    *,
    seed: int,
    stage: str = "fit",
    folder: Path | None = None,
    trainable: Callable[[int], list[nn.Parameter]] | None = None,
) -> History:
    """Train `model` in place and leave it with its best parameters.

    `loss(batch)` takes sample indices [B] and returns a scalar; `score()` is called without
    gradients after each epoch, and the first of its values is minimised; `trainable(epoch)`
    names the parameters that move (all by default; a change starts a new Adam). With a
    `folder`, progress is kept in `folder/stage.pt`: a killed training goes on from its last
    saved epoch with the same random streams, a finished one is only loaded.
    """
    run = TrainingState(
        model, plan, seed, stage, folder, trainable or (lambda _: [*model.parameters()])
    )
    run.resume()
    bar = tqdm(
        initial=run.epoch,
        total=plan.epochs,
        desc=stage,
        leave=False,
        mininterval=5,
        disable=not sys.stderr.isatty() or bool(os.environ.get("STFLOW_QUIET")),
    )
    with bar, torch.random.fork_rng():
        while not run.stopped:
            run.one_epoch(loss, samples, score)
            run.save()
            bar.update()
            bar.set_postfix_str(f"best {run.best_score:.4g}")
    run.finish()
    return run.history


@dataclass
class TrainingState:
    """A training between two epochs: everything that a resumed process needs."""

    model: nn.Module
    plan: Training
    seed: int
    stage: str
    folder: Path | None
    trainable: Callable[[int], list[nn.Parameter]]
    epoch: int = 0
    best_score: float = float("inf")
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: History = field(default_factory=History)
    plateau: Plateau = field(default_factory=Plateau)
    optimizer: torch.optim.Adam | None = None
    saved_at: float = 0.0

    @property
    def stopped(self) -> str:
        """What ended the training; empty while it goes on."""
        plan, waited = self.plan, self.epoch - self.best_epoch
        ends = {
            "settled": self.plateau.settled,
            "patience": bool(plan.patience) and waited >= plan.patience,
            "epochs": self.epoch >= plan.epochs,
            "minutes": bool(plan.minutes) and self.history.processor >= 60 * plan.minutes,
        }
        return next((name for name, reached in ends.items() if reached), "")

    @property
    def rate(self) -> float:
        """Adam's rate in the epoch that comes."""
        fixed = self.epoch // self.plan.halve_every if self.plan.halve_every else 0
        halvings = self.plateau.halvings if self.plan.plateau else fixed
        return self.plan.learning_rate * 0.5**halvings

    def prepare(self) -> torch.optim.Adam:
        """The epoch's Adam: a new one where the rate or the set of moving parameters changes."""
        now = {id(p) for p in self.trainable(self.epoch)}
        for parameter in self.model.parameters():
            parameter.requires_grad_(id(parameter) in now)
        before = {id(p) for p in self.trainable(self.epoch - 1)} if self.epoch else None
        adam = self.optimizer
        if adam is None or before != now or adam.param_groups[0]["lr"] != self.rate:
            adam = self.optimizer = self.new_optimizer(self.epoch)
        return adam

    def new_optimizer(self, epoch: int) -> torch.optim.Adam:
        """An Adam without memory over what moves in an epoch."""
        return torch.optim.Adam(self.trainable(epoch), lr=self.rate, foreach=True)

    def one_epoch(self, loss, samples: Tensor, score) -> None:
        """One pass in an order, and with dropout, drawn from (seed, epoch) alone."""
        torch.manual_seed(self.seed * 1_000_003 + self.epoch)
        optimizer = self.prepare()
        self.model.train()
        order = self.plan.order(samples, self.epoch, self.seed)
        start, busy = time.perf_counter(), time.process_time()
        total = torch.zeros((), device=samples.device)
        for batch in order.split(self.plan.batch):
            optimizer.zero_grad(set_to_none=True)
            value = loss(batch)
            value.backward()
            optimizer.step()
            total += value.detach() * len(batch)
        self.history.seconds += time.perf_counter() - start
        self.history.processor += time.process_time() - busy
        self.history.steps += math.ceil(len(order) / self.plan.batch)
        self.log(total.item() / len(order), score)

    def log(self, loss: float, score) -> None:
        """Validate, and keep the parameters if they are the best; FloatingPointError for NaN."""
        if math.isnan(loss):
            raise FloatingPointError(f"{self.stage}: the loss is NaN in epoch {self.epoch}")
        self.model.eval()
        with torch.inference_mode():
            values = score()
        for name, value in {"loss": loss, **values}.items():
            self.history.curves.setdefault(name, []).append(float(value))
        self.epoch += 1
        criterion = next(iter(values.values()))
        if math.isnan(criterion):
            raise FloatingPointError(
                f"{self.stage}: the validation score is NaN in epoch {self.epoch - 1}"
            )
        if criterion < self.best_score:
            self.best_score, self.best_epoch = criterion, self.epoch
            self.history.best_step = self.history.steps
            self.best = copy.deepcopy(self.model.state_dict())
        if self.plan.plateau:
            self.plateau.watch(criterion, self.plan.plateau)

    def save(self) -> None:
        """Every few seconds and at the end; the finished file holds the best parameters only."""
        if self.folder is None or not (self.stopped or time.time() - self.saved_at > 5):
            return
        state = {name: getattr(self, name) for name in CHECKPOINT_FIELDS} | {
            "history": vars(self.history),
            "plateau": vars(self.plateau),
        }
        if self.optimizer is not None and not self.stopped:
            state |= {"model": self.model.state_dict(), "adam": self.optimizer.state_dict()}
        checkpoint.write(self.folder / f"{self.stage}.pt", state)
        self.saved_at = time.time()

    def resume(self) -> None:
        """Go on from `folder`, if there is something; ValueError where another plan ended."""
        if self.folder is None:
            return
        path, device = self.folder / f"{self.stage}.pt", next(self.model.parameters()).device
        state = checkpoint.read(path, device, (*CHECKPOINT_FIELDS, "history", "plateau"))
        if state is None:
            return
        for name in CHECKPOINT_FIELDS:
            setattr(self, name, state[name])
        self.history, self.plateau = History(**state["history"]), Plateau(**state["plateau"])
        if "model" not in state and not self.stopped:
            raise ValueError(
                f"{path}: finished after {self.epoch} epochs, {self.plan.epochs} are asked for; "
                "another plan needs another folder"
            )
        if "model" in state:
            self.model.load_state_dict(state["model"])
            self.optimizer = self.new_optimizer(self.epoch - 1)
            self.optimizer.load_state_dict(state["adam"])

    def finish(self) -> None:
        """Leave the model with its best parameters."""
        for parameter in self.model.parameters():
            parameter.requires_grad_(True)
        if self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()
        precision = resolve_precision(self.plan.precision, next(self.model.parameters()).device)
        self.history.precision = str(precision).removeprefix("torch.")
        self.history.stopped = self.stopped


CHECKPOINT_FIELDS = ("epoch", "best_score", "best_epoch", "best")
