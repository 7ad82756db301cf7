"""Cities: readable by name, checked against one contract, listed in one catalogue."""

from stflow_lib.data.registry import catalog, fetch, load
from stflow_lib.data.schema import Box, DataError, block_sum, check_city

__all__ = ["Box", "DataError", "block_sum", "catalog", "check_city", "fetch", "load"]
