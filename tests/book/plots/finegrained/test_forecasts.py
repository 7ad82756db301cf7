"""Tables of forecasts that know their doubt: certain forecasts have known scores."""

import numpy as np
import pytest
import torch

from stflow_lib.book.plots.finegrained import forecasts
from stflow_lib.finegrained.beyond.forecasts import NAMES, Cells, Comparison

COARSE = torch.tensor([[[[4.0]]], [[[12.0]]]])  # two maps of one block
FULL = torch.ones(2, 1, 2, 2, dtype=torch.bool)
TRUTH = torch.tensor([1.0, 1, 1, 1, 3, 3, 2, 4], dtype=torch.float64)


def even(total: float) -> Cells:
    """Even shares, drawn with a concentration `total` of the block."""
    count = COARSE.double().flatten().repeat_interleave(4)
    return Cells(
        TRUTH, count, torch.full_like(count, total / 4), torch.full_like(count, total * 3 / 4)
    )


@pytest.fixture
def found():
    """Four forecasts around the even split; the first less sure than the others."""
    totals = dict(zip(NAMES, (4.0, 40.0, 1e7, 1e7), strict=True))
    cells = {name: even(total) for name, total in totals.items()}
    concentration = torch.tensor([[[[5.0]]], [[[7.0]]]])
    return Comparison(cells, FULL, COARSE.clone(), concentration, 6.0)


@pytest.fixture
def scored(found):
    return {name: cells.scores(forecasts.LEVELS) for name, cells in found.forecasts.items()}


def test_the_fullest_map_and_its_panels(found, scored):
    pick, panels = forecasts.fullest_map(found, scored[NAMES[0]])
    assert pick == 1 and panels["mean"].tolist() == [[3, 3], [3, 3]]
    assert panels["error"].tolist() == [[0, 0], [1, 1]]
    assert (panels["width"] > 0).all() and not panels["outside"].any()


def test_blocks_that_counted_nobody_have_no_concentration(found):
    found.coarse[0] = 0
    assert np.isnan(forecasts.concentration_map(found, 0)).all()
    assert forecasts.concentration_map(found, 1).tolist() == [[7]]
    assert forecasts.concentration_in_words(found) == (
        "1 full blocks; A: median 7, 90 % in 7.0 to 7; one A: 6.0"
    )


def test_points_have_their_absolute_error_and_distributions_their_intervals(found, scored):
    table = forecasts.worth_table(found.forecasts, scored)
    assert table.loc["UrbanSTC, point", "CRPS"] == pytest.approx(2 / 8)
    assert table.loc["UrbanSTC, point"].isna().sum() == 6
    assert table.at[NAMES[0], "width 90%"] > table.at[NAMES[2], "width 90%"]
    assert [*table.index[3:]] == [*NAMES[::-1]]


def test_equal_forecasts_are_not_told_apart(found, scored):
    assert forecasts.crps_gain(found, scored[NAMES[2]], scored[NAMES[3]]).startswith("not told")


def test_halves_pair_cells_of_equal_mean_and_split_them_by_trust():
    """Means 1, 1 and 5, 5; in each pair the cell with the larger trust value errs more."""
    mean = torch.tensor([1.0, 5, 1, 5], dtype=torch.float64)
    cells = Cells(mean + torch.tensor([0, 0, 2, 3]), mean * 2, torch.ones(4), torch.ones(4))
    parts = forecasts.halves(cells, np.array([0.0, 0, 1, 1]), bins=2)
    assert parts["surer"]["error"].tolist() == [0, 0]
    assert parts["less sure"]["error"].tolist() == [2, 3]
    assert parts["less sure"]["mean"].tolist() == [1, 5]


def test_dice_are_the_forecasts_own_deviation(found):
    words = forecasts.dice_in_words(found.forecasts[NAMES[2]])
    squared, dice = 2 / 8, (4 * 4 * 3 / 16 + 4 * 12 * 3 / 16) / 8
    assert words.startswith(f"RMSE {squared**0.5:.2f} on these cells; dice alone would make")
    assert words.endswith(f"{dice / squared:.0%} of the squared error")


def test_compared_runs_differ_in_their_method_only():
    """Another seed or amount of data would be compared with the second head's worth."""
    found = forecasts.compared_runs("lab")
    assert [*found] == ["taxi-sf-64", "bikenyc-p6"]
    for city, pair in found.items():
        assert [run.method for run in pair] == ["UrbanSTC+DM", "UrbanSTC"]
        assert {(run.city, run.scarcity, run.seed) for run in pair} == {(city, "100", 0)}
