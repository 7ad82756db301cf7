"""What is known of a cell at an hour besides its own lags, and of which days it is told."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.beyond.trees import neighbour_sum, usual_demand, visible_days
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task

NEW = 2  # newest hours in which neighbours and the city's mean are told


@dataclass(frozen=True)
class Told:
    """Label steps [S] of a city, and the days [P] whose steps [P, day] are told for all."""

    city: CityFlow
    steps: Int[Tensor, " s"]
    days: Int[Tensor, "day step"]
    day: int  # steps in 24 hours

    def labels(self, direction: int) -> Float[Tensor, "s region"]:
        """Scaled values of the direction's valid cells; float64."""
        return self.city.only(direction).labels(self.steps).double()


def features(told: Told, direction: int) -> Float[Tensor, "s region feature"]:
    """What a line reads of each valid cell of a direction, in its city's scale; float64.

    The cell's own lags, oldest first; the mean of its eight neighbours in the `NEW` newest hours.
    Where a day is told also: the lags of other directions, their neighbours, the city's means, and
    the usual demand of all directions (`usual_demand`). Always last: 1. What other directions say
    of this one differs from city to city, so where nothing is told of a city it is not read.
    """
    city, steps = told.city, told.steps
    maps = city.windows(steps)[:, :, _order(city, direction)]  # own direction first
    around = torch.stack([neighbour_sum(hour) / 8 for hour in maps[:, -NEW:].unbind(1)], 1)
    means = maps[:, -NEW:].mean((3, 4), keepdim=True).expand(-1, -1, -1, *maps.shape[3:])
    parts = [maps[:, :, 0], around[:, :, 0]]
    if len(told.days):
        usual = [
            usual_demand(city.scaled[:, way], told.days, steps, told.day)
            for way in _order(city, direction)
        ]
        parts += [x.flatten(1, 2) for x in (maps[:, :, 1:], around[:, :, 1:], means)] + usual
    parts.append(torch.ones_like(maps[:, 0, :1]))
    cells = city.cells(direction)
    return torch.cat(parts, 1).flatten(2)[..., cells].transpose(1, 2).double()


def _order(city: CityFlow, direction: int) -> list[int]:
    count = city.flow.shape[1]
    return [direction, *(way for way in range(count) if way != direction)]


def own_days(task: Task) -> list[Told]:
    """The target's labels day by day, each told of the other days; none of an only day."""
    city, days = task.target, visible_days(task)
    return [
        Told(city, day[day >= city.lags], torch.cat([days[:d], days[d + 1 :]]), task.day)
        for d, day in enumerate(days)
        if len(days) > 1
    ]


def lent_spans(task: Task, city: CityFlow, spans: int, labels: int) -> list[Told]:
    """Labels of a source, `labels` for each of `spans` spans of days told to labels outside it.

    Drawn once for all seeds. A span has as many days as the target shows, at most half of the
    source's; where it shows none, all labels at once are told nothing.
    """
    random = torch.Generator().manual_seed(0)
    end = int(city.train[-1]) + 1
    days = min(len(visible_days(task)), end // task.day // 2)
    if not days:
        return [Told(city, city.train, visible_days(task), task.day)]
    return [_drawn(city, days, task.day, end, labels, random) for _ in range(spans)]


def _drawn(
    city: CityFlow, days: int, day: int, end: int, labels: int, random: torch.Generator
) -> Told:
    first = int(torch.randint(end - days * day + 1, (), generator=random))
    span = torch.arange(first, first + days * day, device=city.flow.device)
    outside = city.train[(city.train < first) | (city.train >= first + len(span))]
    order = torch.randperm(len(outside), generator=random).to(outside.device)
    return Told(city, outside[order[:labels]], span.view(days, day), day)
