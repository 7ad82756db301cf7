"""The catalogue: every name loads or says how, the cards are true, nothing big is opened."""

import numpy as np
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
    "jonas-nyc-taxi",
    "jonas-nyc-bike",
    "jonas-dc-taxi",
    "jonas-dc-bike",
    "bikes-chicago-2021",
    "bikes-dc-2021",
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
    with pytest.raises(data.DataError, match="could not be had from|needs .* in "):
        data.load(name)


@pytest.mark.parametrize("name", [name for name in simulate.CITIES if name != "sim-fine-128"])
def test_simulated_cards_are_true(empty, name):
    """The catalogue's text is what the simulation makes, and the card changes nothing."""
    entry, city = index.entries()[name], data.load(name)
    made = simulate.CITIES[name]()[0]
    main = city.flow if city.attrs["kind"] == "grid" else city.speed
    assert entry.shape == " x ".join(map(str, main.shape))
    for key in index.METADATA_FIELDS:
        assert getattr(entry, key) == city.attrs[key] == made.attrs[key]
    assert city.attrs["sha256"] == made.attrs["sha256"]


def test_bikenyc_2019_counts_starts_and_ends(empty):
    """From three monthly files in Citi Bike's old layout, over the change of the clocks."""
    header = ("starttime,stoptime,start station latitude,start station longitude,"
              "end station latitude,end station longitude")  # fmt: skip
    inside, outside = "40.7001,-73.9901", "40.9,-73.9"
    rides = {
        "201901": [f"2019-01-01 00:10:00.5,2019-01-01 01:20:00.1,{inside},{inside}"],
        "201902": [f"2019-02-10 08:00:00.0,2019-02-10 08:30:00.0,{inside},{outside}"],
        "201903": [f"2019-03-31 23:10:00.0,2019-03-31 23:59:00.0,{inside},{inside}"],
    }
    base = empty / "data" / "bikenyc-2019"
    base.mkdir(parents=True)
    for month, lines in rides.items():
        (base / f"{month}-citibike-tripdata.csv").write_text("\n".join([header, *lines]))
    city = data.load("bikenyc-2019")
    assert city.flow.shape == (2160, 1, 80, 40) and city.attrs["factor"] == 2
    total = city.flow.sum(("direction", "row", "col")).to_series()
    busy = total[total > 0]
    assert busy.to_dict() == {
        pd.Timestamp("2019-01-01 00:00"): 1, pd.Timestamp("2019-01-01 01:00"): 1,
        pd.Timestamp("2019-02-10 08:00"): 1, pd.Timestamp("2019-03-31 23:00"): 2,
    }  # fmt: skip
    row, col = np.argwhere(city.flow.values.sum((0, 1)))[0]
    assert (row, col) == (79 - 25, 9)


def test_derived_maps_are_kept_by_content(tmp_path, monkeypatch):
    """A second call reads the file; other inputs, other parameters make another one."""
    from stflow_lib.data.files.cache import cached

    monkeypatch.setenv("STFLOW_CACHE", str(tmp_path / "cache"))
    source, calls = tmp_path / "gps", []

    def get(step):
        def build():
            calls.append(step)
            return {"counts": np.full(3, step)}

        return cached([source], {"step": step}, build)["counts"].tolist()

    source.write_bytes(b"one")
    assert get(5) == get(5) == [5] * 3 and calls == [5]
    assert get(6) == [6] * 3
    source.write_bytes(b"two")
    get(5)
    assert calls == [5, 6, 5] and len(list((tmp_path / "cache").iterdir())) == 3


def test_a_derivation_that_fails_leaves_no_file(tmp_path, monkeypatch):
    from stflow_lib.data.files.cache import _store

    with pytest.raises(TypeError):
        _store(tmp_path / "a.npz", {"x": np.ones(2), 3: np.ones(2)})
    assert list(tmp_path.iterdir()) == []
