"""Many moments at once are one moment after the other, where something was measured."""

import numpy as np
import torch

from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import fit
from stflow_lib.speedgraph.apply.origins import outcome

LEVELS = (0.1, 0.9)


def test_forecasts_of_many_moments_are_those_of_each(make_speed):
    """The city begins at 2:00, so that steps of the city and of its midnight differ."""
    whole = with_content_hash(make_speed(days=5).isel(time=slice(12, None)))
    model = fit(with_content_hash(whole.isel(time=slice(0, 560))), method="Ridge")
    ahead = model.predictor.made.form["ahead"]
    for origin in (560, 611, whole.sizes["time"] - ahead):
        found = outcome(model, whole, torch.tensor([origin]), LEVELS)
        want = model(with_content_hash(whole.isel(time=slice(0, origin))), LEVELS)
        truth = whole.speed.values[origin : origin + ahead].T
        seen = np.isfinite(truth)
        assert np.allclose(found.truth, truth[seen], atol=1e-4)
        for name in ("mean", "lower", "upper"):
            assert np.allclose(getattr(found, name), want[name].values.T[seen], atol=1e-3), name
