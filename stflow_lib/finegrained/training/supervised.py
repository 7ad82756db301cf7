"""Training a network that maps coarse to fine, the same way for every method."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.training.loop import Training, autocast, retain_heap, train
from stflow_lib.training.method import Method, Predictor, count_parameters, filled

# Share of dead blocks on the validation part from which a run counts as collapsed.
COLLAPSE_SHARE = 0.5

Objective = Callable[[nn.Module, Task, Tensor], Tensor]  # network, task, indices [B] -> scalar


@dataclass(frozen=True)
class NetworkSettings:
    """What every network of this wing can be told; each method adds its own."""

    channels: int = 128  # C, feature maps
    constraint: str = "m2"  # "m2", "m2_signed" (no ReLU before it), "none" (plain regression)
    activation: str = "relu"  # of the last layer, see `Split`: "squareplus" does not die
    safe: bool = False  # add eps to every score, so that a dead block predicts the mean split
    training: Training = field(
        default_factory=partial(Training, epochs=200, learning_rate=1e-3, halve_every=50)
    )

    def split(self, factor: int) -> Split:
        """The network's last two lines."""
        return Split(factor, self.activation, self.safe, self.constraint)


def squared_error(
    network: nn.Module, task: Task, batch: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Mean (y - yhat)^2 over fine cells, vehicles squared: UrbanSTC's Eq. 16, for every method."""
    return F.mse_loss(network(task.coarse[batch], task.external[batch]), task.fine[batch])


def network_method(
    name: str, settings: type, network: type[nn.Module], objective: Objective = squared_error
) -> Method:
    """The method that trains `network(task, settings)` from random weights by `objective`."""
    return Method(name, settings, partial(_fit, network, objective), partial(restored, network))


def _fit(network, objective: Objective, task: Task, settings, seed: int, folder) -> Predictor:
    torch.manual_seed(seed)
    return fit_network(
        network(task, settings), task, settings.training, seed, folder, objective
    )


def fit_network(
    network: nn.Module,
    task: Task,
    plan: Training,
    seed: int,
    folder: Path | None,
    objective: Objective = squared_error,
    *,
    trainable: Callable[[int], list[nn.Parameter]] | None = None,
) -> Predictor:
    """Fit `network(coarse [B, 1, H, W], external [B, E]) -> fine [B, 1, HM, WM]`.

    `objective` is minimised over training samples. The epoch with the lowest validation RMSE
    is kept; dead blocks are counted each epoch, and a network whose best epoch has more than
    half of them dead is noted as collapsed.
    """
    retain_heap()
    network = network.to(task.device, memory_format=torch.channels_last)

    infer = partial(predict, network, plan.precision)

    def loss(batch: Tensor) -> Tensor:
        with autocast(plan.precision, task.device):
            return objective(network, task, batch)

    history = train(
        network,
        loss,
        task.train,
        lambda: validate(task, infer),
        plan,
        seed=seed,
        folder=folder,
        trainable=trainable,
    )
    best = history.curves["valid_rmse"].index(min(history.curves["valid_rmse"]))
    dead = history.curves["dead_blocks"][best]
    notes = {"dead_blocks": dead, "collapsed": dead > COLLAPSE_SHARE}
    return Predictor.after(infer, count_parameters(network), {"": history}, notes, network)


def predict(
    network: nn.Module, precision: str, task: Task, indices: Int[Tensor, " b"]
) -> Float[Tensor, "b 1 fine_row fine_col"]:
    """The network's fine maps of the samples, in vehicles."""
    network.eval()
    with torch.inference_mode(), autocast(precision, task.device):
        return network(task.coarse[indices], task.external[indices])


def restored(build: Callable[..., nn.Module], form: dict, settings, learned: dict) -> Predictor:
    """The predictor of `build(task, settings)` with the weights that it had learned."""
    network = build(Task.blank(form), settings).to(memory_format=torch.channels_last)
    return Predictor(partial(predict, filled(network, learned), settings.training.precision))


def validate(task: Task, predict, batch: int = 256) -> dict[str, float]:
    """{"valid_rmse", "dead_blocks"} on the validation part; the first selects the epoch."""
    squared, dead, live = 0.0, 0, 0
    for indices in task.valid.split(batch):
        fine = predict(task, indices)
        squared += (fine - task.fine[indices]).double().pow(2).sum().item()
        _, is_dead, is_full = block_losses(fine, task.coarse[indices], task.factor)
        dead, live = dead + is_dead, live + is_full
    cells = task.fine[task.valid].numel()
    return {"valid_rmse": (squared / cells) ** 0.5, "dead_blocks": dead / max(live, 1)}
