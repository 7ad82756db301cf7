"""A city without sources, and its forecaster."""

import pytest

from stflow_lib.gridflow import fit


@pytest.fixture(scope="session")
def city(make_grid):
    """Four hundred hours."""
    return make_grid("town", steps=400, poi=False)


@pytest.fixture(scope="session")
def model(city):
    """Of four hours, by the methods that are mixed by themselves."""
    return fit(city, hours=4)
