"""Where the sensors stand: roads across a city, two carriageways each, with interchanges."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from stflow_lib.data.simulate.streams import substream
from stflow_lib.data.simulate.traffic import Roads

LEAVE = 0.12  # share of the traffic that takes each off-ramp
TURN = 0.5  # share of those that change to another road where there is an interchange


@dataclass(frozen=True)
class Layout:
    """x, y in km from the centre [N]; way = number of the carriageway; roads; distance in km.

    distance [N, N] is the shortest drive from row to column, infinite where there is none.
    """

    x: np.ndarray
    y: np.ndarray
    way: np.ndarray
    roads: Roads
    distance: np.ndarray


def make_layout(sensors: int, spacing_km: float, seed: int) -> Layout:
    """`sensors` sensors every `spacing_km` on roads through the city, both ways.

    The number of roads grows with the root of the number of sensors (48: 2; 325: 4).
    """
    count = max(2, round(np.sqrt(sensors / 20)))
    parts = enumerate(np.array_split(np.arange(sensors), 2 * count))
    way = np.concatenate([np.full(len(part), w) for w, part in parts])
    x, y = _places(way, count, spacing_km, substream(seed, "layout"))
    first = np.r_[True, way[1:] != way[:-1]]
    last = np.r_[way[1:] != way[:-1], True]
    leave = np.full(sensors, LEAVE, np.float32)
    roads = Roads(spacing_km, first, last, leave, _interchanges(x, y, way, 2 * spacing_km))
    return Layout(x, y, way, roads, _distance(roads))


def _places(way, count, spacing_km, rng):
    """Gently bent lines; way 2a runs along road a, way 2a + 1 comes back beside it."""
    x, y = np.empty(len(way)), np.empty(len(way))
    for road in range(count):
        angle = np.pi * (road + rng.uniform(-0.15, 0.15)) / count
        shift, bend, phase = rng.uniform(-1, 1), rng.uniform(0.3, 1.0), rng.uniform(0, 6.28)
        for back in (0, 1):
            own = way == 2 * road + back
            along = (np.arange(own.sum()) - (own.sum() - 1) / 2) * spacing_km
            along = along[::-1] if back else along
            aside = shift + bend * np.sin(along / 3 + phase) + (0.12 if back else -0.12)
            x[own] = along * np.cos(angle) - aside * np.sin(angle)
            y[own] = along * np.sin(angle) + aside * np.cos(angle)
    return x, y


def _interchanges(x, y, way, reach_km):
    """Where two roads cross: the closest pair of cells of two carriageways, both directions."""
    gap = np.hypot(x[:, None] - x, y[:, None] - y)
    turn = np.zeros_like(gap)
    for a, b in permutations(range(way.max() + 1), 2):
        pair = np.where((way[:, None] == a) & (way == b), gap, np.inf)
        if a // 2 != b // 2 and pair.min() < reach_km:
            turn[np.unravel_index(pair.argmin(), pair.shape)] = TURN
    turn /= np.maximum((turn > 0).sum(1, keepdims=True), 1)
    return csr_array(turn.astype(np.float32))


def _distance(roads):
    """Shortest drives: down each carriageway, over interchanges, round at the ends."""
    cells = np.arange(len(roads.first))
    down = cells[~roads.last]
    ends, starts = cells[roads.last], cells[roads.first]
    back = starts[np.arange(len(starts)) ^ 1]  # the way back of the same road
    leave, enter = roads.turn.nonzero()
    source = np.concatenate([down, leave, ends])
    target = np.concatenate([down + 1, enter, back])
    length = np.full(len(source), roads.cell_km)
    return dijkstra(csr_array((length, (source, target)), (len(cells), len(cells))))
