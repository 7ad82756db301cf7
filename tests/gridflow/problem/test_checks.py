"""Cities that cannot meet: every error comes first and names the city."""

from dataclasses import replace

import numpy as np
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import graph_city, with_content_hash
from stflow_lib.gridflow import Choices, make_task
from stflow_lib.gridflow.problem.checks import first_step
from stflow_lib.gridflow.problem.protocol import PROTOCOLS


def test_a_source_without_poi_is_an_error(receiver, make_grid, twelve):
    bare = make_grid("bare", poi=False)
    with pytest.raises(DataError, match="bare: a source without POI"):
        make_task(receiver, [bare], twelve)
    empty = bare.assign(poi=(("category", "row", "col"), np.zeros((14, 4, 5), np.float32)))
    with pytest.raises(DataError, match="bare: poi is zero everywhere"):
        make_task(receiver, [empty], twelve)
    assert (
        make_task(receiver, [bare], twelve, choices=Choices(need_poi=False)).sources[0].poi
        is None
    )


@pytest.mark.parametrize("days, have", [(8, "7.75"), (20, "7.75"), (-2, "7.75")])
def test_a_target_shorter_than_its_days_is_an_error(receiver, lender, twelve, days, have):
    """Eight days begin at hour 0, where no window of six hours ends."""
    with pytest.raises(DataError, match=f"receiver: {days} days of .* P12 has {have} before"):
        make_task(receiver, [lender], twelve, days=days)


def test_different_steps_are_an_error(receiver, make_grid, twelve):
    half = make_grid("half", minutes=30)
    with pytest.raises(DataError, match="half: step_minutes 30, target receiver 60"):
        make_task(receiver, [half], twelve)


def test_different_directions_are_an_error(receiver, make_grid, twelve):
    turned = make_grid("turned", directions=("dropoff", "pickup"))
    with pytest.raises(DataError, match=r"turned: directions \['dropoff', 'pickup'\], target"):
        make_task(receiver, [turned], twelve)


@pytest.mark.parametrize("zone", ["America/Chicago", "nominal"])
def test_different_zones_are_an_error(receiver, make_grid, twelve, zone):
    """Unless the protocol says that local days meet, and both have local days."""
    away = make_grid("away", zone=zone)
    with pytest.raises(DataError, match=f"away: zone {zone}, target receiver America/New_York"):
        make_task(receiver, [away], twelve)
    local = replace(twelve, local_clocks=True)
    if zone == "nominal":
        with pytest.raises(DataError, match="away: zone nominal"):
            make_task(receiver, [away], local)
    else:
        assert make_task(receiver, [away], local).sources[0].name == "away"


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_city_shorter_than_the_protocol_is_an_error(lender, receiver, role):
    with pytest.raises(DataError, match="288 steps, protocol P90 needs 2160"):
        make_task(receiver, [lender] if role == "source" else [], PROTOCOLS["P90"])


def test_a_graph_city_is_an_error(receiver, twelve):
    """Its speeds have no rows and columns to convolve over."""
    speed, sensors = np.ones((288, 3), np.float32), np.arange(3.0)
    card = {key: value for key, value in receiver.attrs.items() if key != "kind"} | {
        "unit": "mph"
    }
    graph = with_content_hash(
        graph_city(speed, receiver.time, np.ones((3, 3)), sensors, sensors + 1, **card)
    )
    with pytest.raises(DataError, match="receiver: a graph city, not a grid"):
        make_task(graph, (), twelve)


def test_contract_of_the_city_is_checked(receiver, twelve):
    broken = receiver.assign(flow=receiver.flow - 1)
    with pytest.raises(DataError, match="flow must be not negative"):
        make_task(broken, (), twelve)


def test_first_step_leaves_room_for_the_inputs(receiver, twelve):
    """Validation begins at 192; without days nothing is read before it."""
    assert (
        first_step(receiver, twelve, 3, 6) == 120 and first_step(receiver, twelve, 0, 6) == 192
    )
    assert first_step(receiver, twelve, 8, 0) == 0
    with pytest.raises(DataError, match="8 days"):
        first_step(receiver, twelve, 8, 1)
