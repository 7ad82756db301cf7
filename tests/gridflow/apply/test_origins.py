"""Many moments at once are one moment after the other."""

import numpy as np
import torch

from stflow_lib.gridflow import fit
from stflow_lib.gridflow.apply.origins import outcome

LEVELS = (0.1, 0.9)


def test_forecasts_of_many_moments_are_those_of_each(make_grid):
    whole = make_grid("town", steps=400, poi=False)
    model = fit(whole.isel(time=slice(0, 300)), hours=3, method="Yesterday")
    origins = torch.tensor([310, 350, 397])
    found = outcome(model, whole, origins, LEVELS, 3)
    valid = model.card["mask"].numpy()
    for n, origin in enumerate(origins.tolist()):
        want = model(whole.isel(time=slice(0, origin)), 3, LEVELS)
        truth = whole.flow.values[origin : origin + 3]
        for name, maps in (("truth", truth), *((k, want[k].values) for k in want)):
            parts = getattr(found, name).view(3, -1)
            assert np.allclose(parts[n], maps[:, valid].ravel(), atol=1e-5), name
    assert found.truth.numel() == 3 * 3 * valid.sum()
