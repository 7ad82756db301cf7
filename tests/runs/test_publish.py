"""The published file: every field, the same bytes, the newer record."""

import numpy as np
import pytest

from stflow_lib import runs
from stflow_lib.data.errors import DataError
from stflow_lib.runs import store
from stflow_lib.runs.publish import LONGEST
from stflow_lib.runs.record import read_results


def test_publish_keeps_every_field_and_is_deterministic(toy, tmp_path, monkeypatch):
    wanted = toy.table1("lab")
    runs.compute_missing(reversed(wanted))
    path = runs.publish("toy") / "toytown.csv"
    text = path.read_bytes()
    local = {run.key: store.read(run) for run in wanted}
    for key, record in runs.published("toy").items():
        assert record.keys() == local[key].keys()
        for name, value in record.items():
            if isinstance(value, float):
                assert value == pytest.approx(local[key][name], rel=5e-6)
            elif name != "curves":
                assert value == local[key][name]
        np.testing.assert_allclose(
            record["curves"].get("loss", []), local[key]["curves"].get("loss", []), rtol=5e-4
        )
    for store_folder in ("runs", "empty"):
        monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / store_folder))
        runs.publish("toy")
        assert path.read_bytes() == text


def test_publish_merges_and_the_newer_record_wins(toy):
    run, other = toy.run(), toy.run(seed=5)
    runs.compute_missing([run, other])
    runs.publish("toy")
    old = store.read(run)
    store.write(run, {**old, "metric_rmse": 1.0, "date": "2999-01-01T00:00:00+00:00"})
    runs.publish("toy")
    store.write(run, {**old, "metric_rmse": 2.0, "date": "1999-01-01T00:00:00+00:00"})
    runs.publish("toy")
    assert runs.published("toy")[run.key]["metric_rmse"] == 1.0
    assert other.key in runs.published("toy")


def test_long_curves_stay_in_the_store(toy):
    """Eighty points for each of four stages once made a published file larger than a megabyte."""
    run = toy.run()
    runs.compute_missing([run])
    whole = store.read(run)
    curves = {"source_loss": [0.123456] * LONGEST, "target_loss": [1.0] * (LONGEST + 1)}
    store.write(run, {**whole, "curves": curves})
    runs.publish("toy")
    assert runs.published("toy")[run.key]["curves"] == {"source_loss": [0.1235] * LONGEST}
    assert store.read(run)["curves"] == curves


def test_smoke_records_are_not_published(toy):
    runs.ensure(toy.run(profile="smoke"))
    runs.publish("toy")
    assert runs.published("toy") == {}


def test_every_target_has_a_file_of_its_own(toy):
    """A pair belongs to its target: who adds a city changes no other city's file."""
    towns = [toy.run(city="here"), toy.run(city="there>here"), toy.run(city="there")]
    runs.compute_missing(towns)
    folder = runs.publish("toy")
    assert sorted(path.name for path in folder.iterdir()) == ["here.csv", "there.csv"]
    assert len(read_results(folder / "here.csv")) == 2
    (folder / "there.csv").rename(folder / "elsewhere.csv")
    with pytest.raises(DataError, match="elsewhere.csv, line 2: a record of toy/there"):
        runs.published("toy")


def test_numbers_keep_six_digits(toy):
    run = toy.run()
    runs.ensure(run)
    store.write(
        run, {**store.read(run), "metric_rmse": 1234.56789, "metric_mae": 1.23456789e-5}
    )
    runs.publish("toy")
    found = runs.published("toy")[run.key]
    assert (found["metric_rmse"], found["metric_mae"]) == (1234.57, 1.23457e-5)
