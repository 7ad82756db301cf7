"""The error of the data: one kind, which every command turns into one clear line."""

import pytest

from stflow_lib import data
from stflow_lib.data.errors import DataError


def test_bad_data_is_a_bad_value():
    """Commands catch ValueError and print its text; any other kind would be a traceback."""
    assert issubclass(DataError, ValueError) and data.DataError is DataError
    with pytest.raises(ValueError, match="a.csv: line 3"):
        raise DataError("a.csv: line 3")
