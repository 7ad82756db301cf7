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


def test_a_stream_is_the_same_each_time_and_part():
    """Threads draw days in any order: a generator that goes on from the last
    one would not do."""
    first, again = (substream(7, "counts", 3).standard_normal(5) for _ in range(2))
    assert first.tolist() == again.tolist()
    assert substream(8, "counts", 3).standard_normal(5).tolist() != first.tolist()


def test_noise_obeys_its_recursion():
    """z_t = a z_(t-1) + sqrt(1 - a^2) e_t, with the first value of unit variance already."""
    rng, again = (substream(0, "noise") for _ in range(2))
    z, a = ar1_noise(rng, (50, 3), 0.5, 2.0), np.exp(-0.25)
    e = again.standard_normal((50, 3))
    np.testing.assert_allclose(z[0], e[0])
    np.testing.assert_allclose(z[1:], a * z[:-1] + np.sqrt(1 - a**2) * e[1:])
