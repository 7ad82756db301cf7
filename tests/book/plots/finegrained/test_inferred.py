"""Places, runs and honesty of the page of maps, by hand."""

import numpy as np
import pandas as pd
import torch

from stflow_lib.book.plots.finegrained import inferred

WINDOWS = {"A": (0, 0, 2), "B": (2, 2, 2)}


def test_drawn_is_the_first_city_and_seed_with_all_data(recorded):
    make = lambda method, city="c", seed=0, amount="100": recorded(
        method, city, None, seed, amount
    )
    wanted = [make("HA"), make("UrbanSTC")]
    table = [
        make("HA", amount="20"),
        *wanted,
        make("VDSR"),
        make("HA", seed=1),
        make("HA", "d"),
    ]
    assert inferred.drawn(table) == {"HA": wanted[0], "UrbanSTC": wanted[1]}
    assert inferred.drawn([]) == {}


def test_pretexts_are_drawn_where_urbanstc_is():
    """Another city or seed beside it would be another picture."""
    chosen = inferred.drawn(inferred.TABLES["table3"]("lab"))
    parts = inferred.pretexts("lab", chosen)
    assert [*parts] == ["random encoders", "reg", "inf", "tcs", "reg+inf+tcs"]
    places = {(run.city, run.scarcity, run.seed) for run in parts.values()}
    assert places == {("taxi-sf-64", "100", 0)}
    assert parts["reg+inf+tcs"] == chosen["UrbanSTC"]
    assert inferred.pretexts("lab", {}) == {}


def test_the_simulated_city_is_refined_by_two():
    four, two = (
        inferred.drawn(inferred.TABLES["table3"]("smoke")),
        inferred.refined_by_two("smoke"),
    )
    assert [*two] == [*four] and {run.protocol for run in two.values()} == {"x2"}


def test_inference_keeps_the_order_of_samples(task, monkeypatch):
    monkeypatch.setattr(inferred.runs, "predictor", lambda run: lambda task, i: task.fine[i])
    found = inferred.infer(None, task, torch.tensor([3, 1]))
    assert found.dtype == np.float64 and np.array_equal(found, task.fine[[3, 1], 0].numpy())


def test_numbers_stand_beside_those_of_the_record():
    truth = np.ones((1, 2, 2))
    record = {"metric_rmse": 1.5, "metric_dead_blocks": 0.25, "parameters": 1234}
    table = inferred.numbers_table({"HA": truth + 1}, truth, iter([record]))
    assert table.loc["HA", ["rmse", "rmse in the record"]].tolist() == [1, 1.5]
    assert table.loc["HA", ["dead blocks", "parameters"]].tolist() == ["25.00%", "1,234"]


def test_a_place_lies_in_whole_coarse_cells_around_it():
    """Row 0 is the north; a place at the edge keeps its square on the map."""
    box = {"lat_min": 0.0, "lat_max": 8.0, "lon_min": 0.0, "lon_max": 16.0}
    places = {"middle": (5.0, 4.0), "corner": (0.1, 15.9)}
    windows = inferred.around(places, box, (8, 16), 2, 4)
    assert windows == {"middle": (0, 2, 4), "corner": (4, 12, 4)}


def test_busiest_windows_do_not_overlap_and_come_in_order():
    flow = np.zeros((4, 8))
    flow[0, 0], flow[3, 7], flow[0, 2] = 5, 9, 4
    windows = inferred.busiest_windows(flow, 2, 2, count=3)
    assert windows == {"A": (2, 6, 2), "B": (0, 0, 2), "C": (0, 2, 2)}
    assert flow.sum() == 18  # the map itself is left as it was


def test_means_at_places_and_what_the_places_hold():
    error = np.zeros((4, 4))
    error[0, 0], error[3, 0] = 4, 3
    table = inferred.place_table({"HA": error}, WINDOWS)
    assert table.loc["HA"].tolist() == [1, 0, 7 / 16]
    assert inferred.held(error, WINDOWS.values()) == (0.5, 16 / 25)


def test_scores_of_the_test_part_and_of_one_map():
    errors = np.zeros((2, 4, 4))
    errors[1, 0, 0] = 8
    row = inferred.scores_table({"reg": errors}, 1, {"A": WINDOWS["A"]}).loc["reg"]
    assert row.tolist() == [2**0.5, 0.25, 0.5, 1]
    assert row.index[-1] == "MAE, A, test part"


def test_honesty_is_true_over_inferred_where_enough_was_said():
    fine = np.r_[np.full(30, 2.0), np.full(29, 20.0)]
    found = inferred.honesty(fine, fine * 1.5, np.array([1, 10, 100]))
    pd.testing.assert_series_equal(found, pd.Series([1.5], [2.0]))


def test_cut_takes_the_window_of_every_map():
    assert inferred.cut(np.arange(32).reshape(2, 4, 4), (1, 2, 2)).tolist() == [
        [[6, 7], [10, 11]], [[22, 23], [26, 27]]]  # fmt: skip
