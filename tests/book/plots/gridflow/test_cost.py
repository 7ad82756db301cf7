"""Pictures of the cost page: every number stands where it says, and axes are named."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.book.plots.gridflow import cost as plots
from stflow_lib.data.simulate import simulate_grid
from stflow_lib.gridflow import Protocol, make_task
from stflow_lib.runs import Run


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def named(figure) -> bool:
    return all(a.get_xlabel() and a.get_title() for a in figure.axes)


def test_measured_and_printed_ratios_stand_in_their_methods_row():
    """A row that slips would lay a method's printed ratio beside another's measured one."""
    rows = pd.DataFrame({"method": ["A", "B"] * 2, "quantity": ["memory"] * 2 + ["time"] * 2,
                         "ours": [3.0, 1.0, 4.0, 1.1], "low": np.nan, "high": np.nan,
                         "printed": [2.0, 1.2, 9.0, 1.5]})  # fmt: skip
    figure = plots.ratios_figure(rows, "Finetuned")
    memory, time = figure.axes
    points = [c.get_offsets().tolist() for c in memory.collections if len(c.get_offsets()) == 2]
    assert points[-2:] == [[[3, 1], [1, 0]], [[2, 1], [1.2, 0]]]
    assert [t.get_text() for t in memory.get_yticklabels()] == ["B", "A"]
    low, high = time.get_xlim()
    assert low < 1 and high > 9 and named(figure)


def test_growth_has_each_form_once_in_the_key_and_every_point():
    """A key of both panels would name each line twice."""
    forms = {
        "sorted": ([128, 256, 512], [1.0, 4.0, 16.0]),
        "literal": ([128, 256], [2.0, 16.0]),
    }
    panels = {"time (s)": forms, "memory (MB)": forms}
    figure = plots.growth_figure(panels, {"sorted": ": R^2"}, 256)
    (key,) = figure.legends
    assert [t.get_text() for t in key.get_texts()] == ["sorted: R^2", "literal"]
    assert [line.get_ydata().tolist() for line in figure.axes[1].lines[:2]] == [
        [1, 4, 16], [2, 16]]  # fmt: skip
    assert named(figure) and figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"


def test_bars_are_sorted_and_keep_their_own_notes():
    """Sorted bars with notes in the order given would carry each other's numbers."""
    figure = plots.bars_figure({"a": 1.0, "b": 3.0}, "ms", "title", ["one", "three"])
    (axis,) = figure.axes
    at = {text.xy: text.get_text() for text in axis.texts}
    assert at == {(3.0, 1): "three", (1.0, 0): "one"} and named(figure)
    assert [t.get_text() for t in axis.get_yticklabels()] == ["b", "a"]


def test_ratios_are_taken_inside_a_turn():
    """Medians of each first would mix a slow turn of one with a fast turn of the other."""
    turned = {"base": [1.0, 10.0, 2.0], "A": [3.0, 10.0, 4.0]}
    found = plots.ratios_to(turned, "base")
    assert found["A"].tolist() == [1, 2, 3] and found["base"].tolist() == [1, 1, 1]


def test_table3_holds_ratios_beside_printed_ones():
    printed = pd.DataFrame(
        {"peak_memory_gb": [2.0, 3.0], "training_time_h": [1.0, 4.0]}, ["F", "A"]
    )
    seconds = {"F": np.array([1.0, 2.0]), "A": np.array([3.0, 8.0])}
    table = plots.table3({"F": [10.0, 20.0], "A": [14.0, 28.0]}, seconds, printed, "F")
    memory, time = table.to_dict("records")
    assert (memory["method"], memory["ours"], memory["printed"]) == ("A", 1.4, 1.5)
    assert memory["low"] == memory["high"] == 1.4 and memory["verdict"] == "agrees"
    assert [time[n] for n in ("low", "ours", "high", "printed")] == [3, 3.5, 4, 4]
    printed["training_time_h"] = [1.0, 8.0]
    slow = plots.table3({"F": [10.0], "A": [40.0]}, seconds, printed, "F")
    assert slow[["low", "high"]].isna().all(axis=1).tolist() == [True, False]  # of one turn
    assert slow["verdict"].tolist() == ["higher", "lower"]
    assert plots.beside_print(slow, "A") == (
        "A: peak memory is higher than the printed 1.50 (4.00); "
        "training time is lower than the printed 8.00 (3.50, 3.00 to 4.00)."
    )


def test_ties_are_ties_to_the_last_bit():
    """The case must hold ties, or the two forms are never compared on them."""
    torch.manual_seed(0)
    d, alike = plots.tied_case(40, torch.float64)
    assert d.shape == (40, 256) and d.dtype == torch.float64
    assert torch.equal(alike, alike.T) and alike[0].unique().numel() < 40
    assert alike.diagonal().tolist() == [50] * 40


@pytest.fixture(scope="module")
def task():
    cut = Protocol("cost", steps=480, valid=240, test=360, source_steps=336, source_valid=216)
    home, away = (simulate_grid(3, 4, 20, seed=seed, name=f"city-{seed}")[0] for seed in (0, 1))
    return make_task(away, [home], cut).only(0)


SIZE = {"channels": 2, "blocks": 0, "hidden": 2}


def test_two_steps_train_on_the_source_only(task):
    """A third step, or one on the target, would be in every number of the page."""
    settings = plots.short_settings("Finetuned", SIZE, {"source": {"batch": 3}}, 5)
    assert (settings.source.epochs, settings.source.epoch_steps) == (1, 2)
    assert settings.source.batch == 3 and settings.target.epochs == 0
    clock = plots.cost.step_seconds(plots.two_steps(task, "Finetuned", SIZE, {}, 4))
    assert len(clock) == 2 and min(clock) > 0


@pytest.mark.parametrize("method, mean", [("Finetuned", 3.0), ("CrossTReS", (5 + 8 * 1) / 9)])
def test_looking_ahead_counts_as_often_as_it_is_done(task, monkeypatch, method, mean):
    """CrossTReS looks ahead in one step of nine; half of all would make it three times as slow."""
    monkeypatch.setattr(plots.cost, "step_seconds", lambda fit: (5.0, 1.0))
    assert plots.step_seconds(task, method, SIZE, {}, 4) == pytest.approx(mean)


def test_a_source_is_trained_once_for_all_targets_and_days():
    """But anew for another seed, another source, and for a method that looks at the target."""
    names = ("Previous hour", "Finetuned", "CrossTReS")
    rows = {
        method: [Run("gridflow", method, city, "P60", days, "lab", seed)
                 for city in ("a>b", "a>c", "b>c") for days in ("3", "0") for seed in (0, 1)]
        for method in names
    }  # fmt: skip
    assert plots.source_trainings({"rule": rows["Previous hour"]}) == {
        "runs that transfer": 0, "source trainings": 0}  # fmt: skip
    own = rows["Finetuned"]
    assert plots.source_trainings({"x": own, "y": own}) == {
        "runs that transfer": 12, "source trainings": 4}  # fmt: skip
    assert plots.source_trainings({"x": rows["CrossTReS"]})["source trainings"] == 12


@pytest.mark.parametrize("method", ["Finetuned", "MetaST", "CrossTReS", "STBaT"])
def test_two_steps_on_the_source_are_all_that_is_timed(task, method):
    """Steps of the embeddings alone, before the first on the source, once were timed with them."""
    changes = {"meta": {"tasks": 1, "steps": 1}} if method == "MetaST" else {}
    assert len(plots.cost.step_seconds(plots.two_steps(task, method, SIZE, changes, 4))) == 2
