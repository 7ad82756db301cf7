"""GPD: prompts of sensors, and a whole fit."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.gpd import method as gpd
from stflow_lib.speedgraph.baselines.gpd.diffusion import DiffusionSize
from stflow_lib.speedgraph.baselines.gpd.node_networks import (
    node_network,
)
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.patch_encoder import PatchEncoder, PatchEncoderSize
from stflow_lib.speedgraph.problem.long_windows import visible_window
from stflow_lib.training.loop import Training

SHORT = Training(epochs=2, epoch_steps=2, batch=2, halve_every=0)


NOISE = DiffusionSize(8, 12, 1, 2, 4, 8, dropout=0.0, steps=6, first=0.05, last=0.5)


SMALL = gpd.GPDSettings(
    encoder=PatchEncoderSize(8, 2, 1, 8, dropout=0.0), sensors=3, hours=SHORT,
    node=stgcn.STGCNSize(3, 2, 4), near=2, models=4, nodes=SHORT, diffusion=NOISE, noise=SHORT,
    target=SHORT,
)  # fmt: skip


def test_prompts_are_means_over_days(task):
    """Two days as two rows, not as one of 48 hours."""
    torch.manual_seed(0)
    encoder = PatchEncoder(6, SMALL.encoder).eval()
    x = visible_window(task, 2)
    each = [gpd.prompt(encoder, x[:, :, k * 144 : (k + 1) * 144]) for k in range(2)]
    torch.testing.assert_close(gpd.prompt(encoder, x), (each[0] + each[1]) / 2)


def test_fits_and_repeats(task):
    one, two = (gpd.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    stages = {"hours_loss", "nodes-source_valid_mae", "noise_loss", "target_valid_mae"}
    assert stages <= set(one.curves)


def test_later_readings_reach_nothing(target, source):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    one, two = (make_task(city, [source]) for city in (target, with_content_hash(other)))
    made = [gpd.fit(t, SMALL, 0, None)(one, one.test[:9]) for t in (one, two)]
    assert torch.equal(*made)


def test_what_is_refused(target, source):
    """A prompt is made of the target's days."""
    with pytest.raises(DataError, match="target: no source city"):
        gpd.fit(make_task(target), SMALL, 0, None)
    with pytest.raises(DataError, match="target: 0 days may be seen, 3 are read"):
        gpd.fit(make_task(target, [source], days=0), SMALL, 0, None)
    with pytest.raises(ValueError, match="three temporal layers leave 0"):
        node_network(stgcn.STGCNSize(3, 2, 4), 6, 9)
