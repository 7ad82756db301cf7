"""A city's tensors: windows, scales, valid cells, one direction of them."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import Choices, make_task
from stflow_lib.gridflow.problem.city import crosstres_scale, robust_scale, training_scale


def test_windows_are_the_hours_before_the_label(lender, receiver, twelve):
    """A window that holds its label predicts perfectly and means nothing."""
    city = make_task(receiver, [lender], twelve, choices=Choices(lags=4)).target
    steps = torch.tensor([4, 100, 287])
    windows = city.windows(steps)
    assert windows.shape == (3, 4, 2, 3, 4)
    for window, step in zip(windows, steps.tolist(), strict=True):
        assert torch.equal(window, city.scaled[step - 4 : step])


def test_scaled_values_come_back_as_trips(lender, receiver, twelve):
    """Each direction has its own scale; the least value need not be zero."""
    city = make_task(receiver.assign(flow=receiver.flow + 5), [lender], twelve).target
    assert city.low.tolist() == [5, 5] and city.scaled[120:192].min() == 0
    assert city.low.shape == (2,) and city.high[0] != city.high[1]
    torch.testing.assert_close(city.unscale(city.scaled), city.flow)
    torch.testing.assert_close(city.unscale(city.scaled[:, :, 0, 0]), city.flow[:, :, 0, 0])


def test_scale_of_the_released_code_by_hand(make_grid, twelve):
    """Rank floor(0.999 n) of all cell-hours of a direction, larger values clipped, test too."""
    city = make_grid(poi=False)
    city.flow.values[:] = np.arange(city.flow.size, dtype=np.float32).reshape(city.flow.shape)
    task = make_task(city, (), twelve, choices=Choices(scaler="crosstres"))
    for d in range(2):
        values = np.sort(city.flow.values[:, d].ravel())
        upper = values[int(0.999 * values.size)]
        assert task.target.high[d] == upper and task.target.low[d] == values[0]
        assert task.target.flow[:, d].max() == upper and task.target.scaled[:, d].max() == 1
    assert city.flow.values.max() > task.target.flow.max()  # the city itself is not edited


def test_cells_are_flat_indices_of_each_direction(make_grid, twelve):
    city = make_grid(poi=False)
    city.flow.values[:, 1, 3, 4] = 0
    task = make_task(city, (), twelve)
    assert task.target.cells(0).tolist() == [*range(2, 20)]
    assert task.target.cells(1).tolist() == [*range(2, 19)]
    assert task.only(1).target.cells().tolist() == [*range(2, 19)]


def test_one_direction_is_a_view_of_the_task(lender, receiver, twelve):
    task = make_task(receiver, [lender], twelve)
    one = task.only(1)
    assert one.directions == ("dropoff",) and one.target.flow.shape[1] == 1
    assert torch.equal(one.target.scaled, task.target.scaled[:, 1:])
    assert torch.equal(one.sources[0].mask, task.sources[0].mask[1:])
    assert (
        one.target.high == task.target.high[1]
        and one.sources[0].high == task.sources[0].high[1]
    )
    assert one.target.flow.data_ptr() == task.target.flow[:, 1:].data_ptr()


def test_labels_and_maps_are_inverse(receiver, twelve):
    """Valid cells in the order of their indices; the others hold the least value."""
    city = make_task(receiver, (), twelve).only(1).target
    steps = torch.tensor([200, 201])
    maps = city.on_map(city.labels(steps))
    torch.testing.assert_close(maps[:, city.mask], city.flow[steps][:, city.mask])
    assert (~city.mask).any() and (maps[:, ~city.mask] == city.low).all()


def test_robust_scale_by_hand():
    """Entry 1998 of 2000 counts above the least, whatever the cells without demand."""
    counts = torch.arange(2001.0)[:, None, None, None]
    low, high = robust_scale(counts, "here")
    assert (low.item(), high.item()) == (0, 1999)
    double = torch.cat([counts, counts * 0], 3)
    assert torch.equal(robust_scale(double, "here")[1], high)
    assert torch.equal(robust_scale(counts.repeat(3, 1, 1, 1), "here")[1], high)


@pytest.mark.parametrize("scale", [training_scale, robust_scale, crosstres_scale])
def test_a_direction_without_change_is_an_error(scale):
    """Scaling would divide by zero and fill every network with NaN."""
    flow = torch.stack([torch.arange(24.0).reshape(6, 2, 2), torch.full((6, 2, 2), 3.0)], 1)
    with pytest.raises(DataError, match="here: direction 1 is 3 in every cell"):
        scale(flow, "here")
