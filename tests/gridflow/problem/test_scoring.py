"""Errors of kinds of regions: by hand, and together what the pooled score says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from stflow_lib.gridflow import METHODS, make_task, score
from stflow_lib.gridflow.problem.from_run import region_types
from stflow_lib.gridflow.problem.protocol import PROTOCOLS
from stflow_lib.gridflow.problem.regions import main_purpose

KINDS = torch.tensor([[0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 5]])  # of 3 x 4 cells, 3 dead


@pytest.fixture(scope="module")
def task(receiver, twelve):
    return replace(make_task(receiver, (), twelve), kinds=KINDS)


def test_by_hand(task):
    """Shops are two cells off by 3, a cell of no kind and dead ones are in no kind's score."""
    off = torch.where(KINDS == 1, 3.0, torch.where(KINDS == 5, 2.0, 1.0))
    parts = score(task, lambda t, s: t.target.flow[s] + off, batch=7)["parts"]
    found = {k: v for k, v in parts.items() if k.startswith("kind")}
    assert set(found) == {f"kind_{k}_{e}" for k in (0, 1, 5) for e in ("rmse", "mae")}
    for kind, want in {0: 1.0, 1: 3.0, 5: 2.0}.items():
        assert found[f"kind_{kind}_rmse"] == pytest.approx(want)
        assert found[f"kind_{kind}_mae"] == pytest.approx(want)


def test_one_kind_is_the_score(task):
    """A kind's sums and means are the pooled score's."""
    rule = METHODS["Yesterday"].fit(task, METHODS["Yesterday"].settings(), 0, None)
    got = score(replace(task, kinds=torch.zeros(3, 4, dtype=torch.int64)), rule)
    assert got["parts"]["kind_0_rmse"] == pytest.approx(got["metrics"]["rmse"])
    assert got["parts"]["kind_0_mae"] == pytest.approx(got["metrics"]["mae"])


def test_a_direction_without_a_cell_of_the_kind_is_left_out(task):
    """Its mean is of the other direction alone, and no sum is divided by nothing."""
    mask = task.target.mask.clone()
    mask[0, KINDS == 5] = False
    half = replace(task, target=replace(task.target, mask=mask))
    parts = score(half, lambda t, s: t.target.flow[s] + 2.0)["parts"]
    assert parts["kind_5_rmse"] == pytest.approx(2.0)


def test_kinds_unknown_leave_the_score_alone(task):
    rule = METHODS["Yesterday"].fit(task, METHODS["Yesterday"].settings(), 0, None)
    assert not [
        k for k in score(replace(task, kinds=None), rule)["parts"] if k.startswith("kind")
    ]


def test_main_purpose_is_the_largest_group():
    poi = np.zeros((14, 4, 5), np.float32)
    poi[3, 0, 0], poi[5, 0, 0], poi[13, 2, 4] = 2, 1, 7
    names = [f"group {k}" for k in range(14)]
    found = main_purpose(
        xr.DataArray(poi, {"category": names}, dims=("category", "row", "col"))
    )
    assert found.dims == ("row", "col") and found.attrs["names"][5] == "group 5"
    assert found[0, 0] == 3 and found[2, 4] == 13 and int((found == -1).sum()) == 18


def test_kinds_of_a_simulated_city_are_its_truth():
    """Rare in sim-grid-a, common in sim-grid-c, and no method's input."""
    kinds = region_types("sim-grid-c", PROTOCOLS["P60"])
    assert kinds.shape == (10, 12) and kinds.attrs["names"][:2] == ("residential", "office")
    assert int((kinds == 0).sum()) == 4 and int((kinds == 5).sum()) == 50


def test_kinds_of_real_cities(real_data):
    """From bikes for taxis; unknown where there is no second mode and no POI."""
    kinds = region_types("jonas-dc-taxi", PROTOCOLS["P90"])
    assert kinds.shape == (9, 12) and len(kinds.attrs["names"]) == 14
    assert "weekday 6-10" in kinds.attrs["names"][2] and int(kinds.max()) < 14
    assert region_types("taxi-sf-trips", PROTOCOLS["P24"]) is None
