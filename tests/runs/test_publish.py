"""The published file: every field, the same bytes, the newer record."""

import numpy as np

from stflow_lib import runs
from stflow_lib.runs import store
from stflow_lib.runs.publish import LONGEST


def test_publish_keeps_every_field_and_is_deterministic(toy, tmp_path, monkeypatch):
    wanted = toy.table1("lab")
    runs.compute_missing(reversed(wanted))
    path = runs.publish("toy")
    text = path.read_bytes()
    local = {run.key: store.read(run) for run in wanted}
    for key, record in runs.published("toy").items():
        rounded = {**local[key], "curves": record["curves"]}
        assert record == rounded
        np.testing.assert_allclose(
            record["curves"].get("loss", []), local[key]["curves"].get("loss", []), rtol=5e-4
        )
    assert runs.publish("toy").read_bytes() == text
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "empty"))
    assert runs.publish("toy").read_bytes() == text


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
