"""Places of OpenStreetMap -> counts per cell in 14 groups.

The `fclass` of a place is its OSM amenity. GROUPS says which of them stand for one activity of
people; STREET_FURNITURE and the like are no destinations and are dropped by name. A blank, cut
or rare class (fewer than five places in every city seen) is unmapped: counted, never guessed.
"""

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.cells import cell_index, count_points, degrees_e5
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
    return places.loc[~places["fclass"].isin(known), "fclass"].value_counts()


def poi_grids(
    places: pd.DataFrame, box: Box, rows: int, cols: int, groups=GROUPS
) -> xr.DataArray:
    """Places per cell in each group: poi (category, row, col) float32, row 0 north.

    places: columns fclass, lat, lon (degrees). The attributes count all places, those dropped,
    unmapped and, of the mapped ones, outside the box. DataError names a missing column, the
    first place without coordinates or a class in two groups.
    """
    _demand_places(places)
    group_of = _group_of(groups)
    mapped = places[places["fclass"].isin(group_of.keys())]
    category = mapped["fclass"].map(group_of).to_numpy(np.int64)
    lat, lon = (degrees_e5(mapped[axis]) for axis in ("lat", "lon"))
    cell = cell_index(lat, lon, box, rows, cols)
    counts = count_points(category, cell, len(groups), rows, cols).astype(np.float32)
    lost = int(unmapped(places, groups).sum())
    attrs = {"places": len(places), "dropped": len(places) - len(mapped) - lost,
             "unmapped": lost, "outside": int((cell < 0).sum())}  # fmt: skip
    return xr.DataArray(counts, {"category": list(groups)}, DIMS["poi"], "poi", attrs)


def _demand_places(places):
    missing = [name for name in ("fclass", "lat", "lon") if name not in places]
    if missing:
        raise DataError(f"places: columns {missing} are missing")
    lost = np.flatnonzero(~np.isfinite(places[["lat", "lon"]].to_numpy(float)).all(axis=1))
    if lost.size:
        raise DataError(f"places: no coordinates in row {lost[0]}")


def _group_of(groups) -> dict[str, int]:
    """fclass -> position of its group."""
    pairs = [(name, at) for at, names in enumerate(groups.values()) for name in names]
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise DataError(f"groups: {max(names, key=names.count)!r} stands in two of them")
    return table
