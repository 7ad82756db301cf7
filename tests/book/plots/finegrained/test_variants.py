"""UrbanSTC's variants: words follow from records, deviations from settings."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.book.plots.finegrained import variants as plots
from stflow_lib.finegrained.urbanstc.method import UrbanSTCSettings
from stflow_lib.training.loop import Training

CPU = torch.device("cpu")


@pytest.fixture
def rows(recorded):
    """The tables' network with two seeds, one that collapsed, one without a record."""
    make = lambda name, rmse, seed=0, **more: recorded(
        name, "city", rmse and {"rmse": rmse, "mae": rmse / 2}, seed, **more
    )
    curves = {"valid_rmse": [3.0, 2.0], "dead_blocks": [0.0, 0.1]}
    return {
        "as in the tables": [make("a", 2.0, curves=curves), make("a", 4.0, 1, curves=curves)],
        "random encoders": [make("b", 3.3)],
        "relu as printed": [make("c", 9.0, notes={"collapsed": True})],
        "softplus": [make("d", None)],
    } | {name: [make(name, None)] for name in ("paper's text", "hard triplets", "with calendar",
                                               "relu, safe")}  # fmt: skip


def test_a_line_per_variant_says_mean_spread_and_what_is_lacking(rows):
    table = plots.variants_table(rows)
    assert table.at["as in the tables", "RMSE"] == "3.000 ± 1.414"
    assert table["MAE"].tolist()[:4] == ["1.500 ± 0.707", "1.650", "collapsed", "not run"]
    assert table.at["relu as printed", "collapsed"] == 1
    assert table.at["softplus", "not run"] == 1


def test_effects_are_percent_of_the_first_variant(rows):
    effect = plots.effects(rows)
    assert effect["random encoders"] == "RMSE +10.0 %"
    assert effect["relu as printed"] == "collapsed" and effect["softplus"] == "not run"
    assert "as in the tables" not in effect


def test_curves_of_variants_without_records_are_left_out(rows):
    panels = plots.variants_curves(rows, "cars")
    assert panels["validation, by pre-training", "RMSE (cars)"] == {
        "as in the tables": [[3.0, 2.0], [3.0, 2.0]]
    }
    assert len(panels) == 3  # no curve of a pretext was recorded


def test_pretext_curves_draw_the_mean_split_as_a_level_line():
    pair = {"loss": [4.0, 9.0], "valid": [1.0, 2.0]}
    curves = {"reg": pair, "tcs": pair, "inf": {"loss": [4.0, 9.0], "valid_rmse": [5.0, 6.0]}}
    panels = plots.pretext_curves(curves, "cars", 7.0)
    inf = panels["Inf", "RMSE (cars)"]
    assert inf["training"] == [[2.0, 3.0]] and inf["mean split, validation"] == [[7.0, 7.0]]
    assert panels["TCS", "triplet loss"] == {
        "training": [[4.0, 9.0]],
        "validation": [[1.0, 2.0]],
    }


@pytest.mark.parametrize(
    "plan, samples, words",
    [(Training(epochs=1, batch=4, learning_rate=1e-3, halve_every=0), 10,
      "1 epoch of 3 steps at 0.001, not halved"),
     (Training(epochs=5, epoch_steps=40, learning_rate=1e-4, halve_every=2), 10,
      "5 epochs of 40 steps at 0.0001, halved every 2"),
     (Training(epochs=5, learning_rate=1e-4, halve_every=2), 0,
      "5 epochs at 0.0001, halved every 2")],
)  # fmt: skip
def test_a_schedule_in_words(plan, samples, words):
    assert plots.schedule(plan, samples) == words


def test_deviations_follow_the_settings(rows):
    settings = replace(UrbanSTCSettings(channels=8), safe=True, freeze_epochs=2)
    table = plots.deviations(settings, plots.effects(rows), CPU, 40).set_index("paper")
    assert table.at["C = 128", "here"] == "C = 8"
    assert table.at["M2 without safe form", "here"] == "safe"
    assert table.at["encoders frozen for 5 epochs (code)", "here"] == "frozen for 2"
    steps = -(-40 // settings.training.batch)
    validated = table.at["validation every 20 iterations", "here"]
    assert validated == f"after each epoch, every {steps} iterations"
    assert table.at["last layer ReLU", "effect"] == "relu as printed: collapsed"
    assert np.all(table.notna()) and len(table) == 16


def test_an_epoch_of_unknown_length_is_not_given_one(rows):
    """Where the city is not here nobody knows how many steps one pass has."""
    table = plots.deviations(UrbanSTCSettings(), plots.effects(rows), CPU).set_index("paper")
    assert table.at["validation every 20 iterations", "here"] == "after each epoch"
    assert " of " not in table["here"].iloc[7]
