"""What is changed one at a time: rows as printed, in documented places, by the named setting."""

from itertools import combinations

import pytest

from stflow_lib.finegrained import ablations
from stflow_lib.finegrained.beyond.multinomial import MultinomialSettings
from stflow_lib.finegrained.tables import LABELLED, table_runs
from stflow_lib.finegrained.urbanstc.method import KERNEL_SIZES
from stflow_lib.verdicts import claims


def places(runs):
    return {(run.city, run.scarcity, run.seed) for run in runs}


@pytest.mark.parametrize("table", ["7", "8", "9"])
def test_rows_are_the_printed_ones(lab, table):
    """A label that differs from the printed table's would stand beside no number."""
    printed = set(claims.reported("urbanstc", table)["method"])
    ours = set(LABELLED[f"table{table}"](lab))
    assert printed <= ours
    own = {"7": {"random encoders"}, "8": {f"end_to_end, weights {w}" for w in ("0.1", "0.01")}}
    assert ours - printed == own.get(table, {"UrbanFM", "UrbanPy", "FODE"})


def test_each_ablation_has_the_documented_places(lab, size):
    """A page that promises an interval needs the seeds; a sweep must not cost three times."""
    taxi, bike = size["cities"]
    seeds, ends = (0, 1, 2), ("20", "100")
    rows = {name: table(lab) for name, table in LABELLED.items()}
    assert places(rows["table7"]["inf+tcs"]) == {(taxi, "100", s) for s in seeds}
    for label in ("reg+inf+tcs", "random encoders"):
        assert places(rows["table7"][label]) == {(taxi, f, s) for f in ends for s in seeds}
    assert places(rows["table8"]["end_to_end"]) == {
        (c, "100", s) for c in (taxi, bike) for s in seeds
    }
    assert places(rows["table8"]["end_to_end, weights 0.1"]) == {(taxi, "100", 0)}
    assert places(rows["table9"]["UrbanPy+E"]) == {(taxi, "100", s) for s in seeds}
    assert places(rows["budget"]["UrbanSTC, 4 x"]) == {(taxi, "20", s) for s in seeds}
    amounts = [str(f) for f in (20, 40, 60, 80, 100)]
    assert places(rows["figure6"]["hard"]) == {(taxi, f, s) for f in amounts for s in seeds}
    assert places(rows["figure7b"]["5.0e-05"]) == {(bike, "100", 0)}
    assert list(rows["figure8"]) == ["8", "16", "32"]
    assert places(rows["beyond"]["ShareNet"]) == {
        (c, f, s) for c in (taxi, bike) for f in ends for s in range(5)
    }
    assert {run.seed for run in table_runs("table3", lab) if run.method == "HA"} == {0}


def test_pretexts_are_counted_on_small_cities_at_both_ends():
    """What a pretext pays needs every subset at both amounts; the claims read Table 7."""
    rows, table7 = (LABELLED[name]("bench") for name in ("pretexts", "table7"))
    ends = {("nyc-2016", f, s) for f in ("20", "100") for s in range(5)}
    assert all(places(group) == ends for group in rows.values())
    names = {"".join(sorted(name.split("+"))) for name in rows}
    subsets = {"".join(sorted(c)) for n in (1, 2, 3) for c in combinations(KERNEL_SIZES, n)}
    assert names == subsets | {"random encoders"} and list(rows) == list(table7)
    for label, group in rows.items():
        assert {run.key for run in group} < {run.key for run in table7[label]}


def test_a_part_is_off_and_the_others_are_on():
    """Two parts off at once would share their loss between them."""
    rows = LABELLED["parts"]("bench")
    whole, *fewer = (
        {**vars(MultinomialSettings()), **group[0].settings} for group in rows.values()
    )
    off = [{name for name in whole if whole[name] != one[name]} for one in fewer]
    assert off == [{"noise"}, {"dropout"}, {"average"}, {"squared"}]
    assert all(one[name] == 0 for one, (name,) in zip(fewer, off, strict=True))
    assert {place for group in rows.values() for place in places(group)} == {
        ("taxi-sf-64", "20", 0)
    }


def test_subsets_and_sweeps_change_what_they_name(lab, size):
    """A misspelt or reordered setting would train something else under the label."""
    rows = {name: table(lab) for name, table in LABELLED.items()}
    settings = rows["table7"]["reg+tcs"][0].settings
    assert settings == {**size["methods"]["UrbanSTC"], "encoders": ["tcs", "reg"]}
    regional = rows["figure7b"]["7.0e-05"][0].settings["regional"]
    assert regional == {**size["methods"]["UrbanFM"], "threshold": 7e-5}
    assert rows["constraint"]["SRCNN, none"][0].settings == {"constraint": "none"}
    assert rows["beyond"]["ShareNet"][0].settings == {
        "channels": 8,
        **size["methods"]["UrbanFM"],
    }
    longer = rows["budget"]["UrbanSTC, 4 x"][0].settings
    assert longer["regional"]["training"]["epochs"] == 4 * 3
    assert rows["budget"]["random encoders, 4 x"][0].settings == longer | {"pretrain": False}


def test_trained_at_once_a_pretext_has_no_schedule(lab):
    """The pretexts' epochs in its settings would make it a new run whenever they change."""
    rows = ablations.table8(lab)["end_to_end"]
    own = {"channels": 16, "activation": "shifted", "regional": {"threshold": 1e-4}}
    assert [run.settings for run in rows if run.seed == 0] == [own | {"external": True}, own]


def test_the_papers_sets_take_part_where_they_are(lab, catalogue):
    """As printed: taxis with external factors in Table 8, bicycles without, P1 to P4 apart."""
    catalogue([])
    rows = ablations.table8(lab)["two_stage"]
    methods = {run.city: run.method for run in rows}
    assert methods == {f"taxibj-p{n}": "UrbanSTC+E" for n in (1, 2, 3, 4)} | {
        "taxi-sf-64": "UrbanSTC+E", "bikenyc-2019": "UrbanSTC", "bikenyc-p6": "UrbanSTC",
    }  # fmt: skip


def test_longer_schedules_are_longer_everywhere():
    """Halvings kept at their epochs would make the long run another schedule."""
    settings = {
        "channels": 4,
        "training": {"epochs": 2, "halve_every": 1, "batch": 8},
        "inference": {"training": {"epochs": 3}},
        "regional": {"threshold": 1e-4},
    }
    assert ablations._longer(settings, 4) == {
        "training": {"epochs": 8, "halve_every": 4},
        "inference": {"training": {"epochs": 12}},
    }
