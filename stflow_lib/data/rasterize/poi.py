"""Places of OpenStreetMap -> counts per cell in 14 groups.

The `fclass` of a place is its OSM amenity. GROUPS says which of them stand for one activity of
people; STREET_FURNITURE and the like are no destinations and are dropped by name. A blank, cut
or rare class (fewer than five places in every city seen) is unmapped: counted, never guessed.
"""

import warnings

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.cells import cell_index, count_points, none_in_box, points_e5
from stflow_lib.data.schema import DIMS, Box

GROUPS = {
    "food": ("restaurant", "fast_food", "food_court", "ice_cream", "catering"),
    "cafe": ("cafe",),
    "nightlife": ("bar", "pub", "nightclub", "biergarten", "stripclub", "brewery", "club"),
    "shop": ("marketplace", "convenience", "clothes", "dry_cleaner", "laundry", "nail_salon",
             "salon", "retail"),
    "finance": ("bank", "atm", "bureau_de_change", "check_cashing", "money_transfer",
                "currency_exchange", "tax_service", "insurance"),
    "education": ("school", "kindergarten", "college", "university", "childcare", "training",
                  "preschool", "driving_school", "tutor"),
    "health": ("hospital", "pharmacy", "doctors", "dentist", "clinic", "veterinary",
               "nursing_home", "urgent_care", "optometrist"),
    "worship": ("place_of_worship", "grave_yard"),
    "culture": ("theatre", "cinema", "arts_centre", "library", "studio", "gallery", "tourist",
                "music_venue", "events_venue"),
    "leisure": ("swimming_pool", "gym", "dojo", "spa", "bbq", "community_centre",
                "social_facility", "social_centre", "exercise_facility", "public_bath"),
    "government": ("townhall", "courthouse", "public_building", "embassy", "post_office"),
    "safety": ("police", "fire_station", "prison"),
    "transit": ("bus_station", "ferry_terminal", "taxi", "bicycle_rental", "car_sharing",
                "car_rental"),
    "car": ("fuel", "parking", "car_wash", "charging_station", "car_repair"),
}  # fmt: skip
STREET_FURNITURE = (
    "bicycle_parking", "bicycle_repair_station", "motorcycle_parking", "parking_entrance",
    "parking_exit", "parking_space", "bench", "picnic_table", "shelter", "toilets", "shower",
    "drinking_water", "water_point", "fountain", "waste_basket", "waste_disposal", "recycling",
    "recycling;waste_basket", "post_box", "telephone", "emergency_phone", "vending_machine",
    "compressed_air", "clock", "public_bookcase", "flower_containers", "flower_planter",
    "statue", "artwork", "sign", "flagpole",
)  # fmt: skip
GONE = ("school (historic)", "hospital (historic)", "hospital (historical)",
        "theatre (historic)")  # fmt: skip


def unmapped(places: pd.DataFrame, groups=GROUPS) -> pd.Series:
    """How many places each fclass has that is neither in a group nor dropped by name."""
    known = {*STREET_FURNITURE, *GONE, *(name for names in groups.values() for name in names)}
    return places.loc[~places["fclass"].isin(known), "fclass"].value_counts(dropna=False)


def poi_grids(
    places: pd.DataFrame, box: Box, rows: int, cols: int, groups=GROUPS
) -> xr.DataArray:
    """Places per cell in each group: poi (category, row, col) float32, row 0 north.

    places: columns fclass, lat, lon (degrees). The attributes count all places, those dropped,
    unmapped and, of the mapped ones, outside the box. DataError names a missing column, the
    first place without coordinates or that stands twice, a class in two groups, and says when
    no place is counted. A warning says when most places of people are unmapped or outside.
    """
    group_of = _group_of(groups)
    lat, lon = _places_e5(places)
    is_mapped = places["fclass"].isin(group_of.keys()).to_numpy()
    mapped = places[is_mapped]
    category = mapped["fclass"].map(group_of).to_numpy(np.int64)
    cell = cell_index(lat[is_mapped], lon[is_mapped], box, rows, cols)
    points = count_points(category, cell, len(groups), rows, cols)
    if not points.any():
        raise none_in_box("places", lat, lon, box)
    counts = exact(points, np.float32, "places")
    lost = int(unmapped(places, groups).sum())
    if 2 * counts.sum() < len(mapped) + lost:
        warnings.warn(f"places: {counts.sum():.0f} of {len(mapped) + lost} are counted, others "
                      f"are outside {box} or of unknown class", stacklevel=2)  # fmt: skip
    attrs = {"places": len(places), "dropped": len(places) - len(mapped) - lost,
             "unmapped": lost, "outside": int((cell < 0).sum())}  # fmt: skip
    return xr.DataArray(counts, {"category": list(groups)}, DIMS["poi"], "poi", attrs)


def _places_e5(places) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of all places in 1e-5 degrees; DataError for a table that cannot be places."""
    missing = [name for name in ("fclass", "lat", "lon") if name not in places]
    if missing:
        raise DataError(f"places: columns {missing} are missing")
    if not len(places):
        raise DataError("places: the table is empty")
    same = [name for name in ("osm_id", "fclass", "lat", "lon") if name in places]
    double = places.duplicated(same).to_numpy()
    if "osm_id" in same and double.any():
        raise DataError(f"places: row {int(np.argmax(double))} repeats an earlier one")
    degrees = (pd.to_numeric(places[axis], errors="coerce") for axis in ("lat", "lon"))
    return points_e5(*degrees, "places")


def _group_of(groups) -> dict[str, int]:
    """fclass -> position of its group."""
    pairs = [(name, at) for at, names in enumerate(groups.values()) for name in names]
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise DataError(f"groups: {max(names, key=names.count)!r} stands in two of them")
    return table
