"""Learning to fill in hidden patches of long windows."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.patch_encoder import PatchEncoder, patchify
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.loop import History, Training, train

# (city, first label steps to draw from) -> what is minimised, a scalar
Error = Callable[[CitySpeed, Tensor], Tensor]


def sample_windows(
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
    check = lambda: {"valid_error": _fixed_draw_error(error, cities)}
    return train(network, loss, samples, check, plan, seed=seed, stage=stage, folder=folder,
                 trainable=trainable)  # fmt: skip


def training_cities(task: Task) -> tuple[CitySpeed, ...]:
    """Sources, and the target where some of its days may be learned from."""
    return (*task.sources, task.target) if len(task.target.train) else task.sources


def _fixed_draw_error(error: Error, cities: Sequence[CitySpeed], draws: int = 4) -> float:
    """The error with the same windows and hidden patches each time it is asked for."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        values = [error(city, city.valid) for city in cities for _ in range(draws)]
        return torch.stack(values).mean().item()


HOURS = partial(Training, epochs=200, epoch_steps=100, batch=4, learning_rate=1e-4,
                halve_every=0, patience=20, precision="float32")  # fmt: skip


def hidden_error(
    encoder: PatchEncoder, windows: int, sensors: int, city: CitySpeed, steps: Int[Tensor, " s"]
) -> Float[Tensor, ""]:
    """Mean squared error of hidden hours."""
    x, _ = sample_windows(city, steps, windows, sensors)
    hours, when = patchify(x, encoder.embed.in_features)
    guess, hidden = encoder.reconstruct(hours, encoder.places(when))
    return (guess - hours[:, hidden]).square().mean()
