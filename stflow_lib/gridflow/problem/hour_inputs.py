"""Windows that tell the hour: the paper's networks see six maps and not what time it is."""

import math
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.problem.calendar import hour_of_day
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task

HOUR_CHANNELS = 4  # sine and cosine of the day and of half the day


class CityFlowWithHour(CityFlow):
    """A city whose windows end with the hour of the label, as `HOUR_CHANNELS` constant maps."""

    def windows(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b lag direction row col"]:
        """The `lags` scaled maps, oldest first, then those of the clock."""
        maps = super().windows(steps)
        angle = torch.from_numpy(hour_of_day(self.time[steps.cpu().numpy()]) * math.tau / 1440)
        clock = torch.stack([f(k * angle) for k in (1, 2) for f in (torch.sin, torch.cos)], 1)
        clock = clock.to(maps)[:, :, None, None, None].expand(-1, -1, *maps.shape[2:])
        return torch.cat([maps, clock], 1)


def with_hour_inputs(task: Task) -> Task:
    """The same task, whose cities tell the hour."""
    target, *sources = (CityFlowWithHour(**vars(city)) for city in (task.target, *task.sources))
    return replace(task, target=target, sources=tuple(sources))
