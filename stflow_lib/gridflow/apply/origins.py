"""A fitted forecaster at many moments of a city, beside what came: how good are its intervals?"""

from collections.abc import Sequence

import torch
import xarray as xr
from jaxtyping import Int
from torch import Tensor

from stflow_lib.gridflow.apply.forecast import Forecaster
from stflow_lib.gridflow.apply.rollout import rolled
from stflow_lib.training.interval_score import Outcome


def outcome(
    model: Forecaster, city: xr.Dataset, origins: Int[Tensor, " origin"],
    levels: Sequence[float], ahead: int,
) -> Outcome:  # fmt: skip
    """Forecasts of the steps origin, ..., origin + ahead - 1, and what they brought.

    Over the cells in which there ever was a trip when the model was fitted. DataError as
    `Forecaster` has it.
    """
    task, valid = model._task(city), model.card["mask"]
    mean = rolled(model.predictor, task, origins, ahead)
    bounds = [model._bounds(one, levels) for one in mean]
    lower, upper = (torch.stack(end) for end in zip(*bounds, strict=True))
    truth = task.target.flow[origins[:, None] + torch.arange(ahead)]
    return Outcome(*(maps[:, :, valid].flatten() for maps in (truth, mean, lower, upper)))
