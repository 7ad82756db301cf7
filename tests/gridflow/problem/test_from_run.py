"""Names of runs become tasks: pairs, switches, days, and POI that leaks nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stflow_lib.data import load
from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import data_hash
from stflow_lib.gridflow.problem.from_run import open_task, region_types, with_poi
from stflow_lib.gridflow.problem.protocol import PROTOCOLS
from stflow_lib.runs import Run, staleness

SIMULATED = "sim-grid-a>sim-grid-c"


def opened(city=SIMULATED, protocol="P60", scarcity="3"):
    return open_task(SimpleNamespace(city=city, protocol=protocol, scarcity=scarcity))


def test_simulated_pair_and_all_its_sizes():
    task = opened("sim-grid-a+sim-grid-b>sim-grid-c")
    assert [source.name for source in task.sources] == ["sim-grid-a", "sim-grid-b"]
    assert task.target.name == "sim-grid-c" and task.target.flow.shape == (1440, 2, 10, 12)
    assert task.sources[1].poi.shape == (14, 14, 12) and task.days == 3
    assert len(opened(scarcity="0").target.train) == 0
    assert len(opened(scarcity="all").target.train) == len(task.history) == 954
    assert len(opened(scarcity="14").target.train) == 14 * 24


def test_switches_reach_the_task():
    plain = opened()
    clipped = opened(protocol="P60-crosstres")
    assert (clipped.target.high != plain.target.high).any()
    most = opened(protocol="P60-maximum").target
    assert (most.high == most.flow[most.train[0] : 960].amax((0, 2, 3))).all()
    assert (most.high > plain.target.high).all()
    borrowed = opened(protocol="P60-sourcescale-whole", scarcity="0")
    assert torch.equal(borrowed.target.high, borrowed.sources[0].high)


@pytest.mark.parametrize("protocol, word", [("P60-clip", "switch 'clip'"), ("P61", "'P61'")])
def test_unknown_words_are_an_error(protocol, word):
    """A misspelt switch would silently be the default."""
    with pytest.raises(DataError, match=word):
        opened(protocol=protocol)


def test_jonas_gets_the_profile_of_its_other_mode(real_data):
    """Source: training rows of the bikes for a taxi task. Target: its three days, or none."""
    task = opened("jonas-nyc-taxi>jonas-dc-taxi", "P90")
    bikes = load("jonas-nyc-bike").flow.values[:1440].sum((0, 1))
    poi = task.sources[0].poi.sum(0).numpy()
    np.testing.assert_allclose(poi, bikes > 0, atol=1e-5)
    few = load("jonas-dc-bike").flow.values[1368:1440].sum((0, 1))
    np.testing.assert_allclose(task.target.poi.sum(0), few > 0, atol=1e-5)
    assert opened("jonas-nyc-taxi>jonas-dc-taxi", "P90", "0").target.poi is None


def test_didi_gets_the_profile_of_its_own_training_hours(real_data):
    """Seven times of the week of one direction; the target's from its three days."""
    task = opened("didi-chengdu-2016>didi-xian-2016", "P60")
    flow = load("didi-chengdu-2016").flow.values[:960].sum((0, 1))
    assert task.sources[0].poi.shape == (7, 16, 16) and task.directions == ("pickup",)
    np.testing.assert_allclose(task.sources[0].poi.sum(0).numpy(), flow > 0, atol=1e-5)
    few = load("didi-xian-2016").flow.values[888:960].sum((0, 1))
    np.testing.assert_allclose(task.target.poi.sum(0), few > 0, atol=1e-5)


def test_control_takes_the_place_of_the_profile_only(real_data):
    """Where there is real POI no switch replaces it."""
    one, other = (opened("jonas-dc-taxi>jonas-nyc-taxi", p) for p in ("P90", "P90-dirichlet"))
    assert (other.sources[0].poi > 0).all() and not (one.sources[0].poi > 0).all()
    assert one.data_hash != other.data_hash
    real = with_poi("sim-grid-a", slice(0, 9), random=True)
    assert real.identical(load("sim-grid-a"))


@pytest.mark.parametrize(
    "city, protocol",
    [
        ("bikes-chicago-2021>bikes-dc-2021", "P59"),
        ("bikes-dc-2021>bikes-chicago-2021", "P59"),
        ("jonas-nyc-taxi+jonas-dc-taxi>taxi-sf-trips", "P24"),
    ],
)
@pytest.mark.parametrize("scarcity", ["0", "3"])
def test_pairs_across_zones(real_data, city, protocol, scarcity):
    """Real POI, three zones, a series of 24 days beside one of 100."""
    task = opened(city, protocol, scarcity)
    assert all(source.poi is not None for source in task.sources)
    assert task.target.mask.any() and len(task.target.train) == int(scarcity) * 24


@pytest.mark.parametrize("mode", ["taxi", "bike"])
@pytest.mark.parametrize("pair", ["nyc-{0}>jonas-dc-{0}", "dc-{0}>jonas-nyc-{0}"])
@pytest.mark.parametrize("protocol, few", [("P90", (1368, 1439)), ("P100", (1560, 1631))])
def test_the_four_tasks_at_their_printed_hours(real_data, mode, pair, protocol, few):
    task = opened("jonas-" + pair.format(mode), protocol)
    assert (int(task.target.train[0]), int(task.target.train[-1])) == few
    time = task.target.time[task.target.train[[0, -1]].numpy()].astype("datetime64[D]")
    days = {"P90": ("2015-12-20", "2015-12-22"), "P100": ("2015-12-28", "2015-12-30")}
    assert tuple(map(str, time)) == days[protocol]


def test_a_record_of_other_data_is_stale(monkeypatch):
    """Of a pair too: any of its cities may have changed, and a city that is not here cannot."""
    run = Run("gridflow", "Previous hour", SIMULATED, "P60", "3", "smoke", 0)
    record = {"source_hash": staleness.current_source(run), "data_hash": data_hash(run)}
    assert record["data_hash"] == opened().data_hash and not staleness.is_stale(run, record)
    assert staleness.is_stale(run, record | {"data_hash": "other"})
    staleness._hash.cache_clear()
    monkeypatch.setattr(staleness, "city_hash", lambda name: None if "-a" in name else "here")
    assert data_hash(run) is None and not staleness.is_stale(
        run, record | {"data_hash": "other"}
    )
    staleness._hash.cache_clear()


def test_kinds_of_a_simulated_city_are_its_truth():
    """Rare in sim-grid-a, common in sim-grid-c, and no method's input."""
    kinds = region_types("sim-grid-c", PROTOCOLS["P60"])
    assert kinds.shape == (10, 12) and kinds.attrs["names"][:2] == ("residential", "office")
    assert int((kinds == 0).sum()) == 4 and int((kinds == 5).sum()) == 50


def test_kinds_of_real_cities(real_data):
    """From bikes for taxis; unknown where there is no second mode and no POI."""
    kinds = region_types("jonas-dc-taxi", PROTOCOLS["P90"])
    assert kinds.shape == (9, 12) and len(kinds.attrs["names"]) == 14
    assert "weekday 6-10" in kinds.attrs["names"][2] and int(kinds.max()) < 14
    assert region_types("taxi-sf-trips", PROTOCOLS["P24"]) is None
