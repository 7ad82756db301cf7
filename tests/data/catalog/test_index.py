"""The catalogue: every name loads or says how, the cards are true, nothing big is opened."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from stflow_lib import data
from stflow_lib.data import simulate
from stflow_lib.data.catalog import index

NAMES = [
    "taxi-sf-64",
    "taxi-sf-128",
    "taxi-sf-trips",
    "bikenyc-p6",
    "nyc-2016",
    "jonas-nyc-taxi",
    "jonas-nyc-bike",
    "jonas-dc-taxi",
    "jonas-dc-bike",
    "bikes-chicago-2021",
    "bikes-dc-2021",
    "didi-chengdu-2016",
    "didi-xian-2016",
    "la",
    "san-diego",
    "bay-i680",
    "aarhus",
    "taxibj-p1",
    "taxibj-p2",
    "taxibj-p3",
    "taxibj-p4",
    "bikenyc-2019",
    "crosstres-ny-taxi",
    "crosstres-ny-bike",
    "crosstres-chi-taxi",
    "crosstres-chi-bike",
    "crosstres-dc-taxi",
    "crosstres-dc-bike",
    "metr-la",
    "pems-bay",
    "stgfsl-chengdu",
    "stgfsl-shenzhen",
    "stgfsl-metr-la",
    "stgfsl-pems-bay",
    "sim-fine",
    "sim-fine-128",
    "sim-grid-a",
    "sim-grid-b",
    "sim-grid-c",
    "sim-speed-a",
    "sim-speed-b",
    "sim-speed-c",
]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A data folder with nothing in it and a mirror with nothing to fetch."""
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STFLOW_MIRROR", str(tmp_path / "mirror"))
    return tmp_path


def test_names_and_columns(empty):
    table = data.catalog()
    assert set(table.index) == set(NAMES) and table.index.is_unique
    columns = ["what", "kind", "shape", "span", "step (min)", "licence", "size (MB)", "here"]
    assert list(table) == [*columns, "stands_in_for"]
    assert not (table[["what", "shape", "span", "licence", "stands_in_for"]] == "").any().any()


def test_without_data_only_simulated_cities_are_here(empty):
    """A page at smoke size relies on this."""
    table = data.catalog()
    assert set(table.index[table.here]) == set(simulate.CITIES)
    assert not (empty / "data").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("sim-")])
def test_a_city_that_is_nowhere_says_what_is_needed(empty, name):
    """Each error names the city or the first file wanted, and where it was looked for."""
    with pytest.raises(data.DataError, match=r"could not be had from|needs .* in "):
        data.load(name)


DATED = [name for name in NAMES if not name.startswith(("sim-", "taxibj-", "crosstres-"))]


@pytest.mark.parametrize("name", DATED)
def test_steps_fill_the_days_that_the_card_states(name):
    """A span or a shape copied from another city; a record may start and end within a day."""
    entry = index.entries()[name]
    first, last = map(pd.Timestamp, entry.span.split(" to "))
    steps, days = int(entry.shape.split(" x ")[0]), (last - first).days + 1
    assert days - 2 < steps * entry.step_minutes / 1440 <= days


def test_zones_exist_and_kinds_are_two():
    """A misspelt zone would show only when somebody has the files."""
    for entry in index.entries().values():
        assert entry.zone == "nominal" or ZoneInfo(entry.zone)
        assert entry.kind in ("grid", "graph") and 1440 % entry.step_minutes == 0


def test_a_name_that_is_none_is_an_error_that_lists_the_names():
    """Typing is how most wrong names come about: the right one should stand in the message."""
    with pytest.raises(data.DataError, match=r"'la2' is not in the catalogue: .*bay-i680"):
        index.fetch("la2")
