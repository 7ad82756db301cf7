"""Plain transfer: both stages learn, and without days the sources alone do."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.finetuned import (
    FINETUNED_GWN,
    METHOD,
    ZERO_SHOT,
    ZERO_SHOT_GWN,
    FinetunedSettings,
    ZeroShotSettings,
)
from stflow_lib.speedgraph.networks.graph_wavenet import GWNSize
from stflow_lib.speedgraph.networks.stgcn import STGCNSize
from stflow_lib.training.loop import Training

SHORT = Training(epochs=2, epoch_steps=2, batch=4, halve_every=0)
SMALL = FinetunedSettings(STGCNSize(4, 3), 6, SHORT, SHORT)


def test_fits_and_repeats(task):
    """The same seed gives the same bits after both stages."""
    one, two = (METHOD.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert torch.equal(one(task, steps), two(task, steps))
    assert set(one.curves) == {
        f"{s}_{c}" for s in ("source", "target") for c in ("loss", "valid_mae")
    }


def test_the_second_stage_goes_on_from_the_first(task):
    """A target stage that learns nothing must leave the sources' forecast, not fresh weights."""
    still = replace(SHORT, learning_rate=0.0)
    steps = task.test[:5]
    taught = METHOD.fit(task, replace(SMALL, target=still), 0, None)(task, steps)
    fresh = METHOD.fit(task, replace(SMALL, source=still, target=still), 0, None)(task, steps)
    zero = METHOD.fit(replace(task, target=without_days(task.target)), SMALL, 0, None)
    assert torch.equal(zero(task, steps), taught) and not torch.equal(fresh, taught)


def without_days(city):
    return replace(city, train=city.train[:0])


def test_no_source_is_an_error(target):
    with pytest.raises(DataError, match="target: no source city"):
        METHOD.fit(make_task(target), SMALL, 0, None)


@pytest.mark.parametrize("size", [STGCNSize(4, 3), GWNSize(4, 8, 16, 0.0)])
def test_zero_shot_is_what_the_sources_leave(size, task):
    """The first stage of the fine-tuned network; other readings of the target teach nothing."""
    zero = ZERO_SHOT.fit(task, ZeroShotSettings(size, 6, SHORT), 0, None)
    still = replace(SMALL, backbone=size, target=SHORT)
    bare = METHOD.fit(replace(task, target=without_days(task.target)), still, 0, None)
    steps = task.test[:5]
    assert torch.equal(zero(task, steps), bare(task, steps))
    assert set(zero.curves) == {"source_loss", "source_valid_mae"}


def test_both_backbones():
    """The same settings but for the network."""
    for plain, wave in ((METHOD, FINETUNED_GWN), (ZERO_SHOT, ZERO_SHOT_GWN)):
        one, two = plain.settings(), wave.settings()
        assert isinstance(one.backbone, STGCNSize) and isinstance(two.backbone, GWNSize)
        assert replace(two, backbone=one.backbone) == type(two)(backbone=one.backbone)
        assert (one.windows, one.source) == (two.windows, two.source)
