"""Fine maps of coarse ones: sums kept, intervals that hold, any factor that divides."""

import numpy as np
import pandas as pd
import pytest
import torch

from stflow_lib.data import DataError, block_sum
from stflow_lib.data.schema import grid_city, with_content_hash
from stflow_lib.finegrained import fit, infer, load_model, save
from stflow_lib.finegrained.apply.infer import deviation

CARD = {
    "zone": "nominal",
    "step_minutes": 60,
    "unit": "trips",
    "source": "a test",
    "licence": "MIT",
}


def town(flow, start="2024-01-01", name="town", ways=("in", "out"), **attrs):
    time = pd.date_range(start, periods=len(flow), freq="h")
    return with_content_hash(grid_city(flow, time, ways, name=name, **CARD, **attrs))


def pair(factor, rows=12, cols=6, steps=400, seed=0):
    """A fine past, the block sums of 40 later hours, and their fine truth."""
    random = np.random.default_rng(seed)
    flow = random.poisson(random.gamma(1, 6, (2, rows, cols)), (steps + 40, 2, rows, cols))
    present = block_sum(flow[steps:], factor)
    return town(flow[:steps]), town(present, "2024-03-01", "now"), flow[steps:]


@pytest.mark.parametrize("factor", [1, 2, 3, 6])
@pytest.mark.parametrize("method", ["HA", "MEAN", "SRCNN"])
def test_sums_are_kept_by_every_method_and_factor(factor, method):
    """SRCNN knows no constraint, and HA gives nothing to a block that was always empty."""
    past, present, _ = pair(factor)
    past = past.assign(
        flow=past.flow.where((past.row > 0) & (past.col > 0), 0).astype("float32")
    )
    sums = fitted(past, present, method)["mean"].values
    assert np.allclose(
        block_sum(sums.astype("float64"), factor), present.flow, rtol=1e-5, atol=1e-4
    )


def fitted(past, present, method):
    import stflow_lib.finegrained.apply.infer as module

    sized = {"SRCNN": {"channels": 2, "safe": True, "training": {"epochs": 1}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.profiles, "table", lambda *_: {"methods": sized})
        return infer(past, present, method=method)


def test_intervals_hold_on_hours_that_nobody_saw():
    past, present, truth = pair(3)
    found = infer(past, present, levels=(0.1, 0.9), method="HA")
    assert (found.lower >= 0).all() and (
        found.upper <= np.kron(present.flow, np.ones((3, 3)))
    ).all()
    inside = ((found.lower.values <= truth) & (truth <= found.upper.values)).mean()
    assert 0.78 < inside < 0.9


def test_cells_lie_where_those_of_the_past_lie():
    past, present, _ = pair(3)
    box = {"lat_min": 1.0, "lat_max": 2.0, "lon_min": 3.0, "lon_max": 4.0}
    found = infer(town(past.flow.values, **box), present, method="HA")
    assert (
        np.allclose(found.lat, 2 - (np.arange(12) + 0.5) / 12) and found.attrs["lon_max"] == 4
    )
    assert found.sizes == {"time": 40, "direction": 2, "row": 12, "col": 6}
    assert (found.time.values == present.time.values).all()


@pytest.mark.parametrize("coarse, near", [
    ((5, 2), r"4 x 2 \(factor 3\)"), ((12, 3), r"6 x 3 \(factor 2\)"),
    ((24, 12), r"12 x 6 \(factor 1\)"),
])  # fmt: skip
def test_grids_that_do_not_divide_name_the_nearest_that_does(coarse, near):
    past = pair(3)[0]
    with pytest.raises(DataError, match=f"town: 12 x 6 fine cells do not divide .*are {near}"):
        fit(past, coarse, "HA")


def test_a_file_gives_the_same_bits_and_refuses_another_shape(tmp_path):
    past, present, _ = pair(3)
    model = fit(past, (4, 2), "HA")
    save(model, tmp_path / "m.pt")
    again = load_model(tmp_path / "m.pt")
    assert again(present).equals(model(present))
    with pytest.raises(DataError, match=r"now: grid \(18, 9\), the model was made for town"):
        again(pair(2)[1])
    with pytest.raises(DataError, match=r"other: directions \('up', 'down'\)"):
        again(town(present.flow.values, name="other", ways=("up", "down")))


@pytest.mark.parametrize("method", ["HA", "Trees"])
def test_another_process_gives_the_same_bits(method, bits_elsewhere, one_thread):
    past, present, _ = pair(3, steps=120)
    model = fit(past, (4, 2), method)
    assert bits_elsewhere(model, present) == model(present).to_array().values.tobytes()


def test_a_split_of_the_past_is_another_question_s():
    """The last quarter calibrates, whatever parts a publication made of the same maps."""
    past = with_content_hash(pair(3)[0], split=(300, 60, 40))
    assert fit(past, (4, 2), "HA").card["maps"] == 2 * 100


def test_few_maps_train_no_network():
    past, present, _ = pair(3, steps=60)
    assert infer(past, present).attrs["method"] == "HA"


def test_bounds_by_direction(monkeypatch):
    """A direction that is exact and one that is noise: one band for both would fit neither."""
    random = np.random.default_rng(1)
    flow = np.full((400, 2, 4, 4), 8.0)
    flow[:, 1] = random.poisson(8, (400, 4, 4))
    found = infer(town(flow), town(block_sum(flow[:30], 2), name="now"), method="HA")
    width = (found.upper - found.lower).mean(("time", "row", "col"))
    assert width[0] < 1e-5 < 3 < width[1]
    assert torch.is_tensor(fit(town(flow), (2, 2), "HA").card["bands"][0]["above"])


def test_errors_are_counted_in_deviations_of_a_draw():
    """A cell that has all of its block is sure but for a half; one with half of 100 has 5."""
    mean = torch.tensor([[[[50.0, 100.0, 0.0, 0.0]]]])
    whole = torch.tensor([[[[100.0, 100.0, 100.0, 0.0]]]])
    assert deviation(mean, whole).flatten().tolist() == pytest.approx(
        [25.25**0.5, 0.5, 0.5, 0.5]
    )


def test_cells_of_one_size_are_as_sure_as_their_shares():
    """Ten vehicles that are nearly all of a block, and ten of a hundred, in one city: intervals
    of the first are narrower, and both hold what they promise."""
    random = np.random.default_rng(2)
    flow = np.zeros((600, 1, 4, 4))
    for block, total in ((0, 11), (2, 110)):
        x = random.poisson(total, 600)
        flow[:, 0, 0, block] = random.binomial(x, 10 / total)
        flow[:, 0, 1, block] = x - flow[:, 0, 0, block]
    past, truth = town(flow[:400], ways=("in",)), flow[400:]
    found = infer(past, town(block_sum(truth, 2), name="now", ways=("in",)), method="HA")
    width = (found.upper - found.lower).mean("time").values[0, 0]
    assert width[0] < 0.6 * width[2]
    lower, upper = found.lower.values[:, 0, 0], found.upper.values[:, 0, 0]
    held = ((lower <= truth[:, 0, 0]) & (truth[:, 0, 0] <= upper)).mean(0)
    assert 0.85 < held[0] <= 1 and 0.85 < held[2] < 0.97
