"""SRCNN: its bicubic input, its three layers, the scale of what it sees."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.baselines.srcnn import SRCNN, bicubic


def cubic(distance, a=-0.75):
    """Keys' kernel of cubic convolution."""
    d = abs(distance)
    if d < 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


@pytest.mark.parametrize("factor", [2, 4])
def test_bicubic_input(factor):
    """Against the kernel written out; one count inside the map keeps its sum, a plain its mean."""
    counts = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    counts[0, 0, 3, 3] = 48.0
    fine = bicubic(counts, factor)
    line = torch.tensor([cubic((i + 0.5) / factor - 3.5) for i in range(7 * factor)]).double()
    torch.testing.assert_close(fine[0, 0], 48 / factor**2 * torch.outer(line, line))
    assert fine.sum().item() == pytest.approx(48)
    plain = bicubic(torch.full((1, 1, 3, 5), 48.0), factor)
    torch.testing.assert_close(plain, torch.full_like(plain, 48 / factor**2))


def test_input_scale_rescues_a_dead_start(build, output, tasks):
    """Counts in the thousands push whole blocks below zero; what is split stays in vehicles."""
    task = replace(tasks[4], coarse=tasks[4].coarse * 1000)
    dead = {}
    for scale in (1.0, 1e4):
        settings = {"channels": 16, "activation": "shifted", "input_scale": scale}
        fine = [output(build(SRCNN, task, seed, **settings), task) for seed in range(6)]
        dead[scale] = sum((F.avg_pool2d(f, 4) == 0).sum().item() for f in fine)
    assert dead[1.0] > dead[1e4] == (task.coarse[task.train] == 0).sum() * 6
    torch.testing.assert_close(
        F.avg_pool2d(fine[-1], 4) * 16, task.coarse[task.train], rtol=1e-3, atol=0
    )


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_three_layers_on_the_interpolated_map(build, output, make_city, factor):
    """conv9x9, conv5x5, conv5x5 with two ReLUs between; a third would cut the scores' sign."""
    task = make_task(make_city(rows=12, cols=12), factor)
    network = build(SRCNN, task, channels=4, constraint="none")
    (first, second, last) = (layer for layer in network.stages[0].layers if layer._parameters)
    assert [layer.kernel_size for layer in (first, second, last)] == [(9, 9), (5, 5), (5, 5)]
    x = bicubic(task.coarse[task.train], factor)
    want = last(F.relu(second(F.relu(first(x)))))
    torch.testing.assert_close(output(network, task), want)
