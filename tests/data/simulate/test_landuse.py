"""Land use, POI, roads, calendar, weather: the ingredients of every simulated city."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.poi import GROUPS
from stflow_lib.data.simulate import TYPES, imbalanced_shares, simulate_grid
from stflow_lib.data.simulate.landuse import (
    cell_counts,
    districts,
    masses,
    poi_counts,
    poi_mix,
    type_map,
)
from stflow_lib.data.simulate.purposes import PURPOSES, expected_volume, rhythm
from stflow_lib.data.simulate.roads import road_maps
from stflow_lib.data.simulate.streams import ar1_noise, substream
from stflow_lib.data.simulate.weather import CLASSES, FACTORS, holidays, make_sky, weather_class


def test_shares_are_reached_to_one_cell():
    shares = {"residential": 0.70, "office": 0.20, "leisure": 0.08, "hub": 0.02}
    types = type_map(20, 20, shares, 1.0, seed=5)
    counts = np.bincount(types.ravel(), minlength=len(TYPES))
    assert counts.tolist() == [280, 80, 32, 8, 0, 0, 0]


def test_rounding_of_shares_loses_no_cell():
    """Floor alone would leave cells without a type (index -1 would read the last type)."""
    counts = cell_counts(dict.fromkeys(TYPES[:3], 1.0), 100)
    assert counts.tolist() == [34, 33, 33, 0, 0, 0, 0]


@pytest.mark.parametrize("wrong", [{"office": -1.0}, {"office": 0.0}, {"office": np.nan}])
def test_impossible_shares_are_refused(wrong):
    with pytest.raises(DataError, match="type_shares"):
        cell_counts({"residential": 0.5} | wrong if wrong["office"] != 0 else wrong, 10)


def test_imbalance_is_the_ratio_of_the_commonest_to_the_rarest():
    share = imbalanced_shares(35)
    values = np.array(list(share.values()))
    assert np.isclose(values.sum(), 1) and np.isclose(values[0] / values[-1], 35)
    assert np.allclose(values[1:] / values[:-1], values[1] / values[0])
    assert np.allclose(list(imbalanced_shares(1).values()), 1 / 6)
    with pytest.raises(DataError, match="imbalance"):
        imbalanced_shares(0.5)


def test_imbalance_changes_shares_and_nothing_else():
    """Weather, moods and what a type means must not move with the shares (one stream each)."""
    pairs = [simulate_grid(8, 8, 3, type_shares=imbalanced_shares(i)) for i in (1, 30)]
    (even, even_truth), (skew, skew_truth) = pairs
    assert np.array_equal(even.external, skew.external)
    ratio = (skew_truth.volume / even_truth.volume).values
    assert np.allclose(ratio, ratio[0, 0])  # one constant: the mean flow stays as asked for
    kept = even_truth.type.values == skew_truth.type.values
    assert 0 < kept.sum() < kept.size
    same = np.where(kept, even_truth.mass.values, 0), np.where(kept, skew_truth.mass.values, 0)
    assert np.array_equal(*same)


def test_types_lie_in_patches_not_as_salt_and_pepper():
    """Neighbours agree more often than shuffled cells do: else blocks would all look alike."""
    types = type_map(24, 24, imbalanced_shares(1), 1.3, seed=0)
    agree = (types[:, 1:] == types[:, :-1]).mean()
    assert agree > 2 / 6


def test_poi_follow_mass_and_mix():
    types = np.repeat(np.arange(7, dtype=np.int8), 4000).reshape(7, 4000)
    mass = np.full(types.shape, 1.5)
    poi = poi_counts(types, mass, seed=0)
    assert poi.shape == (len(GROUPS), 7, 4000)
    expected = 40 * 1.5 * poi_mix().T
    assert (np.abs(poi.mean(2) - expected) <= 5 * np.sqrt(expected / 4000)).all()
    assert np.allclose(poi_mix().sum(1), [1, 1, 1, 1, 1, 1, 0])


def test_water_has_no_mass_and_other_types_have():
    types = type_map(16, 16, {"water": 0.3, "office": 0.7}, 1.0, seed=0)
    mass = masses(types, seed=0)
    assert np.array_equal(mass == 0, types == TYPES.index("water"))


def test_districts_are_a_partition_of_unity():
    weights = districts(9, 13)
    assert weights.shape == (4, 9, 13) and np.allclose(weights.sum(0), 1)
    assert np.array_equal(weights[0].argmax(), 0)


@pytest.mark.parametrize("side", [16, 64])
def test_roads_have_three_ranks_of_falling_length(side):
    roads = road_maps(side, side, seed=1)
    assert all(0 <= w.min() and w.max() <= 1 for w in roads.values())
    share = {rank: (w > 0.5).mean() for rank, w in roads.items()}
    assert share["street"] > share["avenue"] > 0 and share["street"] > share["motorway"] > 0


def test_external_columns_keep_their_ranges_and_agree_with_the_calendar():
    """Ranges of TaxiBJ's seven columns: embeddings are sized for weekday 1..7, hour, class."""
    sky = make_sky("2024-01-01", 366, 60, seed=2)
    time = sky.index
    assert tuple(FACTORS) == (
        "temperature",
        "wind",
        "holiday",
        "weekend",
        "weekday",
        "hour",
        "weather",
    )
    assert np.array_equal(sky.weekday, time.dayofweek + 1) and np.array_equal(
        sky.hour, time.hour
    )
    assert np.array_equal(sky.weekend, time.dayofweek >= 5)
    assert sky.temperature.between(-24.6, 41).all() and sky.wind.between(0, 48.6).all()
    assert sky.weather.isin(range(1, len(CLASSES) + 1)).all() and sky.weather.nunique() > 8
    wet_class = sky.weather.between(4, 13)
    assert np.array_equal(sky.wetness > 0, wet_class | ((sky.wetness > 0) & (sky.weather > 13)))
    assert not sky.wetness[~wet_class & (sky.weather < 14)].any()


