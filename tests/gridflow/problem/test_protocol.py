"""Where cities are cut: the printed indices, and the same shape for other lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.protocol import PROTOCOLS, by_sixths, protocol_of

PRINTED = {  # steps, validation, test; source steps, source validation
    "paper": (8784, 5904, 7344, 8784, 5858),
    "P90": (2160, 1440, 1800, 2160, 1440),
    "P100": (2400, 1632, 2016, 2400, 1600),
    "P59": (1416, 984, 1200, 1416, 944),
    "P60": (1440, 960, 1200, 1440, 960),
    "P24": (576, 384, 480, 2160, 1440),
}


@pytest.mark.parametrize("name", PRINTED)
def test_bounds_are_the_printed_ones(name):
    """One hour off, and no number can be set beside another's."""
    p = protocol_of(name)
    assert (p.steps, p.valid, p.test, p.source_steps, p.source_valid) == PRINTED[name]


def test_every_protocol_is_pinned_and_named_as_listed():
    assert set(PRINTED) == set(PROTOCOLS)
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())


def test_only_cities_of_several_zones_meet_by_local_clocks():
    """Otherwise a zone set wrongly would go unnoticed."""
    assert {n for n, p in PROTOCOLS.items() if p.local_clocks} == {"P59", "P24"}


def test_the_blizzard_is_an_event_of_p100_only():
    assert PROTOCOLS["P100"].event == (2184, 2300)
    assert not any(p.event for n, p in PROTOCOLS.items() if n != "P100")


@given(st.integers(6, 400))
def test_sixths_are_whole_days_in_order(days):
    p = by_sixths(days)
    assert 0 < p.source_valid < p.steps and 0 < p.valid < p.test < p.steps == 24 * days
    assert p.steps - p.test == p.test - p.valid == days // 6 * 24


def test_unknown_protocol_is_an_error():
    with pytest.raises(DataError, match="protocol 'P80': there are paper, P90, P100"):
        protocol_of("P80")
