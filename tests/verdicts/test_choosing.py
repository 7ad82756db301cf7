"""Settings of our own methods are counted where they were scored."""

import pytest

from stflow_lib.verdicts import choosing


@pytest.mark.parametrize("wing, city, held_out", [
    ("finegrained", "taxi-sf-64", False), ("finegrained", "bikenyc-p6", False),
    ("finegrained", "nyc-2016", True), ("gridflow", "jonas-nyc-taxi>jonas-dc-bike", False),
    ("gridflow", "bikes-dc-2021>bikes-chicago-2021", True), ("speedgraph", "a+b>la", False),
    ("speedgraph", "la+aarhus>san-diego", True), ("speedgraph", "la+aarhus>bay-i680", True),
    ("speedgraph", "sim-speed-a>sim-speed-c", False),
])  # fmt: skip
def test_cities_are_for_choosing_or_held_out(wing, city, held_out):
    """The target decides: a source of another choice gives no test error away."""
    assert choosing.is_held_out(wing, city) == held_out


def test_our_methods_are_those_beyond_the_papers():
    assert set(choosing.own_methods("finegrained")) == {
        "UrbanSTC+DM", "ShareNet", "MultinomialNet", "Trees",
    }  # fmt: skip
    assert set(choosing.own_methods("gridflow")) == {
        "Trees", "Trees(pooled)", "Boosted line", "Ensemble",
    }  # fmt: skip
    assert set(choosing.own_methods("speedgraph")) == {
        "Graph ridge", "Trees", "Trees(pooled)", "Trees(told)", "Boosted line",
    }  # fmt: skip


def record(city, settings, method="Trees", profile="lab", seed=0):
    return {
        "method": method,
        "city": city,
        "profile": profile,
        "settings": settings,
        "seed": seed,
    }


def test_settings_count_once_however_many_seeds_they_have():
    """A second seed is no second try; another setting on the same city is."""
    records = [record("la", {}, seed=seed) for seed in range(3)]
    records += [record("a>la", {"trees": 9}), record("san-diego", {})]
    records += [record("la", {"trees": 7}, profile="smoke"), record("sim-speed-c", {})]
    records += [record("la", {"x": 1}, method="Ridge")]
    table = choosing.count_settings("speedgraph", records)
    assert table.values.tolist() == [["Trees", "la", 2, False], ["Trees", "san-diego", 1, True]]
    assert choosing.count_settings("speedgraph", []).empty


def test_published_records_are_counted():
    """The names of the cities that are chosen on stand in the records as well."""
    table = choosing.settings_scored("finegrained")
    share = table[(table["method"] == "ShareNet") & (table["city"] == "taxi-sf-64")]
    assert share["settings"].item() >= 1 and not share["held_out"].item()
