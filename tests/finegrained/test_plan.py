"""A profile's size in this wing: cities by factor, settings of variants, methods left out."""

import pytest

from stflow_lib.data.catalog import index
from stflow_lib.finegrained import ablations, tables
from stflow_lib.finegrained.plan import Plan, factor_of
from stflow_lib.runs import profiles


def test_a_method_without_a_size_is_left_out_or_named(lab, size, monkeypatch):
    """A profile may leave methods out; asking for one must say which name is missing."""
    less = {**size, "methods": {"MEAN": {}, "UrbanSTC": {}}}
    monkeypatch.setattr(profiles, "table", lambda wing, profile: less)
    assert {run.method for run in tables.table_runs("table3", lab)} == {"MEAN", "UrbanSTC"}
    assert set(ablations.table9(lab)) == {"UrbanSTC", "UrbanSTC+E"}
    with pytest.raises(ValueError, match="neither FODE.E nor FODE in its methods"):
        Plan.of(lab).settings("FODE+E")


def test_the_factor_is_the_catalogues(monkeypatch):
    """A factor of 4 on 80 x 32 cells fits as well, and makes another problem; a name says nothing
    of it."""
    cities = ("bikenyc-2019", "bikenyc-p6", "taxibj-p1", "sim-fine")
    assert [factor_of(city) for city in cities] == [2, 2, 4, 4]
    renamed = {"halves": index.entries()["bikenyc-p6"]}
    monkeypatch.setattr(index, "entries", lambda: renamed)
    assert factor_of("halves") == 2


def test_a_city_that_nobody_refines_has_no_factor():
    """A demand grid was planned at x4, and failed in the middle of a table."""
    with pytest.raises(ValueError, match="jonas-nyc-bike: the catalogue states no upscaling"):
        factor_of("jonas-nyc-bike")


def test_first_cities_and_protocols_by_factor(lab, size):
    plan = Plan.of(lab)
    assert (plan.first(4), plan.first(2), plan.first(8)) == (["taxi-sf-64"], ["bikenyc-p6"], [])
    assert [plan.protocol(city) for city in size["cities"]] == ["x4", "x2"]
    assert plan.all_data == [100] and not plan.smoke


def test_the_papers_sets_come_before_the_stand_in(lab, catalogue):
    """Not at smoke size, where each page has to run in seconds."""
    assert Plan.of(lab).ablation_cities(2) == ["bikenyc-p6"]
    catalogue([])
    assert Plan.of(lab).ablation_cities(2) == ["bikenyc-2019", "bikenyc-p6"]
    assert Plan.of(lab).originals("table3", "table6") == ["taxibj-p1", "taxibj-p4"]
    assert Plan.of("smoke").originals("table3") == []


def test_variants_have_their_parents_size(lab, size):
    """ "+E" and "+log" vary a method; end to end keeps UrbanSTC's size without its schedules."""
    plan, own = Plan.of(lab), size["methods"]["UrbanSTC"]
    assert plan.overrides("UrbanSTC+E") == plan.overrides("UrbanSTC+log") == own
    assert plan.overrides("UrbanFM+E") == size["methods"]["UrbanFM"]
    assert plan.overrides("end-to-end") == {
        "channels": 16, "activation": "shifted", "regional": {"threshold": 1e-4},
    }  # fmt: skip
    assert plan.has("end-to-end") and not plan.has("UrbanSTC+M") and not plan.has("GPD")


def test_settings_are_objects_with_changes_applied(lab):
    settings = Plan.of(lab).settings("UrbanSTC+E", {"regional": {"threshold": 5e-5}})
    assert settings.external and settings.channels == 16
    assert settings.regional.threshold == 5e-5 and settings.regional.training.epochs == 3


def test_a_small_city_has_five_seeds(lab):
    """Where a training takes a minute, three seeds would be the wider interval for nothing."""
    plan = Plan.of(lab)
    found = {
        (r.city, r.seed) for r in plan.runs(iter(["UrbanFM"]), iter(["nyc-2016"]), [20, 100])
    }
    assert found == {("nyc-2016", seed) for seed in range(5)}
    named = plan.runs(["UrbanFM"], ["nyc-2016", "taxi-sf-64"], [20], [7])
    assert [(r.city, r.seed) for r in named] == [("nyc-2016", 7), ("taxi-sf-64", 7)]
    assert plan.seeds_of("taxi-sf-64") == plan.seeds


def test_rules_run_once(lab, size):
    """They learn nothing from chance: three seeds would print three equal rows."""
    runs = Plan.of(lab).runs(["MEAN", "HA", "UrbanFM"], size["cities"][:1], [20])
    assert [(r.method, r.seed) for r in runs] == [
        ("MEAN", 0), ("HA", 0), ("UrbanFM", 0), ("UrbanFM", 1), ("UrbanFM", 2),
    ]  # fmt: skip
