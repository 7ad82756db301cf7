"""Errors of kinds of regions: by hand, and together what the pooled score says."""

import numpy as np
import pytest
import torch

from stflow_lib.gridflow import METHODS, make_task, score
from stflow_lib.gridflow.by_kind import errors_by_kind, main_purpose

NAMES = {0: "homes", 1: "shops", 2: "port"}


@pytest.fixture(scope="module")
def task(receiver, twelve):
    """3 x 4 cells of which the first three are dead."""
    return make_task(receiver, (), twelve)


def kinds():
    return torch.tensor([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 5]])


def test_by_hand(task):
    """Shops are two cells, homes six; a kind without a name and dead cells are left out."""
    off = torch.where(kinds() == 1, 3.0, 1.0)
    table = errors_by_kind(task, lambda t, s: t.target.flow[s] + off, kinds(), NAMES, batch=7)
    assert table.index.tolist() == ["shops", "homes"]
    assert table["cells"].tolist() == [2, 6]
    assert table["rmse"].tolist() == pytest.approx([3, 1])
    assert table["mae"].tolist() == pytest.approx([3, 1])


def test_one_kind_is_the_score(task):
    rule = METHODS["Yesterday"].fit(task, METHODS["Yesterday"].settings(), 0, None)
    table = errors_by_kind(task, rule, torch.zeros(3, 4, dtype=torch.int64), {0: "all"})
    assert table.loc["all", ["rmse", "mae"]].to_dict() == pytest.approx(
        score(task, rule)["metrics"]
    )


def test_a_map_of_another_city_is_an_error(task):
    with pytest.raises(ValueError, match=r"kinds \(4, 3\), receiver has \(3, 4\) cells"):
        errors_by_kind(task, print, kinds().T, NAMES)


def test_main_purpose_is_the_largest_group(make_grid, receiver, twelve):
    poi = np.zeros((14, 4, 5), np.float32)
    poi[3, 0, 0], poi[5, 0, 0], poi[13, 2, 4] = 2, 1, 7
    city = make_grid().assign(poi=(("category", "row", "col"), poi))
    found = main_purpose(make_task(city, (), twelve))
    assert found[0, 0] == 3 and found[2, 4] == 13 and (found == -1).sum() == 18
    with pytest.raises(ValueError, match="receiver: no POI"):
        main_purpose(make_task(receiver, (), twelve))
