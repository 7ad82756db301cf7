"""Cities: readable by name, checked against one contract, listed in one catalogue."""

from stflow_lib.data.catalog.index import City, catalog, fetch, load, open_city, register
from stflow_lib.data.catalog.registered import write_city
from stflow_lib.data.errors import DataError
from stflow_lib.data.readers.edges import from_edges
from stflow_lib.data.readers.sensors_city import sensors_city
from stflow_lib.data.schema import Box, block_sum, check_city

__all__ = [
    "Box",
    "City",
    "DataError",
    "block_sum",
    "catalog",
    "check_city",
    "fetch",
    "from_edges",
    "load",
    "open_city",
    "register",
    "sensors_city",
    "write_city",
]
