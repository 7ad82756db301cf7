"""Scales: deviations of the training part at every resolution, or the paper's numbers."""

import statistics

import pytest
import torch

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.networks.scales import block_sums, deviations, flow_scales


def test_deviations_by_hand(make_city):
    """Over cells and maps of the training part, at the coarse grid, between, and at the fine."""
    task = make_task(make_city(steps=8), 4)
    found = deviations(task, (1, 2, 4))
    for side, scale in zip((1, 2, 4), found.tolist(), strict=True):
        step, flows = 4 // side, []
        for sample in task.train.tolist():
            cells = task.fine[sample, 0].tolist()
            for row in range(0, 8, step):
                for col in range(0, 16, step):
                    flows.append(sum(sum(line[col : col + step])
                                     for line in cells[row : row + step]))  # fmt: skip
        assert scale == pytest.approx(statistics.stdev(flows), rel=1e-5)


def test_scales_follow_the_citys_volume_and_nothing_after_training(make_city):
    """Ten times the vehicles are ten times the scale; what comes later has no say."""
    task = make_task(make_city(steps=40), 2)
    before = deviations(task, (1, 2))
    task.fine[task.test] *= 7
    assert torch.equal(deviations(task, (1, 2)), before)
    task.fine.mul_(10)
    torch.testing.assert_close(deviations(task, (1, 2)), 10 * before)


def test_a_city_at_rest_is_not_divided_by_zero(make_city):
    task = make_task(make_city(steps=8), 2)
    task.fine.zero_()
    assert deviations(task, (1, 2)).tolist() == [1, 1]


def test_names_of_scales(task):
    assert flow_scales("published", task, (1, 2), (1500.0, 100.0)).tolist() == [1500, 100]
    assert torch.equal(flow_scales("training", task, (1, 2), ()), deviations(task, (1, 2)))
    with pytest.raises(ValueError, match="scales 'beijing': want training or published"):
        flow_scales("beijing", task, (1, 2), ())


@pytest.mark.parametrize("side", [2, 4])
def test_block_sums_add_up(side):
    """A mean instead of a sum makes UrbanPy's first stage aim at a quarter of the vehicles."""
    fine = torch.rand(2, 1, 8, 12) * 9
    found = block_sums(fine, side)
    for row in range(8 // side):
        for col in range(12 // side):
            block = fine[1, 0, row * side : (row + 1) * side, col * side : (col + 1) * side]
            assert found[1, 0, row, col].item() == pytest.approx(block.sum().item(), rel=1e-5)
