"""Land use, POI, roads, calendar, weather: the ingredients of every simulated city."""

import numpy as np
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
