"""Ours beside the released code, and which channels of a decoder are dead."""

from dataclasses import replace
from io import StringIO

import pandas as pd
import pytest
import torch

from stflow_lib import runs
from stflow_lib.book.plots.finegrained import released_code
from stflow_lib.finegrained import METHODS, open_task
from stflow_lib.finegrained.plan import Plan
from stflow_lib.finegrained.tables import LABELLED
from stflow_lib.finegrained.urbanstc.method import KERNEL_SIZES, UrbanSTC, pretrain
from stflow_lib.runs.settings import build_settings


@pytest.fixture
def pretrained(tmp_path, monkeypatch):
    """A smoke run of UrbanSTC, its task and settings, in a store of its own."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "runs"))
    (run,) = Plan.of("smoke").runs(["UrbanSTC"], ["sim-fine"], [100], [0])
    return run, open_task(run), build_settings(METHODS["UrbanSTC"], run.settings)


def test_ratios_are_of_the_same_city_and_amount(monkeypatch):
    """Two seeds of 2 and 4 are 1.5 times a released 2; other cities and amounts have no say."""
    tabled = LABELLED["table7"]("bench")
    wanted = ("taxi-sf-64", "100")

    def summary(group, metrics):
        assert {(run.city, run.scarcity) for run in group} == {wanted}
        lines = [{"metric": m, "mean": 3.0, "spread": 1.0, "n": 2} for m in metrics]
        return pd.DataFrame(lines)

    monkeypatch.setattr(runs, "summary", summary)
    released = "encoders,city,scarcity,rmse,mae\nrandom encoders,taxi-sf-64,100,2.0,3.0\n"
    found = released_code.beside(tabled, StringIO(released))
    assert found["ours / released"].tolist() == [1.5, 1.0]
    assert released_code.said(found) == (
        "Our RMSE divided by the released code's: random encoders 1.500 (2 seeds). Above it by one "
        "percent at most: 0 of 1."
    )


def test_what_is_said_of_seeds():
    rows = [
        (1, 1, "", 3, 1.82),
        (2, 1, "", 5, 1.83),
        (2, 2, "", 8, 1.9),
        (2, 2, "more", 9, 1.86),
    ]
    table = pd.DataFrame(
        rows, columns=["pretexts", "fine_tuning", "change", "dead", "valid_rmse"]
    )
    assert released_code.why(table.assign(channels=32)) == (
        "Whatever the seed of the pretexts: fine-tuned with seed 1, 3 to 5 of 32 channels are dead "
        "after the first epoch and validation ends at 1.820 to 1.830; fine-tuned with seed 2, 8 of "
        "32 channels are dead after the first epoch and validation ends at 1.900. With other "
        "changes: 1.860."
    )


def test_dead_channels_are_those_that_no_map_wakes(pretrained):
    """A channel with a bias far below zero is dead, one that lives on a single map is not."""
    _, task, settings = pretrained
    network = UrbanSTC(task, settings)
    layer = network.decoder[0]
    with torch.no_grad():
        layer.weight.zero_(), layer.bias.fill_(1.0)
        layer.bias[0] = -1.0
    assert released_code.dead_channels(task, network) == 1
    with torch.no_grad():
        layer.bias.fill_(-1.0)
    assert released_code.dead_channels(task, network) == settings.channels


def test_fine_tuning_starts_from_the_pretexts_of_the_other_seed(pretrained, tmp_path):
    """Without a step of fine-tuning that moves them, the encoders are those of the other run."""
    run, task, settings = pretrained
    own = settings.training
    still = replace(settings, freeze_epochs=9, training=replace(own, epochs=1, epoch_steps=1))
    fitted = released_code.tuned(task, still, run, 5, tmp_path / "tuned")
    torch.manual_seed(run.seed)
    other = UrbanSTC(task, settings)
    pretrain(other, task, settings, run.seed, None)
    for name in KERNEL_SIZES:
        for got, want in zip(fitted.learned.encoders[name].parameters(),
                             other.encoders[name].parameters(), strict=True):  # fmt: skip
            torch.testing.assert_close(got, want)


def test_the_page_says_what_was_measured():
    """The start decides: rows of one fine-tuning seed lie nearer to one another than to the
    other's, in error and in dead channels, and no other change makes up for it."""
    found = released_code.starts()
    plain = found[found["change"].isna()]
    ends = plain.groupby("fine_tuning")[["valid_rmse", "dead"]].agg(["min", "max"])
    for column in ("valid_rmse", "dead"):
        assert ends.loc[1, (column, "max")] < ends.loc[2, (column, "min")]
    changed = found.loc[found["change"].notna(), "valid_rmse"]
    assert len(changed) == 3 and changed.min() > ends.loc[1, ("valid_rmse", "max")]
    (first, second), (third, fourth) = (
        group.sort_values("pretexts")["valid_rmse"] for _, group in plain.groupby("fine_tuning")
    )
    assert max(abs(first - second), abs(third - fourth)) < abs(second - fourth)
