"""Bad cities: what is changed is changed, in a copy, and nothing else."""

import numpy as np

from stflow_lib.book.plots.speedgraph import bad_cities


def test_a_copy_is_changed_and_the_city_is_not(make_city):
    city = make_city()
    silent = bad_cities.altered(city, bad_cities.with_readings(np.nan, 2), name="silent")
    assert silent.speed[:, 2].isnull().all() and not silent.speed[:, 3].isnull().any()
    assert not city.speed.isnull().any() and silent.attrs["name"] == "silent"
    assert silent.attrs["sha256"] != city.attrs["sha256"]


def test_one_reading_and_some_steps(make_city):
    city = make_city()
    one = bad_cities.altered(city, bad_cities.with_readings(90.0, 3, 7))
    assert one.speed.values[7, 3] == 90 and (one.speed != city.speed).sum() == 1
    assert bad_cities.altered(city, take=slice(None, 10)).sizes["time"] == 10


def test_links_are_cut_where_they_should_be(make_city):
    city = make_city()
    lone = bad_cities.altered(city, bad_cities.isolate_first).adjacency.values
    assert lone[0].tolist() == lone[:, 0].tolist() == [1, 0, 0, 0, 0, 0] and lone[1, 2] == 0.5
    halves = bad_cities.altered(city, bad_cities.cut_in_half).adjacency.values
    assert not halves[:3, 3:].any() and not halves[3:, :3].any() and halves[1, 2] == 0.5


def test_noise_keeps_readings_and_stays_within_its_days(make_city):
    """Noise on another day would let a leak of test data pass."""
    city = make_city()
    noisy, plain = bad_cities.with_noise(city, 2, 3).speed.values, city.speed.values
    assert (noisy[:288] == plain[:288]).all() and (noisy[432:] == plain[432:]).all()
    assert (noisy[288:432] != plain[288:432]).any()
    np.testing.assert_array_equal(np.sort(noisy[288:432], 0), np.sort(plain[288:432], 0))
