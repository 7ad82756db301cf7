"""Protocols: the printed minutes, and names that do not exist."""

import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.problem.protocol import PROTOCOLS, protocol_of


@pytest.mark.parametrize("name", ["P10", "P5"])
def test_reported_steps_are_the_printed_minutes(name):
    """A step counted from 0, or of another grid, would print errors under a wrong heading."""
    protocol = PROTOCOLS[name]
    assert [step * protocol.minutes for step in protocol.reported] == [10, 30, 60]
    assert protocol.reported[-1] <= protocol.ahead


def test_sizes_of_the_paper():
    """12 steps in, 6 steps out, whatever the city's own step is."""
    assert all((p.lags, p.ahead) == (12, 6) for p in map(protocol_of, ("P10", "native")))
    assert PROTOCOLS["native"].minutes is None


def test_an_unknown_name_lists_those_that_exist():
    with pytest.raises(DataError, match="protocol 'P7'.*P10"):
        protocol_of("P7")
