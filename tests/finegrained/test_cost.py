"""What a method costs: exact counts, fair turns, and nothing measured that is not trained."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.finegrained import METHODS, cost, make_task
from stflow_lib.finegrained.urbanstc.method import UrbanSTCSettings
from stflow_lib.runs import build_settings
from stflow_lib.training.method import count_parameters

NETWORKS = [name for name, method in METHODS.items() if cost.recipe(method)]


def small(name: str, tiny):
    """Settings of any method with four channels, in float32."""
    if "UrbanSTC" in name or name == "end-to-end":
        kept = {f: getattr(tiny, f) for f in ("channels", "freeze_epochs", "activation",
                                              "regional", "inference", "temporal",
                                              "training")}  # fmt: skip
        return replace(METHODS[name].settings(), **kept)
    fewer = {"blocks": 1} if hasattr(METHODS[name].settings(), "blocks") else {}
    settings = build_settings(METHODS[name], {"channels": 8, **fewer})
    return replace(settings, training=tiny.training)


def test_rules_have_no_network_and_networks_all_do():
    """A method that is quietly left out makes the table look complete."""
    assert set(METHODS) - set(NETWORKS) == {"MEAN", "HA", "Trees"}


def test_a_rule_is_refused_by_name(task):
    with pytest.raises(ValueError, match="HA: no network"):
        cost.parts(METHODS["HA"], task, METHODS["HA"].settings())


def test_the_printed_rows_of_urbanstc_and_urbanfm():
    """Table 10 in 2^20: 0.03, 1.41, 0.16, 1.98 and 5.94, the last two with external factors."""
    counts = cost.paper_counts([METHODS["UrbanFM"], METHODS["UrbanSTC"]]).set_index("name")
    assert counts["external"].tolist() == [6_226_752, 33_536, 1_480_321, 165_632, 2_072_719]
    assert counts["bare"].tolist() == [6_082_305, 33_536, 1_480_321, 165_632, 1_938_817]
    assert (counts["external"] / cost.UNIT).round(2).tolist() == [5.94, 0.03, 1.41, 0.16, 1.98]


@pytest.mark.parametrize("rows, cols, factor", [(16, 12, 2), (40, 24, 4)])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_stage_of_every_method_takes_any_grid(make_city, tiny, name, rows, cols, factor):
    """8 x 6 coarse cells are New York's; 10 x 6 divide by no power of M: pretexts too must fit."""
    city = make_city(steps=12, directions=("in", "out"), rows=rows, cols=cols)
    task = make_task(city, factor)
    for part in cost.parts(METHODS[name], task, small(name, tiny)):
        loss = part.loss(task.train[:4])
        loss.backward()
        assert torch.isfinite(loss), part.name


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_can_be_counted(name):
    """Without numbers nothing can be looked up by them: such a step stops the page of costs."""
    assert cost.parts(METHODS[name], cost.blank_task(), METHODS[name].settings())


def test_counting_takes_no_memory():
    """On the processor the paper's networks would take seconds and hundreds of megabytes."""
    built = cost.parts(METHODS["UrbanSTC"], cost.blank_task(), UrbanSTCSettings())
    assert all(p.is_meta for part in built for p in part.network.parameters())


def test_stages_share_the_encoders_that_are_counted_twice(task, tiny):
    """The paper's 3.58 adds four counts; the deployed network holds each encoder once."""
    *before, last = cost.parts(METHODS["UrbanSTC"], task, tiny)
    assert [part.stage for part in before] == ["reg", "inf", "tcs"] and last.predicts
    inside = {id(p) for p in last.network.parameters()}
    shared = [
        p.numel() for part in before for p in part.network.parameters() if id(p) in inside
    ]
    encoders = count_parameters(last.network.encoders)
    assert sum(shared) == encoders > 0


def test_without_pretexts_only_fine_tuning_is_measured(task, tiny):
    built = cost.parts(METHODS["UrbanSTC"], task, replace(tiny, pretrain=False))
    assert [part.stage for part in built] == ["fine_tuning"]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_part_of_every_method_steps(task, tiny, name):
    """A loss that needs what only `fit` prepares would break the page, not a test."""
    torch.manual_seed(0)  # some seeds give networks that are born dead and never move
    for part in cost.parts(METHODS[name], task, small(name, tiny)):
        before = [p.detach().clone() for p in part.network.parameters()]
        assert cost.step_seconds(part, 2) > 0
        after = part.network.parameters()
        assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True)), part.name
        assert not part.predicts or cost.sample_seconds(part, 1) > 0


def test_which_count_was_printed():
    """1.98 was counted with external factors, and no unit of 10^6 gives it."""
    counts = (1_938_817, 2_072_719)
    assert cost.matches(*counts, 1.98) == "with" and cost.matches(*counts, 1.85) == "without"
    assert cost.matches(*counts, 1.98, 10**6) == "neither"
    assert cost.matches(33_536, 33_536, 0.03) == "both"
    assert cost.matches(19_447_632, pd.NA, 18.55) == "without"


def test_table_extrapolates_from_the_median_step(task, tiny, monkeypatch):
    """Steps of one second and maps of a tenth give numbers that can be worked out by hand."""
    monkeypatch.setattr(cost, "step_seconds", lambda part, steps: 1.0)
    monkeypatch.setattr(cost, "sample_seconds", lambda part, steps: 0.1)
    table = cost.measure(cost.parts(METHODS["UrbanSTC"], task, tiny), 3, 2)
    steps = -(-len(task.train) // 16)
    assert table["train_s"].tolist() == [steps] * 4
    np.testing.assert_allclose(table["total_min"], np.array([2, 2, 2, 3]) * steps / 60)
    assert table["infer_s"].isna().tolist() == [True, True, True, False]
    assert table["infer_s"].iloc[3] == pytest.approx(0.1 * len(task.test))


def test_sum_row_follows_its_stages():
    """A sum over methods, or one that drops the stage without inference, is a wrong Table 10."""
    table = pd.DataFrame({"method": ["A", "B", "B"], "stage": ["fit", "reg", "fine_tuning"],
                          "name": ["A", "B: reg", "B: fine_tuning"], "train_s": [1.0, 2.0, 3.0],
                          "infer_s": [1.0, np.nan, 4.0]})  # fmt: skip
    whole = cost.with_sums(table, ["train_s", "infer_s"])
    assert whole["name"].tolist() == ["A", "B: reg", "B: fine_tuning", "B: all"]
    assert whole.iloc[3][["train_s", "infer_s"]].tolist() == [5.0, 4.0]
