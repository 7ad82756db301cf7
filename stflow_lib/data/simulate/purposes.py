"""Why people travel and when: purposes, the ends they join, and daily and weekly rhythms."""

from dataclasses import dataclass

import numpy as np

from stflow_lib.data.simulate.gravity import unit
from stflow_lib.data.simulate.landuse import TYPES
from stflow_lib.data.simulate.streams import ar1_noise, substream

Bump = tuple[float, float, float]


@dataclass(frozen=True)
class Purpose:
    """Round trips from a home end to an away end.

    home, away: pull of each land use at either end. out, back: rhythms (working day, free
    day), each a sum of bumps (hour, width in hours, height). wet, warm: change of the log
    volume per unit of wetness and per 10 degrees above 12 degrees C.
    """

    home: dict[str, float]
    away: dict[str, float]
    out: tuple[tuple[Bump, ...], tuple[Bump, ...]]
    back: tuple[tuple[Bump, ...], tuple[Bump, ...]]
    volume: float
    wet: float = 0.0
    warm: float = 0.0


PURPOSES = {
    "work": Purpose(
        home={"residential": 1, "hub": 0.4, "leisure": 0.15, "office": 0.1, "industrial": 0.1},
        away={"office": 1, "industrial": 0.6, "hub": 0.25, "leisure": 0.15, "residential": 0.1},
        out=(((8.0, 1.0, 1.0), (13.0, 1.5, 0.15)), ((9.0, 1.5, 0.12),)),
        back=(((17.8, 1.3, 0.8), (12.3, 1.2, 0.15)), ((17.0, 2.0, 0.1),)),
        volume=1.0,
    ),
    "leisure": Purpose(
        home={"residential": 1, "office": 0.35, "hub": 0.5, "leisure": 0.2, "industrial": 0.05},
        away={"leisure": 1, "residential": 0.12, "hub": 0.1, "park": 0.1, "office": 0.05},
        out=(((19.2, 1.5, 0.7), (12.5, 1.0, 0.2)), ((14.5, 2.5, 0.5), (20.0, 1.6, 0.9))),
        back=(((22.3, 1.4, 0.7), (14.0, 1.0, 0.15)), ((18.0, 2.0, 0.4), (23.8, 1.8, 0.9))),
        volume=0.8, wet=-0.4, warm=0.05,
    ),
    "outing": Purpose(
        home={"residential": 1, "hub": 0.3, "leisure": 0.1, "office": 0.1},
        away={"park": 1, "leisure": 0.15, "residential": 0.05},
        out=(((16.5, 2.0, 0.3), (10.5, 1.5, 0.15)), ((11.5, 2.0, 1.0), (15.0, 1.5, 0.5))),
        back=(((18.5, 1.8, 0.4),), ((17.0, 2.0, 1.2),)),
        volume=0.5, wet=-1.5, warm=0.3,
    ),
    "travel": Purpose(
        home={"residential": 0.6, "office": 0.8, "leisure": 0.5, "industrial": 0.1},
        away={"hub": 1, "office": 0.05, "leisure": 0.05},
        out=(((6.8, 1.2, 0.7), (16.5, 2.0, 0.6), (12.0, 3.0, 0.3)),
             ((9.5, 2.0, 0.5), (17.5, 2.5, 0.6))),
        back=(((9.0, 1.3, 0.7), (19.5, 2.0, 0.6), (13.0, 3.0, 0.3)),
              ((11.0, 2.5, 0.4), (20.0, 2.2, 0.7))),
        volume=0.7, wet=0.25,
    ),
    "goods": Purpose(
        home={"industrial": 1, "hub": 0.5, "office": 0.15},
        away={"office": 0.5, "leisure": 0.5, "industrial": 0.4, "residential": 0.3, "hub": 0.3},
        out=(((6.0, 1.3, 0.7), (11.0, 2.5, 0.6)), ((9.0, 2.0, 0.12),)),
        back=(((9.0, 1.5, 0.4), (15.5, 2.5, 0.7)), ((14.0, 2.5, 0.12),)),
        volume=0.5, wet=-0.1,
    ),
}  # fmt: skip
WAYS = ("out", "back")
QUIET = 0.02  # what is left of every rhythm at its quietest hour


def ends(name: str, types: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masses (home, away) of a purpose's two ends [rows, cols]: pull of the type x mass."""
    purpose = PURPOSES[name]

    def pull(end):
        return np.array([end.get(use, 0.0) for use in TYPES])[types] * mass

    return unit(pull(purpose.home)), unit(pull(purpose.away))


def rhythm(bumps: tuple[Bump, ...], hour: np.ndarray) -> np.ndarray:
    """QUIET + sum_b height_b exp(-(hour - hour_b)^2 / (2 width_b^2)) on the 24-hour circle."""

    def gap(centre):
        return (hour - centre + 12) % 24 - 12

    return QUIET + sum(h * np.exp(-0.5 * (gap(c) / w) ** 2) for c, w, h in bumps)


def expected_volume(name: str, way: str, sky) -> np.ndarray:
    """Volume [T] of one purpose and way before moods.

    `sky` [T] is the frame of `weather.make_sky`: free days take the free rhythm, and the
    volume changes by exp(wet x wetness + warm x (temperature - 12) / 10).
    """
    purpose = PURPOSES[name]
    working, free = getattr(purpose, way)
    hour, off = sky["clock"].to_numpy(), sky["free"].to_numpy()
    daily = np.where(off, rhythm(free, hour), rhythm(working, hour))
    log = purpose.wet * sky["wetness"] + purpose.warm * (sky["temperature"] - 12) / 10
    return purpose.volume * daily * np.exp(log.to_numpy())


def volumes(sky, step_minutes: int, mood: float, seed: int, districts: int) -> np.ndarray:
    """Volume [T, purpose, way, district]: what is expected, times each district's mood.

    A mood is exp(m z - m^2 / 2), mean 1, with z a three-hour AR(1) of unit variance and
    m = `mood`. No calendar tells it, but the map of the city's flow does.
    """
    expected = np.array([[expected_volume(p, way, sky) for way in WAYS] for p in PURPOSES])
    shape = (len(sky), len(PURPOSES), 1, districts)
    z = ar1_noise(substream(seed, "moods"), shape, step_minutes / 60, 3.0)
    return np.moveaxis(expected, -1, 0)[..., None] * np.exp(mood * z - mood**2 / 2)
