"""Training a network that maps coarse to fine, the same way for every method."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stflow_lib.finegrained.task import Task, block_losses
from stflow_lib.fit import Predictor, Training, autocast, count_parameters, keep_memory, train

COLLAPSED = (
    0.5  # share of dead blocks on the validation part from which a run counts as collapsed
)


def fit_network(
    network: nn.Module,
    task: Task,
    plan: Training,
    seed: int,
    folder: Path | None,
    *,
    scale: float = 1.0,
    trainable: Callable[[int], list[nn.Parameter]] | None = None,
) -> Predictor:
    """Fit `network(coarse [B, 1, H, W], external [B, E]) -> fine [B, 1, HM, WM]` by squared error.

    `scale` divides the true fine flow in the loss (UrbanFM trains on flows / 100). The epoch
    with the lowest validation RMSE is kept; dead blocks are counted each epoch, and a network
    whose best epoch has more than half of them dead is noted as collapsed.
    """
    keep_memory()
    network = network.to(task.device, memory_format=torch.channels_last)

    def predict(t: Task, indices: Tensor) -> Tensor:
        network.eval()
        with torch.inference_mode(), autocast(plan.precision, t.device):
            return network(t.coarse[indices], t.external[indices])

    def loss(batch: Tensor) -> Tensor:
        with autocast(plan.precision, task.device):
            fine = network(task.coarse[batch], task.external[batch])
        return F.mse_loss(fine / scale, task.fine[batch] / scale)

    history = train(
        network,
        loss,
        task.train,
        lambda: validate(task, predict),
        plan,
        seed=seed,
        folder=folder,
        trainable=trainable,
    )
    best = history.curves["valid_rmse"].index(min(history.curves["valid_rmse"]))
    dead = history.curves["dead_blocks"][best]
    return Predictor(
        predict,
        count_parameters(network),
        history.epochs,
        history.seconds / max(history.epochs, 1),
        dict(history.curves),
        {"dead_blocks": dead, "collapsed": dead > COLLAPSED},
    )


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
