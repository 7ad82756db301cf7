"""PDFormer's network: its size, what its heads may see, its start."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.gridflow.baselines.pdformer.network import (
    PDFormer,
    PDFormerSettings,
    recent,
    sinusoids,
)
from stflow_lib.gridflow.baselines.pdformer.views import Views
from stflow_lib.training.method import count_parameters

SMALL = PDFormerSettings(width=16, blocks=2, skip=8)


def known(cells=12, directions=2, near=None, alike=None, seed=0):
    random = torch.Generator().manual_seed(seed)
    everyone = torch.ones(cells, cells, dtype=torch.bool)
    place = torch.randn(cells, 8, generator=random)
    shapes = torch.randn(16, 3, directions, generator=random)
    return Views(everyone if near is None else near, everyone if alike is None else alike,
                 place, shapes, torch.arange(7) < 4)  # fmt: skip


def network(about=None, lags=6, seed=0, **settings):
    torch.manual_seed(seed)
    about = about or known()
    return PDFormer(lags, about, replace(SMALL, **settings)).eval()


def draw(batch=2, lags=6, cells=12, directions=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, lags, cells, directions, generator=random)
    return x, torch.arange(lags).expand(batch, -1) * 60, torch.full((batch, lags), 3)


def reached(net, cell=0):
    x, minute, weekday = draw()
    x.requires_grad_()
    net(x, minute, weekday)[0, cell].sum().backward()
    return set(x.grad[0].abs().sum((0, 2)).nonzero()[:, 0].tolist())


def test_parameter_count_is_that_of_the_original():
    """At its own size for one channel and 12 steps in and out it has 531,165 (ours gives one
    step: 143 less); for a grid and 6 to 1 steps it has 531,593."""
    theirs = PDFormer(12, known(directions=1), PDFormerSettings(heads=(2, 4, 2)))
    assert count_parameters(theirs) + 11 * 13 == 531_165
    assert count_parameters(PDFormer(6, known(), PDFormerSettings())) == 531_593


def test_recent_hours_end_with_the_step_and_begin_with_zeros():
    x, *_ = draw()
    got = recent(x)
    assert got.shape == (2, 2, 6, 12, 3)
    assert torch.equal(got[1, 0, 4, 7], x[0, 2:5, 7, 1])
    assert torch.equal(
        got[0, 1, 0, 3], torch.stack([x.new_zeros(()), x.new_zeros(()), x[1, 0, 3, 0]])
    )


def test_sinusoids_are_the_printed_ones():
    got = sinusoids(7, 10)
    for step, column in ((0, 1), (3, 4), (6, 9)):
        angle = step / 10_000 ** (column // 2 * 2 / 10)
        want = np.cos(angle) if column % 2 else np.sin(angle)
        assert got[step, column].item() == pytest.approx(want, abs=1e-6)


def test_masks_decide_who_is_seen():
    """One block, both masks to oneself: only the own hours; each mask opens its own cells."""
    own = torch.eye(12, dtype=torch.bool)
    near, alike = own.clone(), own.clone()
    near[0, 3] = alike[0, 7] = True
    assert reached(network(known(near=own, alike=own), blocks=1)) == {0}
    assert reached(network(known(near=near, alike=own), blocks=1)) == {0, 3}
    assert reached(network(known(near=own, alike=alike), blocks=1)) == {0, 7}
    assert reached(network(known(near=near, alike=alike), blocks=1)) == {0, 3, 7}


def test_cells_have_no_order():
    """Renumbering cells, with everything known of them, renumbers the prediction."""
    turn = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    near = torch.rand(12, 12, generator=torch.Generator().manual_seed(2)) < 0.5
    near |= torch.eye(12, dtype=torch.bool)
    about = known(near=near)
    turned = replace(about, near=near[turn][:, turn], place=about.place[turn])
    x, minute, weekday = draw()
    got = network(turned)(x[:, :, turn], minute, weekday)
    torch.testing.assert_close(got, network(about)(x, minute, weekday)[:, turn])


def test_shapes_reach_the_prediction_through_the_geographic_keys():
    """Without them delay awareness is gone; the number of shapes is free."""
    x = draw()
    one, other = known(), known(seed=4)
    swapped = replace(one, shapes=other.shapes)
    assert not torch.equal(network(one)(*x), network(swapped)(*x))
    assert network(one)(*x).shape == (2, 12, 2)


def test_random_parts_belong_to_training_only():
    net, x = network(drop_path=0.5), draw()
    assert torch.equal(net(*x), net(*x))
    net.train()
    assert not torch.equal(net(*x), net(*x))


@pytest.mark.parametrize("seed", range(8))
def test_no_start_is_dead(seed):
    """With one output step and weights of any sign one start in nine is."""
    net = network(seed=seed)
    net(*draw()).sum().backward()
    assert net.blocks[0].attention.last.weight.grad.any()


def test_heads_that_do_not_divide_the_width_are_an_error():
    with pytest.raises(ValueError, match="width 20 is no multiple of 8 heads"):
        PDFormerSettings(width=20)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 2))
def test_odd_sizes(batch, cells, directions):
    net = PDFormer(2, known(cells, directions), SMALL).eval()
    out = net(*draw(batch, 2, cells, directions))
    assert out.shape == (batch, cells, directions) and out.isfinite().all()


def test_a_weekday_never_seen_has_the_mean_of_those_seen():
    """Monday to Thursday were: Friday to Sunday answer as the mean of their rows would."""
    net = network()
    x, minute, _ = draw()
    day = lambda number: net(x, minute, torch.full_like(minute, number))
    mean = net.weekday.weight[:4].mean(0)
    friday, sunday = day(4), day(6)
    with torch.no_grad():
        net.weekday.weight[5:] += 9
        assert torch.equal(day(6), sunday) and torch.equal(friday, sunday)
        net.weekday.weight[0] = mean
    torch.testing.assert_close(day(0), friday)


def test_rows_of_seen_weekdays_are_their_own():
    net = network()
    x, minute, _ = draw()
    one, two = (net(x, minute, torch.full_like(minute, number)) for number in (1, 2))
    assert not torch.equal(one, two)


def test_last_value_is_the_start():
    """The hour before comes through unchanged until the last layer learns."""
    x, minute, weekday = draw()
    assert torch.equal(network(last_value=True)(x, minute, weekday), x[:, -1])
    assert not torch.equal(network()(x, minute, weekday), x[:, -1])
