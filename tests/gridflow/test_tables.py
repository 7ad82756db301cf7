"""Names of runs: pairs for those that transfer, targets for the rest, no run counted twice."""

import pytest

from stflow_lib.gridflow import TABLES
from stflow_lib.gridflow.tables import DAYS, days_of
from stflow_lib.runs import merged, profiles

PAIRS = ["jonas-nyc-taxi>jonas-dc-taxi", "sim-grid-a>sim-grid-c"]
SIZES = {
    "Previous hour": {},
    "ST-net": {"backbone": {"channels": 2}},
    "Finetuned": {},
    "ST-DAAN": {},
    "STBaT": {"balance": {"strength": 0.1}},
}


@pytest.fixture(autouse=True)
def size(monkeypatch):
    """A profile of this test's own."""
    entry = {"cities": PAIRS, "seeds": [0, 1], "fractions": [3, 0], "methods": SIZES}
    monkeypatch.setattr(profiles, "table", lambda wing, profile: entry)


def test_table2_by_hand():
    rows = TABLES["table2"].rows("lab")
    named = {
        m: {(r.city, r.protocol, r.scarcity, r.seed) for r in runs} for m, runs in rows.items()
    }
    dc, c = "jonas-dc-taxi", "sim-grid-c"
    assert named["Previous hour"] == {(dc, "P90", "3", 0), (c, "P60", "3", 0)}
    assert named["ST-net"] == {
        (t, p, "3", s) for t, p in ((dc, "P90"), (c, "P60")) for s in (0, 1)
    }
    assert named["ST-DAAN"] == {
        (t, p, "3", s) for t, p in zip(PAIRS, ("P90", "P60"), strict=True) for s in (0, 1)
    }
    assert named["STBaT"] == {
        (t, p, d, s)
        for t, p in zip(PAIRS, ("P90", "P60"), strict=True)
        for s in (0, 1)
        for d in "30"
    }
    assert len(TABLES["table2"]("lab")) == 2 + 4 + 8 + 4 + 8


def test_a_variant_that_changes_nothing_is_the_method_itself():
    """Else it would be trained twice under two keys."""
    whole = TABLES["table2"].rows("lab")["STBaT"][0].key
    assert TABLES["strength"].rows("lab")["lambda = 0.1"][0].key == whole
    figure4 = TABLES["figure4"].rows("lab")
    same = [label for label, runs in figure4.items() if runs[0].key == whole]
    assert same == ["D = 32", "beta = 0.01", "h = 0.85", "tau = 1"]
    assert len(TABLES["figure4"]("lab")) == 20 - 4 + 1  # sweeps have one seed
    assert TABLES["figure3"].rows("lab")["STBaT"][0].key == whole


def test_variants_keep_the_size_of_the_profile():
    run = TABLES["figure3"].rows("lab")["w/o SimDCL"][0]
    assert run.settings == {"balance": {"strength": 0.1, "use_contrast": False}}
    assert SIZES["STBaT"] == {"balance": {"strength": 0.1}}


def test_days_and_stand_ins():
    days = [r.scarcity for r in TABLES["figure5"].rows("lab")["STBaT"] if r.seed == 0]
    assert days == ["0", "1", "3", "7", "14", "30"] * 2
    control = TABLES["poi"].rows("lab")["random"]
    assert {r.protocol for r in control} == {"P90-dirichlet"} and len(control) == 2


def test_no_run_asks_for_more_days_than_its_target_has():
    """Figure 5 at full size once asked San Francisco's 16 days before validation for thirty."""
    assert days_of("jonas-nyc-taxi>taxi-sf-trips") == [0, 1, 3, 7, 14]
    assert days_of("jonas-nyc-taxi>jonas-dc-taxi") == [*DAYS] and max(DAYS) == 30


def test_merging_goes_level_by_level():
    base = {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    assert merged(base, {"a": {"c": {"f": 4}}}) == {
        "a": {"b": 1, "c": {"d": 2, "f": 4}},
        "e": 3,
    }
    assert base == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}


def test_four_times_the_epochs_with_the_same_shape():
    """Halvings of the rate stretch with the epochs; 100 epochs and no halving are the default."""
    run = TABLES["budget"].rows("lab")["STBaT, four times"][0]
    assert run.settings["source"] == {"epochs": 400, "halve_every": 0}
