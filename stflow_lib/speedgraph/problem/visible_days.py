"""Days of a city that may be seen, for graphs that are made from its series."""

from jaxtyping import Float
from torch import Tensor

from stflow_lib.speedgraph.problem.city import CitySpeed


def visible_days(city: CitySpeed, steps: int, most: int = 0) -> Float[Tensor, "day step node"]:
    """Speeds in the city's unit, gaps filled, of its whole visible days, the last `most` of them.

    steps: of a day; a stretch shorter than a day counts as one. 0 of `most`: all.
    """
    begin = int(city.known[0]) - city.lags
    end = int(city.known[-1]) + city.ahead
    size = min(steps, end - begin)
    days = (end - begin) // size
    days = min(days, most) if most else days
    return city.unscale(city.scaled[end - days * size : end]).unflatten(0, (days, size))


def mean_day(city: CitySpeed, steps: int) -> Float[Tensor, "step node"]:
    """The mean of these days."""
    return visible_days(city, steps).mean(0)
