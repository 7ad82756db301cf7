"""What three last layers keep of a city: against the records, by hand, and as it is published."""

import numpy as np
import pytest
import torch

from stflow_lib.book.plots.finegrained import conservation, kept, live
from stflow_lib.finegrained import open_task
from stflow_lib.finegrained.plan import Plan
from stflow_lib.kernels import conserve


def test_three_forms_of_each_method_are_planned():
    """A form that is missing would leave a panel empty."""
    found = kept.planned("lab")
    assert [*found] == ["taxi-sf-64"]
    forms = [(run.method, kept.form_of(run)) for run in found["taxi-sf-64"]]
    assert sorted(forms) == sorted(
        (method, form) for method in kept.PREDICTED for form in kept.FORMS
    )
    assert {(run.scarcity, run.seed) for run in found["taxi-sf-64"]} == {("100", 0)}


@pytest.fixture
def even(task, monkeypatch):
    """The summary of networks that split evenly (m2) or guess one vehicle everywhere (others)."""

    def predictor(run):
        if kept.form_of(run) != "m2":
            return lambda task, i: torch.ones_like(task.fine[i])
        return lambda task, i: conserve(torch.ones_like(task.fine[i]), task.coarse[i], 2, 0.0)

    monkeypatch.setattr(kept.runs, "predictor", predictor)
    monkeypatch.setattr(kept, "open_task", lambda run: task)
    monkeypatch.setattr(kept, "untrained", lambda task, plan: None)
    scores = np.geomspace(0.1, 10, 2000)
    monkeypatch.setattr(kept, "untrained_weights", lambda task, plan: (scores, 1 / scores))
    (planned,) = kept.planned("smoke").values()
    return kept.summarise(planned)


def test_what_is_kept_by_hand(even, task):
    """Blocks of four cells with one vehicle each hold four, whatever was counted."""
    blocks = task.coarse[task.test]
    assert even.maps == 3 and even.vehicles == pytest.approx(blocks.sum().item() / 3)
    assert even.off == pytest.approx(
        {"none": (blocks - 4).mean().item(), "m2_signed": (blocks - 4).mean().item(), "m2": 0},
        abs=1e-3,
    )
    assert even.losses.loc["UrbanFM, none", "lost"] == pytest.approx(
        (blocks - 4).sum().item() / 3
    )
    assert (even.losses.loc["UrbanFM, m2", ["lost", "invented"]] < 1e-3).all()
    assert even.last == "UrbanFM" and [*even.above] == [
        "VDSR, m2_signed, untrained", "UrbanFM, m2_signed, trained", "UrbanFM, m2, trained"
    ]  # fmt: skip
    assert even.above["UrbanFM, m2, trained"].index[0] == pytest.approx(0.25)
    assert even.by_rule == pytest.approx({"lowest": 1, "highest": 1})  # no block is ever empty


def test_the_rule_loses_what_was_seldom_there(task):
    """A block that was empty in half of the training maps keeps half of its vehicles."""
    task.coarse[task.train[:3], 0, 0, 0] = 0
    task.fine[task.train[:3], 0, :2, :2] = 0
    assert kept.kept_by_rule(task) == pytest.approx({"lowest": 0.5, "highest": 1})


def test_ranges_of_counts_begin_with_empty_blocks():
    edges = kept.steps(torch.tensor([0.0, 900.0]))
    assert (
        (edges[0], edges[1]) == (-0.5, 0.5) and edges[-1] > 900 and (np.diff(edges) > 0).all()
    )


def test_untrained_networks_keep_every_vehicle_and_signed_scores_cancel():
    """Of the smallest size, on the simulated city; nothing is trained."""
    plan = Plan.of("smoke")
    task = open_task(plan.runs(["HA"], plan.first(4), plan.all_data)[0])
    found = kept.untrained(task, plan)
    assert {"SRCNN", "UrbanSTC", "ShareNet"} <= {*found.index}
    assert not [name for name in found.index if name.endswith("+E")]
    assert (found["largest gap"] < 1e-2).all() and found["dead blocks"].between(0, 1).all()
    sums, largest = kept.untrained_weights(task, plan)
    full = (task.coarse[task.test[: kept.FEW]] > 0).sum()
    assert len(sums) == len(largest) == kept.BIRTHS * full and (sums >= 0).all()
    assert largest.max() > 1 and np.corrcoef(np.log(sums), np.log(largest))[0, 1] < -0.5


def test_every_figure_of_the_page_is_drawn_of_what_is_published(monkeypatch):
    """Without the city's files and without a network."""
    monkeypatch.setattr(live, "has_files", lambda city: False)
    monkeypatch.setattr(kept.runs, "ensure_all", lambda planned: pytest.fail("trains"))
    shown, drawn = kept.SUMMARIES.drawn("lab")
    assert shown == "lab" and [*drawn] == ["taxi-sf-64"] and drawn["taxi-sf-64"].published
    found = drawn["taxi-sf-64"].summary
    panels = conservation.sums_figure(found.sums, found.off, "vehicles").axes
    assert [axis.get_title().split(":")[0] for axis in panels] == [*kept.FORMS]
    signed, shares = conservation.weights_figure(found.cancelled, found.above).axes
    assert signed.lines[0].get_ydata().max() > 1 and len(shares.lines) == 4
    assert found.above["UrbanFM, m2, trained"].iloc[-1] == 0, "a weight beyond 1"
    repaired = found.repaired.rename_axis(["method", "form"])
    changes = conservation.changes_in_percent(repaired, ["rmse", "mae", "mape"])
    axis = conservation.changes_figure(changes, "title").axes[0]
    assert len(axis.get_yticklabels()) == 3 * len(kept.PREDICTED)
    whole = found.parts.sum(axis=1)
    assert whole.to_dict() == pytest.approx(found.losses["mape"].to_dict(), rel=1e-4)
