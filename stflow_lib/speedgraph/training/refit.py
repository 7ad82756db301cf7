"""How the epoch is chosen in which a network has learned a target, and on which windows then.

With "day 3 chooses" the weights of the best epoch are the result, and a third of the visible days
has only chosen. With blocks of hours the training is made once more, from the same weights and
along the same rates, on all visible windows, for as many steps as were best.
"""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.loop import History, Training, train


class Replay(nn.Module):
    """A network in training, and where it is on a curve that another training has left.

    Given back score by score, the curve halves the rates where they were halved.
    """

    def __init__(self, network: nn.Module, curve: Sequence[float]):
        super().__init__()
        self.network, self.curve = network, curve
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))

    def score(self) -> dict[str, float]:
        """The curve's next value."""
        self.epoch += 1
        return {"valid_mae": self.curve[int(self.epoch) - 1]}


def chosen_on_target(
    network: nn.Module,
    loss: Callable[[Int[Tensor, " b"]], Float[Tensor, ""]],
    task: Task,
    score: Callable[[], dict[str, float]],
    plan: Training,
    *,
    seed: int,
    stage: str = "fit",
    folder: Path | None = None,
    trainable: Callable[[int], list[nn.Parameter]] | None = None,
) -> History:
    """`training.loop.train` on the target's windows; with `task.refit` twice, as above.

    What is returned tells of the training that chose; times are those of both.
    """
    begin = deepcopy(network.state_dict())
    same = {"seed": seed, "folder": folder, "trainable": trainable}
    history = train(network, loss, task.target.train, score, plan, stage=stage, **same)
    if not task.refit:
        return history
    network.load_state_dict(begin)
    replay = Replay(network, next(c for n, c in history.curves.items() if n != "loss"))
    again = train(replay, loss, task.target.known, replay.score,
                  until_best(plan, replay.curve, len(task.target.train)),
                  stage=f"{stage}-all", **same)  # fmt: skip
    return replace(history, seconds=history.seconds + again.seconds,
                   processor=history.processor + again.processor)  # fmt: skip


def until_best(plan: Training, curve: Sequence[float], windows: int) -> Training:
    """The plan up to its best epoch, each with the steps that it has on so many windows."""
    steps = plan.epoch_steps or math.ceil(windows / plan.batch)
    epochs = min(range(len(curve)), key=curve.__getitem__) + 1
    return replace(plan, epochs=epochs, epoch_steps=steps, patience=0, minutes=0.0)
