"""Rules of the city contract: for each one city that breaks it, and the error's words."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.schema import check_city, graph_city, grid_city, with_content_hash

CARD = {
    "name": "toy", "step_minutes": 60, "zone": "nominal", "source": "test", "licence": "MIT",
}  # fmt: skip


def grid(flow=None, directions=("entries",), extra=None, **attrs):
    flow = np.ones((8, len(directions), 2, 3)) if flow is None else flow
    time = pd.date_range("2024-05-06", periods=8, freq="h")
    city = grid_city(flow, time, directions, **{**CARD, "unit": "trips", **attrs})
    return city.assign(extra or {})


def graph(speed=30.0, links=None, lat=(50.0, 50.1), lon=(8.0, 8.1), node=(5, 7), **attrs):
    time = pd.date_range("2024-05-06", periods=8, freq="h")
    links = np.ones((2, 2)) if links is None else links
    card = {**CARD, "unit": "km/h", **attrs}
    return graph_city(np.full((8, 2), speed), time, links, lat, lon, node, **card)


def valid(value):
    return {"valid": (("direction", "row", "col"), np.full((1, 2, 3), value))}


def factors(names):
    values = np.ones((8, len(names)), np.float32)
    return {"external": (("time", "factor"), values), "factor": list(names)}


SWAPPED = {"lat_min": 56.0, "lat_max": 56.3, "lon_min": 10.0, "lon_max": 10.3}
SPLIT = "must be three numbers of steps, .* that add up to all 8"
BROKEN = {
    "split short of the steps": (lambda: grid(split=(4, 1, 1)), rf"split \(4, 1, 1\) {SPLIT}"),
    "split beyond the steps": (lambda: grid(split=(4, 2, 3)), SPLIT),
    "split in shares": (lambda: grid(split=(0.5, 0.25, 0.25)), SPLIT),
    "split without a test": (lambda: grid(split=(6, 2)), SPLIT),
    "no training": (lambda: grid(split=(0, 4, 4)), SPLIT),
    "zone of no place": (lambda: grid(zone="GMT+8"), "toy: zone 'GMT\\+8': rule 'an IANA name"),
    "zone that is a city": (lambda: grid(zone="Beijing"), "toy: zone 'Beijing'"),
    "step of 0": (lambda: grid(step_minutes=0), "toy: step_minutes 0 is no number of minutes"),
    "step not a number": (lambda: grid(step_minutes=np.nan), "step_minutes nan is no number"),
    "step in text": (lambda: grid(step_minutes="60"), "step_minutes '60' is no number"),
    "step below a second": (lambda: grid(step_minutes=1e-4), "step_minutes 0.0001 is no"),
    "no unit": (lambda: grid(unit=""), "toy: unit '' is no text"),
    "no licence": (lambda: grid(licence=None), "toy: licence None is no text"),
    "no flow at all": (lambda: grid(np.zeros((8, 1, 2, 3))), "toy: flow is zero everywhere"),
    "no valid cell": (lambda: grid(extra=valid(False)), "toy: valid is zero everywhere"),
    "one direction twice": (lambda: grid(directions=("in", "in")), r"direction \['in'\] stands"),
    "one factor twice": (lambda: grid(extra=factors(["hour"] * 2)), r"factor \['hour'\] stands"),
    "one sensor twice": (lambda: graph(node=(5, 5)), r"toy: node \[5\] stands there twice"),
    "sensor without a name": (lambda: graph(node=(5, np.nan)), "toy: a node has no name"),
    "no reading": (lambda: graph(np.nan), "toy: speed is missing or zero everywhere"),
    "standing for ever": (lambda: graph(0.0), "toy: speed is missing or zero everywhere"),
    "faster than roads": (lambda: graph(251.0), ("speed must be at most 250 km/h, first at time "
                          "0, node 0: 251")),
    "km/h called mph": (lambda: graph(180.0, unit="mph"), "speed must be at most 155 mph"),
    "unit of another thing": (lambda: graph(unit="trips"), "speed's unit 'trips' is none of mph"),
    "graph without an edge": (lambda: graph(links=np.eye(2)), "adjacency has no edge between"),
    "NaN edge": (lambda: graph(links=[[1, np.nan], [1, 1]]), ("adjacency must be finite, first at "
                 "node 0, node_to 1")),
    "negative edge": (lambda: graph(links=[[1, 1], [-1, 1]]), "adjacency must be not negative"),
    "places swapped": (lambda: graph(lat=(10.1, 10.2), lon=(56.1, 56.2), **SWAPPED),
                       "lat must be inside the box 56 to 56.3, first at node 0: 10.1"),
    "Californian places swapped": (lambda: graph(lat=(-118.1, -118.2), lon=(34.0, 34.1)),
                                   "lat must be inside the box -90 to 90"),
    "one place missing": (lambda: graph(lat=(50.0, np.nan)), "lat must be inside .* node 1: nan"),
    "longitudes missing": (lambda: graph(lon=(np.nan,) * 2), "lon must be inside .* node 0: nan"),
    "a sensor at zero": (lambda: graph(lat=(50.0, 0.0), lon=(8.0, 0.0)),
                         "lat must be a place: latitude and longitude are both zero, .* node 1"),
}  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN)
def test_a_city_that_contradicts_itself_or_its_card_is_refused(rule):
    make, message = BROKEN[rule]
    with pytest.raises(DataError, match=message):
        with_content_hash(make())


def test_an_adjacency_between_other_sensors_is_refused():
    city = graph().assign_coords(node_to=[5, 8])
    with pytest.raises(DataError, match="node and node_to name different sensors"):
        with_content_hash(city)
    oblong = graph().isel(node_to=[0])
    with pytest.raises(DataError, match="node and node_to name different sensors"):
        with_content_hash(oblong)


def test_without_an_adjacency_is_legal():
    """Neither isolated sensors nor other sensors' names are asked about where there is none."""
    city = with_content_hash(graph_city(
        np.full((8, 2), 30.0), pd.date_range("2024-05-06", periods=8, freq="h"), None,
        (50.0, 50.1), (8.0, 8.1), (5, 7), **CARD, unit="km/h",
    ))  # fmt: skip
    assert check_city(city) is city
    assert set(city.variables) == {"speed", "time", "node", "lat", "lon"}
    assert "isolated_sensors" not in city.attrs
    taken = with_content_hash(graph().drop_vars(["adjacency", "node_to"]))
    assert (
        taken.attrs["sha256"]
        == city.attrs["sha256"]
        != with_content_hash(graph()).attrs["sha256"]
    )


def test_the_other_rules_hold_without_an_adjacency():
    bare = lambda **how: graph(**how).drop_vars(["adjacency", "node_to"])
    with pytest.raises(DataError, match="speed must be at most 250 km/h"):
        with_content_hash(bare(speed=251.0))
    with pytest.raises(DataError, match="lat must be inside the box"):
        with_content_hash(bare(lat=(50.0, 95.0)))


def test_good_cities_pass():
    for city in (
        grid(split=(4, 2, 2)), grid(split=np.array([4, 2, 2])), grid(extra=valid(True)),
        grid(extra=factors(["hour", "weather"])), graph(zone="US/Eastern"),
        graph(lat=(np.nan,) * 2, lon=(np.nan,) * 2), graph(node=("a", "b")),
    ):  # fmt: skip
        assert len(with_content_hash(city).attrs["sha256"]) == 64