def test_one_holiday_in_each_fortnight_and_never_at_a_weekend():
    first = pd.Timestamp("2025-03-03")
    days = holidays(first, 56, seed=0)
    assert [(d - first).days // 14 for d in days] == [0, 1, 2, 3]
    assert days.dayofweek.isin([1, 2, 3]).all()


@pytest.mark.parametrize(
    ("sky", "degrees", "wind", "name"),
    [(-1, 10, 8, "sunny"), (1.0, 10, 8, "light rain"), (0.8, -3, 8, "light snow"),
     (0.7, 0.5, 8, "freezing rain"), (0, 10, 30, "gale"), (0.3, 10, 2, "fog"),
     (2.5, 10, 8, "rainstorm"), (2.5, 25, 8, "thunderstorm")],
)  # fmt: skip
def test_weather_classes(sky, degrees, wind, name):
    code = weather_class(np.array([sky]), np.array([degrees]), np.array([wind]))
    assert CLASSES[code[0] - 1] == name


def test_rhythm_is_periodic_and_peaks_where_its_bump_is():
    hour = np.linspace(0, 24, 2401)
    curve = rhythm(((23.5, 1.0, 0.7),), hour)
    assert np.isclose(curve[0], curve[-1]) and np.isclose(hour[curve.argmax()], 23.5)
    assert np.isclose(curve.max(), 0.72)


def test_rain_and_holidays_change_the_volume_as_stated():
    sky = make_sky("2025-03-03", 1, 60, seed=0).assign(wetness=0.0, temperature=12.0)
    wet = sky.assign(wetness=1.0)
    for name, purpose in PURPOSES.items():
        ratio = expected_volume(name, "out", wet) / expected_volume(name, "out", sky)
        assert np.allclose(np.log(ratio), purpose.wet)
    work = expected_volume("work", "out", sky.assign(free=False))
    assert work.max() > 3 * expected_volume("work", "out", sky.assign(free=True)).max()


def test_wander_has_unit_variance_and_the_memory_asked_for():
    z = ar1_noise(np.random.default_rng(0), (400, 2000), 0.5, 3.0)
    assert np.allclose(z.var(1), 1, atol=0.15)
    correlation = (z[6:] * z[:-6]).mean()
    assert np.isclose(correlation, np.exp(-1), atol=0.01)


def test_streams_differ_by_name_and_part():
    draws = {substream(0, n, p).integers(2**62) for n in ("mass", "poi") for p in (0, 1)}
    assert len(draws) == 4
