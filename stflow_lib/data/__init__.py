"""Cities: readable by name, checked against one contract, listed in one catalogue."""

from stflow_lib.data.catalog.index import catalog, fetch, load
from stflow_lib.data.errors import DataError
from stflow_lib.data.readers.edges import from_edges
from stflow_lib.data.readers.sensors_city import sensors_city
from stflow_lib.data.schema import Box, block_sum, check_city

__all__ = [
    "Box",
    "DataError",
    "block_sum",
    "catalog",
    "check_city",
    "fetch",
    "from_edges",
    "load",
    "sensors_city",
]
