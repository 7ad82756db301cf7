"""Tables of forecasts that know their doubt: certain forecasts have known scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.book.plots.finegrained import beyond, forecasts, live
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


@pytest.fixture
def doubt(found):
    return forecasts.doubt("handtown", "cars", 7, found, True)


def test_means_over_maps_and_where_the_truth_is_often_outside(found, scored):
    """Forecasts 1 and 3 in every cell; errors 0 on the first map, 0 and 1 on the second."""
    means = forecasts.mean_maps(found, scored[NAMES[0]])
    assert means["mean"].tolist() == [[2, 2], [2, 2]]
    assert means["error"].tolist() == [[0, 0], [0.5, 0.5]]
    assert (means["width"] > 0).all() and not means["outside"].any()
    ones = torch.ones_like(scored[NAMES[0]].high)
    narrow = replace(scored[NAMES[0]], low=ones, high=3 * ones)
    assert forecasts.mean_maps(found, narrow)["outside"].tolist() == [[0, 0], [0, 0.5]]


def test_blocks_that_never_counted_anybody_have_no_concentration(found, scored, doubt):
    """The median is over the maps in which the block was full."""
    one = lambda: forecasts.mean_maps(found, scored[NAMES[0]])["concentration"].tolist()
    assert doubt.blocks == 2 and doubt.concentration.tolist() == pytest.approx([5.1, 6, 6.9])
    found.coarse[0] = 0
    assert one() == [[7]]
    found.coarse[:] = 0
    assert np.isnan(one()).all()


def test_a_doubt_says_how_much_was_scored(doubt):
    assert forecasts.in_words(doubt) == (
        "2 of 7 test maps, 2 full blocks; A: median 6, 90 % in 5.1 to 7; one A: 6.0"
    )


def test_busy_cells_are_chosen_by_the_forecast(doubt, found, monkeypatch):
    """By the truth, a forecast that is too low would never be asked."""
    assert doubt.busy == 0 and not doubt.pits and doubt.worth_busy.empty
    monkeypatch.setattr(forecasts, "BUSY", 3)
    busy = forecasts.doubt("handtown", "cars", 7, found, False)
    assert busy.busy == 4 and [*busy.pits] == [*busy.covered] == [*NAMES[:3]]
    assert [*busy.covered[NAMES[0]].index] == [*forecasts.LEVELS[1:]] and not busy.means
    assert busy.pits[NAMES[0]][[0, -1]].tolist() == [0, 1]
    assert busy.worth_busy.at["UrbanSTC, point", "CRPS"] == pytest.approx(2 / 4)


def test_points_have_their_absolute_error_and_distributions_their_intervals(found, scored):
    table = forecasts.worth_table(found.forecasts, scored)
    assert table.loc["UrbanSTC, point", "CRPS"] == pytest.approx(2 / 8)
    assert table.loc["UrbanSTC, point"].isna().sum() == 6
    assert table.at[NAMES[0], "width 90%"] > table.at[NAMES[2], "width 90%"]
    assert [*table.index[3:]] == [*NAMES[::-1]]


def test_equal_forecasts_are_not_told_apart(found, scored):
    same = dict(scored) | {name: scored[NAMES[0]] for name in NAMES}
    lower = forecasts.lower_crps(found, same)
    assert [*lower.index] == [*NAMES[1:]] and (lower == 0).all(None)
    assert forecasts.lower_in_words(*lower.iloc[0]).startswith("not told apart")
    assert forecasts.lower_in_words(1.0, 2.0) == "lower (1.0 to 2.0 % lower)"
    assert forecasts.lower_in_words(-2.0, -1.0).startswith("higher")


def test_the_less_sure_promises_more_than_dice(found):
    """Concentrations 4 and 1e7: (A + n) / (A + 1) is 8 / 5 and 16 / 5, of dice 1."""
    trust = forecasts.trust(found.forecasts)
    assert trust == pytest.approx(np.repeat([(8 / 5) ** 0.5, (16 / 5) ** 0.5], 4), rel=1e-5)


def test_halves_pair_cells_of_equal_mean_and_split_them_by_trust():
    """Means 1, 1 and 5, 5; in each pair the cell with the larger trust value errs more."""
    mean = torch.tensor([1.0, 5, 1, 5], dtype=torch.float64)
    cells = Cells(mean + torch.tensor([0, 0, 2, 3]), mean * 2, torch.ones(4), torch.ones(4))
    parts = forecasts.halves(cells, np.array([0.0, 0, 1, 1]), bins=2)
    assert parts["surer"]["error"].tolist() == [0, 0]
    assert parts["less sure"]["error"].tolist() == [2, 3]
    assert parts["less sure"]["mean"].tolist() == [1, 5]


def test_dice_are_the_forecasts_own_deviation(doubt):
    words = forecasts.dice_in_words(doubt)
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


def test_the_first_city_alone_has_maps(monkeypatch, found, task):
    """A second one would be published and drawn nowhere."""
    monkeypatch.setattr(forecasts, "compare_forecasts", lambda *_: found)
    monkeypatch.setattr(forecasts.runs, "predictor", lambda run: None)
    mapped = {}
    for city, pair in forecasts.compared_runs("lab").items():
        monkeypatch.setattr(forecasts, "open_task", lambda run: replace(task, city=run.city))
        mapped[city] = bool(forecasts.summarise(pair).means)
    assert mapped == {"taxi-sf-64": True, "bikenyc-p6": False}


def test_every_figure_of_the_page_is_drawn_of_what_is_published(monkeypatch):
    """Without a city's files and without a network."""
    monkeypatch.setattr(live, "has_files", lambda city: False)
    monkeypatch.setattr(forecasts.runs, "ensure_all", lambda planned: pytest.fail("trains"))
    shown, drawn = forecasts.SUMMARIES.drawn("lab")
    assert shown == "lab" and [*drawn] == ["taxi-sf-64", "bikenyc-p6"]
    for city, of in drawn.items():
        found = of.summary
        assert of.published and found.busy and found.worth_busy.shape == found.worth.shape
        if found.means:
            beyond.sure_figure(found.means, found.unit, city)
        pits, intervals = beyond.calibration_figure(found.pits, found.covered, city).axes
        assert len(pits.patches) == len(NAMES[:3])
        assert len(intervals.lines) == len(NAMES[:3]) + 1
        spread, halves = beyond.spread_figure(
            found.spreads, found.halves, found.unit, city
        ).axes
        assert len(spread.lines[0].get_xdata()) == 20 and len(halves.lines) == 2
