"""One seed, many random streams: each ingredient of a city draws from its own.

So a change of one ingredient (more offices, another hour of weather) leaves the draws of all
others as they were, and a city is the same on every machine and with any number of threads.
"""

from zlib import crc32

import numpy as np


def substream(seed: int, name: str, part: int = 0) -> np.random.Generator:
    """The generator of ingredient `name` (PCG64); `part` numbers its independent pieces."""
    return np.random.Generator(np.random.PCG64([seed, crc32(name.encode()), part]))


def ar1_noise(rng: np.random.Generator, shape: tuple, step_hours: float, memory_hours: float):
    """Stationary AR(1) of mean 0 and variance 1 along axis 0, float64 of `shape`.

    z_t = a z_{t-1} + sqrt(1 - a^2) e_t with a = exp(-step / memory).
    """
    from scipy.signal import lfilter  # where it is used: the import takes two seconds

    a = np.exp(-step_hours / memory_hours)
    noise = rng.standard_normal(shape)
    noise[1:] *= np.sqrt(1 - a**2)
    return lfilter([1.0], [1.0, -a], noise, axis=0)
