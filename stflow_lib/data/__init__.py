"""Cities: readable by name, checked against one contract, listed in one catalogue."""

from stflow_lib.data.catalog.index import catalog, fetch, load
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import Box, block_sum, check_city

__all__ = ["Box", "DataError", "block_sum", "catalog", "check_city", "fetch", "load"]
