"""The positive control: what the weights are, and that the line with weights 1 is the line."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.gridflow.baselines.linear import LinearSettings, fit_rule
from stflow_lib.gridflow.beyond import control
from stflow_lib.gridflow.beyond.control import Split, control_task, source_weights


@pytest.fixture(scope="module")
def task():
    return control_task(0)


def test_what_is_rare_in_the_source_is_common_in_the_target(task):
    source, target = task.sources[0].mask[0], task.target.mask[0]
    assert not (source & target).any()
    assert task.kinds[source].bincount().tolist() == [20, 2]
    assert task.kinds[target].bincount().tolist() == [2, 20]


def test_weights_make_the_kinds_count_as_they_should(task):
    one, kinds = task.only(0), task.kinds[task.sources[0].mask[0]]
    for name, share in {"none": 2 / 22, "counts": 0.5, "oracle": 20 / 22}.items():
        weights = source_weights(one, name, 0)
        assert weights.mean() == pytest.approx(1)
        assert weights[kinds == 1].sum() / weights.sum() == pytest.approx(share)


def test_patterns_weigh_rare_kinds_more(task):
    weights, kinds = (
        source_weights(task.only(0), "RIAM", 0),
        task.kinds[task.sources[0].mask[0]],
    )
    assert weights[kinds == 1].mean() > 1 > weights[kinds == 0].mean()


@pytest.mark.parametrize("days", [0, 3])
def test_without_weights_it_is_the_line(days):
    one = control_task(1, days).only(1)
    ours = control.weighted_line(one, source_weights(one, "none", 1))
    assert torch.allclose(ours.weights, fit_rule(one, LinearSettings()).weights, atol=1e-9)


def test_a_split_has_weights_of_mean_one():
    split = Split(common=9, rare=1)
    for name in ("counts", "oracle"):
        common, rare = split.weights(name)
        assert 0.9 * common + 0.1 * rare == pytest.approx(1)


def test_shares_of_the_target_are_the_oracle_where_poi_tell_the_kinds(task):
    one = task.only(0)
    city = one.sources[0]
    kinds = one.kinds[city.mask[0]]
    poi = torch.zeros_like(city.poi)
    for kind in (0, 1):
        poi[kind][one.kinds == kind] = 1
    clear = replace(one, sources=(replace(city, poi=poi),))
    weights = control.target_shares(clear)
    common, rare = Split().weights("oracle")
    assert torch.allclose(weights, torch.where(kinds == 1, rare, common), atol=1e-5)
