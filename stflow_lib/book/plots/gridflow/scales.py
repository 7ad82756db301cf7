"""How much the upper end of a scale grows with the record that tells it."""

from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.data import load
from stflow_lib.gridflow.problem.city import robust_scale, training_scale
from stflow_lib.gridflow.problem.protocol import protocol_of

SCALES = {"99.9 % quantile": robust_scale, "maximum": training_scale}


def shares(flow: Float[Tensor, "time direction row col"], steps: int) -> dict[str, list[float]]:
    """Upper end of the last `steps` over that of all, for each of SCALES and direction."""
    return {
        name: (scale(flow[-steps:], name)[1] / scale(flow, name)[1]).tolist()
        for name, scale in SCALES.items()
    }


def growth(protocols: Mapping[str, str], days: int) -> pd.DataFrame:
    """Cities down, scales and directions across: what `days` tell of the whole history's end.

    `protocols`: city -> its protocol; the history ends where its validation part begins.
    """
    lines = {}
    for name, protocol in protocols.items():
        city = load(name)
        flow = torch.from_numpy(city.flow.values[: protocol_of(protocol).valid])
        ways = [str(way) for way in city.direction.values]
        found = shares(flow, 24 * days)
        lines[name] = {(k, way): found[k][d] for k in SCALES for d, way in enumerate(ways)}
    return pd.DataFrame(lines).T


def growth_sentence(found: pd.DataFrame, days: int) -> str:
    """From where to where each scale's shares go."""
    spans = [
        f"{found[name].min(axis=None):.2f} to {found[name].max(axis=None):.2f} for the {name}"
        for name in SCALES
    ]
    return f"Upper end of {days} days over that of the whole history: {', '.join(spans)}."
