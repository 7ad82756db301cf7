"""Random streams: one for each ingredient, and noise with the memory asked for."""

import numpy as np

from stflow_lib.data.simulate.streams import ar1_noise, substream


def test_wander_has_unit_variance_and_the_memory_asked_for():
    z = ar1_noise(np.random.default_rng(0), (400, 2000), 0.5, 3.0)
    assert np.allclose(z.var(1), 1, atol=0.15)
    correlation = (z[6:] * z[:-6]).mean()
    assert np.isclose(correlation, np.exp(-1), atol=0.01)


def test_streams_differ_by_name_and_part():
    draws = {substream(0, n, p).integers(2**62) for n in ("mass", "poi") for p in (0, 1)}
    assert len(draws) == 4
