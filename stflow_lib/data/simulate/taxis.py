"""Position reports of simulated taxis, where the real ones are not here."""

import numpy as np

from stflow_lib.data.rasterize.gps import Fixes

HUBS = np.array([[37.79, -122.405], [37.765, -122.42], [37.775, -122.46]])  # of San Francisco
SHARES = (0.5, 0.3, 0.2)  # of the stops at each hub
BLOCK = 0.002  # degrees between street crossings
METRES = (111_195, 87_900)  # a degree of latitude and of longitude there
SPEED = 7.0  # m/s
BEGIN = 1_211_018_400  # unix seconds of 2008-05-17 03:00 in San Francisco


def simulate_fixes(taxis: int, days: int, seed: int) -> Fixes:
    """Fixes of taxis that drive north-south and then east-west between three hubs.

    Ten hours a day, a fix about every minute, with a passenger on every second ride.
    """
    random = np.random.default_rng(seed)
    columns = [_one_taxi(taxi, days, random) for taxi in range(taxis)]
    return Fixes(*np.concatenate(columns, axis=1), source="simulated taxis")


def _one_taxi(taxi: int, days: int, random: np.random.Generator) -> list[np.ndarray]:
    """Number, time, latitude and longitude times 1e5, and whether somebody is on board."""
    path, passed = _route(days, random)
    time = np.cumsum(random.integers(45, 76, 1440 * days))
    shift = random.normal(9, 4)  # hour of the day at which this taxi's ten hours begin
    time = time[(time / 3600 + 3 - shift) % 24 < 10]  # the record begins at 3:00
    place = np.stack([np.interp(time, passed, axis) for axis in path.T])
    place += random.normal(0, 5e-5, place.shape)  # five metres
    ride = np.searchsorted(passed, time) // 2 % 2
    return [np.full(len(time), taxi), BEGIN + time, *np.trunc(place * 1e5), ride]


def _route(days: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Corners [K, 2] in degrees, a stop and a turn by turns, and the second of each."""
    stops = HUBS[random.choice(3, 200 * days, p=SHARES)]
    stops += random.normal(0, 0.011, stops.shape)
    stops = np.round(stops / BLOCK) * BLOCK
    turns = np.stack([stops[1:, 0], stops[:-1, 1]], axis=1)
    path = np.insert(stops, np.arange(1, len(stops)), turns, axis=0)
    metres = np.abs(np.diff(path, axis=0)) @ METRES
    return path, np.insert(np.cumsum(metres / SPEED), 0, 0.0)
