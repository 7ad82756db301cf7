"""Small questions that the method's page puts to networks: reach, embeddings, births, freezing."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stflow_lib.finegrained import Task
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.finegrained.training.supervised import squared_error
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings, fit_pretrained
from stflow_lib.finegrained.urbanstc.regional_contrast import RegionalSettings, positives

PRETEXTS = {"Reg": "regional", "Inf": "inference", "TCS": "temporal"}  # name -> setting


def embedding_change(encoder: nn.Module, side: int = 11) -> np.ndarray:
    """Mean change of every cell's embedding [side, side] when the middle cell doubles.

    The map is a busy one in float64, so the encoder has to be in double precision.
    """
    before = 100 + 20 * torch.rand(1, 1, side, side, dtype=torch.float64)
    after = before.clone()
    after[..., side // 2, side // 2] *= 2
    with torch.no_grad():
        return (encoder(after) - encoder(before)).abs().mean(1)[0].numpy()


def positive_cells(
    rule: RegionalSettings, heads: Mapping[str, nn.Module], maps: Tensor, cell: int, picked: int
) -> dict[str, np.ndarray]:
    """Who is like one cell of map `picked`, by head: {name: [H, W]} by the embedding's rule."""
    anchors, found = torch.full((len(maps),), cell), {}
    for name, head in heads.items():
        with torch.no_grad():
            alike = positives(rule, head(maps), maps.flatten(1), anchors)
        found[name] = alike[picked].view(maps.shape[2:]).numpy()
    return found


def embedding_table(
    rule: RegionalSettings, heads: Mapping[str, nn.Module], maps: Tensor, anchors: Tensor
) -> pd.DataFrame:
    """How many cells each head calls like the anchor, and how large its embeddings are.

    The first row is the yardstick: the share of cells with exactly the anchor's count.
    """
    flow = maps.flatten(1)
    equal = (flow == flow.gather(1, anchors[:, None])).float().mean().item()
    rows = {"equal counts": {"positive cells (%)": 100 * equal}}
    for name, head in heads.items():
        with torch.no_grad():
            z = head(maps)
        alike = positives(rule, z, flow, anchors).float().mean()
        rows[name] = {
            "positive cells (%)": 100 * alike.item(),
            "channels ever above 0": float((z > 0).any(0).any(0).sum()),
            "largest |z|": z.norm(dim=2).max().item(),
        }
    return pd.DataFrame(rows).T


def refinement_rmse(
    network: nn.Module, low: Tensor, high: Tensor, samples: Tensor
) -> tuple[float, float]:
    """RMSE of `network` from `low` to `high`, and that of the mean split, in vehicles."""
    factor = high.shape[2] // low.shape[2]
    with torch.no_grad():
        error = [network(low[i]) - high[i] for i in samples.split(64)]
    even = F.interpolate(low[samples] / factor**2, scale_factor=factor) - high[samples]
    return torch.cat(error).pow(2).mean().sqrt().item(), even.pow(2).mean().sqrt().item()


def triplet_gap(network: nn.Module, anchor: Tensor, near: Tensor, far: Tensor) -> np.ndarray:
    """|f(a) - f(p)|^2 - |f(a) - f(n)|^2 of each triplet of maps; below zero: in order."""
    with torch.no_grad():
        a, p, n = (network(maps) for maps in (anchor, near, far))
    return ((a - p).pow(2).sum(1) - (a - n).pow(2).sum(1)).numpy()


def layer_shapes(network: UrbanSTC, maps: Tensor) -> pd.DataFrame:
    """The way of one map through UrbanSTC: channels, rows and columns after each layer."""
    seen = [("coarse map", maps[:1])]
    with torch.no_grad():
        features = [encoder(maps[:1]) for encoder in network.encoders.values()]
        seen += zip(("H " + name for name in network.encoders), features, strict=True)
        seen.append(("side by side", torch.cat(features, 1)))
        for layer in (*network.decoder[:3], *network.decoder[3], network.decoder[4]):
            seen.append((type(layer).__name__, layer(seen[-1][1].clone())))
    columns = ["after", "channels", "rows", "columns"]
    return pd.DataFrame([(name, *x.shape[1:]) for name, x in seen], columns=columns)


def encoders_moved(
    task: Task, settings: UrbanSTCSettings, freeze_epochs: int, steps: int = 8, seed: int = 0
) -> dict[str, float]:
    """{encoder: largest change of a weight in one epoch of fine-tuning of `steps` steps}.

    The pretexts have no epoch at all: the encoders come fresh from the lottery.
    """
    once = replace(settings.training, epochs=1, epoch_steps=steps)
    idle = {
        name: replace(getattr(settings, name), training=replace(once, epochs=0))
        for name in PRETEXTS.values()
    }
    plan = replace(settings, **idle, freeze_epochs=freeze_epochs, training=once)
    network = UrbanSTC(task, replace(plan, activation="softplus"))
    before = deepcopy(network.encoders)
    fit_pretrained(network, squared_error, task, plan, seed, None)
    pairs = {
        n: zip(e.parameters(), before[n].parameters(), strict=True)
        for n, e in network.encoders.items()
    }
    return {
        name: max((new - old).abs().max().item() for new, old in weights)
        for name, weights in pairs.items()
    }


def at_birth(
    task: Task, settings: UrbanSTCSettings, maps: Tensor, births: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share of dead blocks, and last bias, of untrained networks with seeds 0 to `births` - 1."""
    shares, biases = [], []
    for number in range(births):
        torch.manual_seed(number)
        network = UrbanSTC(task, replace(settings, external=False)).eval()
        with torch.no_grad():
            fine = network(maps, task.external[: len(maps)])
        _, dead, live = block_losses(fine, maps, task.factor)
        shares.append(dead / live)
        biases.append(network.decoder[-1].bias.item())
    return np.array(shares), np.array(biases)
