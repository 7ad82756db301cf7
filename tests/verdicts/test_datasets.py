"""The papers' data sets are cities of the catalogue."""

import re

from stflow_lib.data.catalog.index import entries
from stflow_lib.runs.pair import split_pair
from stflow_lib.verdicts.claims import (
    DATASETS,
)
from stflow_lib.verdicts.datasets import ORIGINALS


def test_the_papers_own_data_are_in_the_catalogue():
    """A misspelt city would leave its numbers "not run" with the files in place."""
    for cities in DATASETS.values():
        for city in filter(None, re.split("[+>]", cities)):
            assert city in entries() or city == "taxibj-avg"


def test_every_target_of_tsjt_has_the_other_three_as_sources():
    """A city among its own sources would be trained on its test days."""
    speeds = {"METR-LA", "PEMS-BAY", "Chengdu", "Shenzhen"}
    for name in speeds:
        sources, target = split_pair(ORIGINALS[name])
        assert target == f"stgfsl-{name.lower()}"
        assert set(sources) == {f"stgfsl-{other.lower()}" for other in speeds - {name}}


def test_pairs_of_stbat_are_written_as_its_table_has_them():
    assert ORIGINALS["taxi NY>DC"] == "crosstres-ny-taxi>crosstres-dc-taxi"
    assert ORIGINALS["bike DC"] == "crosstres-dc-bike"
    assert len([name for name in ORIGINALS if name.startswith(("taxi", "bike"))]) == 14
