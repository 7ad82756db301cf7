"""Names of transfers, taken apart in one place."""

import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.runs.pair import named, split_pair, target_of


@pytest.mark.parametrize(
    "name, sources",
    [("c", ()), ("a>c", ("a",)), ("a+b>c", ("a", "b")), ("a-1+b-2>c", ("a-1", "b-2"))],
)
def test_sources_stand_before_the_arrow_and_the_target_behind_it(name, sources):
    assert split_pair(name) == (sources, "c") and target_of(name) == "c"


@pytest.mark.parametrize("name", [">c", "a>", "a+>c", "+a>c", ">", "a++b>c"])
def test_half_a_pair_is_an_error(name):
    """An empty name would be looked up in the catalogue, or taken for no source at all."""
    with pytest.raises(DataError, match="want SOURCE>TARGET"):
        target_of(name)


def test_an_unknown_name_is_told_what_there_is():
    assert named("protocol", {"P1": 1, "P2": 2}, "P2") == 2
    with pytest.raises(DataError, match="protocol 'P3': there are P1, P2"):
        named("protocol", {"P1": 1, "P2": 2}, "P3")
