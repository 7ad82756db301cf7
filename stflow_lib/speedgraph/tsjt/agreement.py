"""Do a target and its sources pull a network the same way? Layer by layer, while it learns.

TSJT filters what of the sources' gradient opposes the target's. How much that is depends on how
often they disagree, and the paper does not say; here it is measured.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor, nn

from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.losses import masked_mae, source_loss
from stflow_lib.speedgraph.tsjt.tsb import GradientRule, Gradients

ALL = "all"
KINDS = ("cosine", "opposed")


def layer_of(name: str) -> str:
    """The layer of a parameter's full name: "backbone.blocks.0.maps.1" -> "blocks.0"."""
    parts = name.split(".")[1:] or [name]
    return ".".join(parts[:2] if len(parts) > 1 and parts[1].isdigit() else parts[:1])


def layers_of(network: nn.Module) -> dict[str, list[int]]:
    """Positions of each layer's tensors among the network's parameters, and of all."""
    found: dict[str, list[int]] = {}
    for place, (name, _) in enumerate(network.named_parameters()):
        found.setdefault(layer_of(name), []).append(place)
    return found | {ALL: [*range(sum(map(len, found.values())))]}


def target_and_source_gradients(
    network: nn.Module, task: Task, roads: Mapping, steps: Int[Tensor, " b"], windows: int
) -> tuple[Gradients, Gradients]:
    """Gradients (g_T, g_S) of Eq. 8: of target windows, and of source windows drawn anew."""
    parameters = [*network.parameters()]
    errors = (
        masked_mae(network, task.target, roads, steps),
        source_loss(network, task, roads, windows),
    )
    target, source = (torch.autograd.grad(error, parameters) for error in errors)
    return target, source


def agreement(
    network: nn.Module, target: Gradients, source: Gradients
) -> dict[str, dict[str, float]]:
    """For every layer {"cosine": of both gradients, "opposed": share of its tensors, weighted
    by size, whose inner product is negative}. A layer without a gradient has cosine 0."""
    rows = torch.stack([
        torch.stack([(t * s).sum(), (t * t).sum(), (s * s).sum()])
        for t, s in zip(target, source, strict=True)
    ]).double()  # fmt: skip
    sizes = torch.tensor([t.numel() for t in target], dtype=torch.float64).to(rows.device)
    return {layer: _agreement(rows[at], sizes[at]) for layer, at in layers_of(network).items()}


def _agreement(rows: Tensor, sizes: Tensor) -> dict[str, float]:
    dot, mine, theirs = rows.sum(0).tolist()
    length = (mine * theirs) ** 0.5
    opposed = (sizes * (rows[:, 0] < 0)).sum() / sizes.sum()
    return {"cosine": dot / length if length else 0.0, "opposed": opposed.item()}


def source_share(target: Gradients, source: Gradients, step: GradientRule) -> float:
    """Length of what the sources add to a step, against what the target gives."""
    own = [step.target_weight * t for t in target]
    added = [whole - t for whole, t in zip(step(target, source), own, strict=True)]
    return (_length(added) / _length(own)).item()


def _length(gradients: Sequence[Tensor]) -> Tensor:
    return sum((g * g).sum() for g in gradients).sqrt()


def gradient_log(
    network: nn.Module,
    task: Task,
    roads: Mapping,
    step: GradientRule,
    *,
    target_windows: int = 4,
    source_windows: int = 124,
    draws: int = 8,
) -> dict[str, float]:
    """Means over `draws` batches, the same ones at every call: "cosine LAYER", "opposed LAYER"
    of `agreement`, and "sources" of `source_share`.

    Leaves random streams and gradients as they are, so that a training may call it between two
    epochs; the network is taken in the mode it is in.
    """  # fmt: skip
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        found = []
        for _ in range(draws):
            drawn = torch.randint(len(task.target.train), (target_windows,))
            steps = task.target.train[drawn.to(task.device)]
            pair = target_and_source_gradients(network, task, roads, steps, source_windows)
            layers = agreement(network, *pair)
            flat = {f"{kind} {n}": v[kind] for n, v in layers.items() for kind in KINDS}
            found.append(flat | {"sources": source_share(*pair, step)})
    return pd.DataFrame(found).mean().to_dict()


def by_layer(curves: Mapping[str, Sequence[float]], kind: str) -> pd.DataFrame:
    """The curves of one kind, "cosine" or "opposed": a row for each layer, a column an epoch."""
    head = f"{kind} "
    rows = {n.removeprefix(head): c for n, c in curves.items() if n.startswith(head)}
    frame = pd.DataFrame.from_dict(rows, orient="index")
    return frame.set_axis(range(1, frame.shape[1] + 1), axis=1)
