"""The positive control: what the weights are, and that the line with weights 1 is the line."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from stflow_lib.gridflow.baselines.linear import LinearSettings, Rule, fit_rule, last_value
from stflow_lib.gridflow.baselines.mlp import CellMLP, MLPSettings
from stflow_lib.gridflow.beyond import control
from stflow_lib.gridflow.beyond.control import Split, control_task, source_weights
from stflow_lib.gridflow.training.schedule import squared_error
from stflow_lib.training.loop import History


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


def test_cells_without_poi_are_a_kind_of_their_own(task):
    """They counted as cells of the first kind, and weighed what those weigh."""
    one = task.only(0)
    city = one.sources[0]
    poi = torch.zeros_like(city.poi)
    poi[1][one.kinds == 1] = 1  # the others have none, in the target they are of no kind
    own = replace(
        one, sources=(replace(city, poi=poi),), kinds=torch.where(one.kinds == 1, 1, -1)
    )
    weights, kinds = control.target_shares(own), one.kinds[city.mask[0]]
    common, rare = Split().weights("oracle")
    assert torch.allclose(weights, torch.where(kinds == 1, rare, common), atol=1e-5)


def cell_alone(city, number):
    mask = torch.zeros_like(city.mask)
    mask.flatten(1)[:, city.cells()[number]] = True
    return replace(city, mask=mask)


def test_sums_of_the_line_are_those_of_each_cell_times_its_weight(task):
    city = task.only(0).sources[0]
    weights = torch.tensor([3.0, *[0.0] * 20, 0.5])
    prior = Rule(last_value(1, city))
    alone = [(control.weighted_moments(prior, one, torch.ones(1)),
              control.weighted_error(prior, one, torch.ones(1)))
             for one in (cell_alone(city, 0), cell_alone(city, 21))]  # fmt: skip
    (first, error), (last, other) = alone
    for part, a, b in zip(
        control.weighted_moments(prior, city, weights), first, last, strict=True
    ):
        assert torch.allclose(part, 3 * a + 0.5 * b, rtol=1e-6)
    assert control.weighted_error(prior, city, weights) == pytest.approx(
        3 * error + 0.5 * other
    )


def test_a_network_learns_and_chooses_by_the_weights(task, monkeypatch):
    told = {}
    monkeypatch.setattr(
        control, "on_sources", lambda *_, **more: told.update(more) or History()
    )
    one, settings = task.only(0), MLPSettings(clock=False)
    city = one.sources[0]
    weights = torch.tensor([3.0, *[0.0] * 20, 0.5])
    network = CellMLP(city.lags, settings)
    control.weighted_network(lambda _: network, one, weights, settings, 0)
    alone = [cell_alone(city, 0), cell_alone(city, 21)]
    first, last = (squared_error(network, some, city.train[:9]) for some in alone)
    found = told["objective"](city, city.train[:9])
    assert found.item() == pytest.approx((3 * first + 0.5 * last).item(), rel=1e-5)
    rmse = partial(control.weighted_rmse, network, steps=city.valid, weights=torch.ones(1))
    first, last = (rmse(city=some) ** 2 for some in alone)
    assert told["error"](city) == pytest.approx((3 * first + 0.5 * last) ** 0.5, rel=1e-5)
