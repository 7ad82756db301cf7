"""Places to category grids: every class accounted for, and counted where it stands."""

import warnings

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import poi
from stflow_lib.data.schema import Box

BOX = Box(41.0, 41.2, -88.0, -87.7)


def places(*rows):
    return pd.DataFrame(rows, columns=["fclass", "lat", "lon"])


def test_places_are_counted_in_their_cell_and_group():
    """Row 0 north; furniture dropped, unknown classes reported, places off the box counted."""
    grid = poi.poi_grids(
        places(("restaurant", 41.19, -87.99), ("fast_food", 41.19, -87.99),
               ("bank", 41.0, -87.71), ("bench", 41.1, -87.9), ("zeppelin", 41.1, -87.9),
               ("cafe", 41.2, -87.9)),
        BOX, 4, 3,
    )  # fmt: skip
    want = np.zeros((14, 4, 3), np.float32)
    want[list(poi.GROUPS).index("food"), 0, 0] = 2
    want[list(poi.GROUPS).index("finance"), 3, 2] = 1
    np.testing.assert_array_equal(grid, want)
    assert grid["category"].values.tolist() == list(poi.GROUPS) and grid.dtype == np.float32
    assert grid.attrs == {"places": 6, "dropped": 1, "unmapped": 1, "outside": 1}


def test_groups_are_fourteen_and_no_class_stands_twice():
    """A class in two groups, or in one and dropped too, would be counted by order of a dict."""
    names = [name for group in poi.GROUPS.values() for name in group]
    every = [*names, *poi.STREET_FURNITURE, *poi.GONE]
    assert len(poi.GROUPS) == 14 and len(every) == len(set(every))
    with pytest.raises(DataError, match="groups: 'bar' stands in two"):
        poi.poi_grids(places(), BOX, 1, 1, groups={"a": ("bar", "pub"), "b": ("bar",)})


def test_own_groups_may_be_given():
    grid = poi.poi_grids(
        places(("bench", 41.1, -87.9)), BOX, 1, 1, groups={"seats": ("bench",)}
    )
    assert grid.values.tolist() == [[[1.0]]]
    assert grid.attrs == {"places": 1, "dropped": 0, "unmapped": 0, "outside": 0}


@pytest.mark.parametrize(
    "table, message",
    [
        (places()[["lat", "lon"]], r"places: columns \['fclass'\] are missing"),
        (places(("bar", 41.1, -87.9), ("bar", np.nan, -87.9)), "no coordinates in row 1"),
        (places(("bar", 41.1, -87.9), ("bar", 411.0, -87.9)), "no coordinates in row 1"),
        (places(("bar", 41.1, -87.9), ("bar", "41,1", -87.9)), "no coordinates in row 1"),
        (places(("bar", -87.9, 41.1)), r"places: none of 1 places .* latitude -87.9"),
        (places(("bench", 41.1, -87.9)), r"places: none of 1 places is counted"),
        (places(), "places: the table is empty"),
        (places(*[("bar", 41.1, -87.9)] * 2).assign(osm_id=7), "row 1 repeats an earlier one"),
    ],
)
def test_bad_tables_are_named(table, message):
    with pytest.raises(DataError, match=message):
        poi.poi_grids(table, BOX, 1, 1)


@pytest.mark.parametrize(
    "name", ["nyc-2016", "dc-2016", "dc-2017", "chicago-2016", "chicago-2020"]
)
def test_every_real_class_of_five_places_is_accounted_for(real_data, name):
    """All but blanks and a few cut or rare names find a group or a reason to drop."""
    path = real_data / "poi" / f"{name}.parquet"
    if not path.exists():
        pytest.skip("real data: poi is not in the folder")
    table = pd.read_parquet(path)
    rest = poi.unmapped(table)
    assert set(rest[rest >= 5].index) <= {" "}
    assert rest.sum() < 0.02 * len(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = poi.poi_grids(table, Box(38, 43, -88, -73), 6, 6)
    kept = whole.attrs
    assert whole.sum() == kept["places"] - kept["dropped"] - kept["unmapped"] - kept["outside"]


def test_a_place_without_a_class_is_unmapped_not_dropped():
    """Nothing was said about it; only street furniture is dropped on purpose."""
    grid = poi.poi_grids(places(("bar", 41.1, -87.9), (None, 41.1, -87.9)), BOX, 1, 1)
    assert grid.attrs == {"places": 2, "dropped": 0, "unmapped": 1, "outside": 0}


def test_a_map_that_lost_most_places_says_so():
    rows = [("bar", 41.1, -87.9), ("bar", 45.1, -87.9), ("zeppelin", 41.1, -87.9)]
    with pytest.warns(UserWarning, match="places: 1 of 3 are counted"):
        poi.poi_grids(places(*rows), BOX, 1, 1)
