"""What the tables of the speed graphs plan."""

from stflow_lib.speedgraph import TABLES
from stflow_lib.speedgraph.plan import Plan
from stflow_lib.speedgraph.problem.from_run import open_task
from stflow_lib.speedgraph.problem.long_windows import long_sources


def test_one_word_tells_the_two_questions_apart():
    """Rows asked for speeds and for changes differ in nothing else, so their errors compare."""
    for profile in ("smoke", "lab", "paper"):
        rows = TABLES["asked"].rows(profile)
        for name in {row.partition(",")[0] for row in rows}:
            (speeds,), (changes,) = rows[f"{name}, speeds"], rows[f"{name}, changes"]
            assert changes.protocol == speeds.protocol + "-change1"
            assert (speeds.city, speeds.settings) == (changes.city, changes.settings)


def test_variants_share_all_but_the_word():
    """A row that differs in more than the network says nothing about the network."""
    rows = TABLES["backbones"].rows("lab")
    for who in ("alone", "TSJT"):
        (a,), (b,) = (rows[f"{who}, STGCN {v}"] for v in "AB")
        assert a.settings["backbone"] | {"variant": "B"} == b.settings["backbone"]
        assert a.settings["training"] == b.settings["training"]


def test_rows_of_table_2_appear_once_in_the_store():
    """The setting of another table that is the method's own is the same run, not a second one."""
    own = {run.key for group in TABLES["table2"].rows("lab").values() for run in group}
    for table, row in (
        ("figure3", "TSJT(STGCN)"),
        ("steps", "TSB"),
        ("backbones", "TSJT, STGCN B"),
    ):
        assert {run.key for run in TABLES[table].rows("lab")[row]} <= own


def test_a_week_is_enough_for_every_teacher(real_data):
    """`la` has seven days: a teacher that reads all of them finds no window in this source."""
    for profile in ("lab", "paper"):
        plan = Plan.of(profile)
        (run, *_) = plan.runs(["TransGTR"], plan.cities[-1:], plan.few)
        sources = long_sources(open_task(run), plan.settings("TransGTR").teacher_days)
        assert "la" in {source.name for source in sources}


def test_ratios_differ_in_the_weight_of_the_sources_alone():
    """A row that differs in more, or in less, than its label would answer another question."""
    plan, rows = Plan.of("bench"), TABLES["ratios"].rows("bench")
    alone, *joint = rows.values()
    assert {run.method for run in alone} == {"Target only"}
    steps = [plan.settings("TSJT(STGCN)", group[0].settings).step for group in joint]
    found = {(s.rule, round(s.source_weight / s.target_weight, 6)) for s in steps}
    ratios = (0.005, 0.05, 1.0, 20.0)
    assert found == {(rule, ratio) for rule in ("tsb", "sum") for ratio in ratios}
    others = [{k: v for k, v in g[0].settings.items() if k != "step"} for g in joint]
    assert all(one == others[0] and not one["use_prompts"] for one in others)
    assert len({run.key for group in rows.values() for run in group}) == 9 * 2 * 2
    own = {run.key for run in TABLES["figure3"].rows("bench")["w/o NPM"]}
    assert own & {
        run.key for run in rows["TSB, 1/200"]
    }  # the paper's weights, once in the store


def test_a_week_is_asked_of_the_long_city_alone():
    runs = [run for group in TABLES["week"].rows("bench").values() for run in group]
    assert {run.city.rpartition(">")[2] for run in runs} == {"bay-i680"}
    assert all(run.protocol.endswith("-visible7") for run in runs)
    assert {run.scarcity for run in runs} == {"0.25", "1", "3", "7"}


def test_graph_wavenet_is_asked_on_two_targets():
    """The paper's question has bay-i680 as its second target; only TSJT and the network alone
    were planned there."""
    for group in TABLES["waves"].rows("bench").values():
        assert [*dict.fromkeys(run.city.rpartition(">")[2] for run in group)] == [
            "la", "bay-i680"]  # fmt: skip


def test_trees_stand_in_every_table_of_scarcity():
    """A network that is behind trees there shows nothing by being ahead of another network."""
    for table in ("scarcity", "week", "sensors", "starts"):
        rows = TABLES[table].rows("bench")
        assert {"Trees", "Trees(pooled)", "Boosted line", "Graph ridge"} <= rows.keys()
