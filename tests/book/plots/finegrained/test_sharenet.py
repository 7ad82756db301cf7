"""ShareNet's comparisons: places and seeds meet, and the best of the others is the best."""

import pandas as pd
import pytest
import torch

from stflow_lib.book.plots.finegrained import sharenet
from stflow_lib.finegrained.plan import Plan

PLACE = ("c", "20")


@pytest.fixture
def group(recorded):
    """A function that makes three seeds of a method at the place."""
    return lambda method, *errors: [
        recorded(method, "c", {"rmse": e}, s, "20") for s, e in enumerate(errors)
    ]


def test_first_error_is_that_of_the_seed_at_the_place(group, recorded):
    runs = [*group("ShareNet", 1.0, 2.0), recorded("ShareNet", "d", {"rmse": 9.0}, 1, "20")]
    assert sharenet.first_error(runs, PLACE, 1) == 2.0
    assert pd.isna(sharenet.first_error(runs, PLACE, 5))


def test_others_are_ranked_without_mean_and_urbanstc(group):
    tables = [
        *group("MEAN", 0.1),
        *group("UrbanSTC", 0.2),
        *group("FODE", 3.0, 5.0),
        *group("HA", 3),
    ]
    assert sharenet.ranked(tables, PLACE).to_dict() == {"HA": 3.0, "FODE": 4.0}


def test_best_other_is_a_network_and_is_paired_by_seed(group):
    own, tables = group("ShareNet", 1.0, 2.0), [*group("HA", 0.5), *group("FODE", 2.0, 4.0)]
    best = sharenet.best_other(own, tables, PLACE)
    assert best["best other"] == "FODE" and best["its RMSE"] == 3.0 and best["n"] == 2
    assert best["ShareNet lower by (%)"] == pytest.approx(50)
    assert sharenet.best_other(own, group("HA", 0.5), PLACE) == {"best other": "not run"}


def test_learned_is_the_part_of_the_starting_error_that_went(group):
    found = sharenet.learned(group("ShareNet", 1.0, 1.0), PLACE, 2.0)
    assert [*found.values()] == [50, 50, 50]


def test_costs_stand_side_by_side_by_city():
    record = {"city": "c", "parameters": 10, "fit_seconds": 3.7}
    table = sharenet.cost_table({"A": [record, record | {"fit_seconds": 4.7}], "B": []})
    assert table["A"].loc["c"].tolist() == [10, 4] and sharenet.cost_table({"B": []}).empty


def test_untrained_network_is_the_rule_that_it_starts_from():
    """No correction yet: its error can only be that of smoothed historical shares."""
    plan = Plan.of("smoke")
    run = plan.runs(["ShareNet"], plan.first(4), plan.fractions[:1], plan.seeds[:1])[0]
    task, network = sharenet.untrained(run)
    with torch.inference_mode():
        assert (network.correction(task.coarse[:4]) == 0).all()
    assert 0 < sharenet.test_rmse(network, task) < float(task.fine.max())
    assert sharenet.start_error(run) == sharenet.test_rmse(network, task)
