"""Casts: what fits comes through as it was, what does not is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError

WHOLE = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(WHOLE))
def test_an_integer_fits_or_is_refused(number, dtype):
    limits = np.iinfo(dtype)
    if limits.min <= number <= limits.max:
        assert int(exact(np.int64(number), dtype, "x")) == number
    else:
        with pytest.raises(DataError, match=f"x: {number} at index 0 does not fit {dtype}"):
            exact(np.int64(number), dtype, "x")


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(("float32", "float64")))
def test_an_integer_becomes_a_float_that_is_equal(number, dtype):
    if int(np.dtype(dtype).type(number)) == number and abs(number) < 2**62:
        assert int(exact(np.int64(number), dtype, "x")) == number
    elif abs(number) < 2**62:
        with pytest.raises(DataError):
            exact(np.int64(number), dtype, "x")


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, -np.inf, 3e9, -1.0])
def test_a_float_that_is_no_such_integer(value):
    with pytest.raises(DataError, match=r"counts: .* at index \(1, 0\) does not fit uint16"):
        exact([[1.0, 2.0], [value, 4.0]], np.uint16, "counts")


def test_digits_may_go_but_not_the_size():
    assert exact(0.1, np.float32, "x") == np.float32(0.1)
    assert np.isnan(exact([np.nan], np.float32, "x")).all()
    assert np.isinf(exact([np.inf], np.float32, "x")).all()
    with pytest.raises(DataError, match="speed: 1e\\+39 at index 2"):
        exact([1.0, 2.0, 1e39], np.float32, "speed")


def test_flags():
    assert exact([0, 1, 1], bool, "occupied").tolist() == [False, True, True]
    assert exact([True, False], np.float32, "valid").tolist() == [1.0, 0.0]
    with pytest.raises(DataError, match="occupied: 2.0 at index 1"):
        exact([0, 2], bool, "occupied")


@pytest.mark.parametrize("values", [["0", "1"], [None, 1], ["2019-01-01"]])
def test_words_are_no_numbers(values):
    with pytest.raises(DataError, match="occupied: .* is no number"):
        exact(np.array(values), bool, "occupied")


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_nothing_is_nothing(dtype):
    assert exact(np.empty((0, 3), np.float64), dtype, "x").shape == (0, 3)
