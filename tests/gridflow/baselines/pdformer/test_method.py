"""PDFormer: what it knows beforehand, what its heads may see, its size, its training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import make_task
from stflow_lib.gridflow.baselines.pdformer.method import METHOD, cells_of, known_of
from stflow_lib.gridflow.baselines.pdformer.network import (
    PDFormer,
    PDFormerSettings,
    recent,
    sinusoids,
)
from stflow_lib.gridflow.baselines.pdformer.views import (
    Views,
    correlations,
    eigenvectors,
    kshape,
    shifts,
    warped_distance,
)
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.training.method import count_parameters

SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, patience=0, weight_decay=0.0, clip=5.0)
SMALL = PDFormerSettings(width=16, blocks=2, skip=8, training=SHORT)


def grid(rows, cols):
    return torch.cartesian_prod(torch.arange(rows), torch.arange(cols))


def known(cells=12, directions=2, near=None, alike=None, seed=0):
    random = torch.Generator().manual_seed(seed)
    everyone = torch.ones(cells, cells, dtype=torch.bool)
    place = torch.randn(cells, 8, generator=random)
    shapes = torch.randn(16, 3, directions, generator=random)
    return Views(everyone if near is None else near, everyone if alike is None else alike,
                 place, shapes)  # fmt: skip


def network(about=None, lags=6, seed=0, **settings):
    torch.manual_seed(seed)
    about = about or known()
    return PDFormer(lags, about, replace(SMALL, **settings)).eval()


def draw(batch=2, lags=6, cells=12, directions=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, lags, cells, directions, generator=random)
    return x, torch.arange(lags).expand(batch, -1) * 60, torch.full((batch, lags), 3)


def test_parameter_count_is_that_of_the_original():
    """At its own size for one channel and 12 steps in and out it has 531,165 (ours gives one
    step: 143 less); for a grid and 6 to 1 steps it has 531,593."""
    theirs = PDFormer(12, known(directions=1), PDFormerSettings(heads=(2, 4, 2)))
    assert count_parameters(theirs) + 11 * 13 == 531_165
    assert count_parameters(PDFormer(6, known(), PDFormerSettings())) == 531_593


def naive_warping(one, two):
    """The recursion on one pair, moment by moment."""
    best = np.full((len(one) + 1, len(two) + 1), np.inf)
    best[0, 0] = 0
    for i in range(len(one)):
        for j in range(len(two)):
            cost = np.abs(one[i] - two[j]).sum()
            best[i + 1, j + 1] = cost + min(best[i, j], best[i, j + 1], best[i + 1, j])
    return best[-1, -1]


def test_warping_is_the_naive_recursion():
    curves = np.random.default_rng(0).normal(size=(5, 9, 2))
    got = warped_distance(torch.from_numpy(curves))
    want = [[naive_warping(a, b) for b in curves] for a in curves]
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_warping_forgives_a_shift():
    """Two identical peaks an hour apart are alike; a straight difference would say no."""
    peak = torch.zeros(3, 12, 1)
    peak[0, 4] = peak[1, 5] = 1.0
    distance = warped_distance(peak)
    assert distance[0, 1] == 0 and distance[0, 2] == 1


def test_eigenvectors_are_those_of_the_laplacian():
    """The trivial one is left out; a part of the grid on its own has a trivial one too."""
    where = grid(4, 5)
    linked = (where[:, None] - where[None]).abs().amax(2) == 1
    got = eigenvectors(linked)
    degree = linked.sum(1).double()
    laplacian = torch.eye(20).double() - linked / (degree[:, None] * degree).sqrt()
    values = torch.linalg.eigvalsh(laplacian)[1:9]
    torch.testing.assert_close(laplacian @ got, got * values, rtol=0, atol=1e-9)
    torch.testing.assert_close(got.T @ got, torch.eye(8).double(), rtol=0, atol=1e-9)
    apart = torch.block_diag(linked, torch.zeros(1, 1)).bool()
    alone = eigenvectors(apart)
    torch.testing.assert_close(alone[:-1].abs(), got.abs(), rtol=0, atol=1e-6)
    assert alone[-1].abs().max() < 1e-9


def test_a_tiny_grid_has_columns_of_zeros():
    got = eigenvectors(~torch.eye(3, dtype=torch.bool))
    assert got.shape == (3, 8) and not got[:, 2:].any() and got[:, :2].any(0).all()


def test_shifts_and_correlations_by_hand():
    """A window moved onto the centre correlates fully."""
    x, centre = np.array([[0.0, 0.0, 1.0]]), np.array([1.0, 0.0, 0.0])
    assert shifts(x)[:, 0].tolist() == [
        [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]
    ]  # fmt: skip
    assert correlations(x, centre)[0].tolist() == [1, 0, 0, 0, 0]


def test_kshape_finds_the_two_shapes_there_are():
    """Rising and falling hours with noise: centres point both ways, each has mean 0, std 1."""
    random = np.random.default_rng(0)
    slope = np.array([-1.0, 0.0, 1.0]) * random.choice([-1, 1], (400, 1))
    centres = kshape(slope * random.uniform(1, 5, (400, 1)) + random.normal(0, 0.05, (400, 3)),
                     seed=0, clusters=2)  # fmt: skip
    np.testing.assert_allclose(centres.mean(1), 0, atol=1e-9)
    np.testing.assert_allclose(centres.std(1), 1, atol=1e-9)
    assert sorted(np.sign(centres[:, 2])) == [-1, 1]
    np.testing.assert_allclose(np.abs(centres[:, 2]), np.sqrt(1.5), atol=0.1)


def test_kshape_takes_windows_that_never_change():
    centres = kshape(np.zeros((5, 3)), seed=0, clusters=2)
    assert np.isfinite(centres).all()


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


def reached(net, cell=0):
    x, minute, weekday = draw()
    x.requires_grad_()
    net(x, minute, weekday)[0, cell].sum().backward()
    return set(x.grad[0].abs().sum((0, 2)).nonzero()[:, 0].tolist())


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


def test_known_of_a_city(receiver, twelve):
    """Only cells valid in some direction are nodes; near is less than 3 cells away."""
    task = make_task(receiver, (), twelve)
    cells = cells_of(task.target)
    about = known_of(task.target, cells, 0)
    assert cells.cells.tolist() == sorted(
        {*task.target.cells(0).tolist(), *task.target.cells(1).tolist()}
    )
    rows, cols = cells.cells // 4, cells.cells % 4
    for i, j in ((0, 1), (0, len(rows) - 1), (2, 5)):
        far = max(abs(int(rows[i] - rows[j])), abs(int(cols[i] - cols[j])))
        assert about.near[i, j] == (far < 3)
    assert about.alike.sum(1).eq(5).all() and about.alike.diagonal().all()
    own = cells.series(task.target)[task.target.train].double()
    assert own.mean().item() == pytest.approx(cells.mean)


def test_nothing_outside_the_few_shot_days_is_known(receiver, twelve):
    """The original averages the daily curve over the test too."""
    changed = receiver.copy(deep=True)
    changed.flow.values[:120] *= 2
    changed.flow.values[192:] *= 3
    tasks = [make_task(city, (), twelve) for city in (receiver, changed)]
    pairs = [(known_of(t.target, cells_of(t.target), 0)) for t in tasks]
    for name in ("near", "alike", "place", "shapes"):
        assert torch.equal(getattr(pairs[0], name), getattr(pairs[1], name)), name


def test_fit_predicts_maps_of_both_directions(receiver, twelve):
    task = make_task(receiver, (), twelve)
    predictor = METHOD.fit(task, SMALL, 0, None)
    whole = predictor(task, task.test)
    assert whole.shape == task.target.flow[task.test].shape and whole.isfinite().all()
    torch.testing.assert_close(
        predictor(task, task.test[[4, 9]]), whole[[4, 9]], rtol=1e-4, atol=1e-4
    )
    assert predictor.epochs == 2 and set(predictor.curves) == {"loss", "valid_rmse"}
    assert torch.equal(METHOD.fit(task, SMALL, 0, None)(task, task.test), whole)


def test_training_lowers_the_error(receiver, twelve):
    """Wrongly ordered outputs or an output left in z-scores would not."""
    longer = replace(SHORT, epochs=8, epoch_steps=10, learning_rate=3e-3)
    task = make_task(receiver, (), twelve)
    curves = METHOD.fit(task, replace(SMALL, training=longer), 0, None).curves
    deviation = task.target.flow[task.target.valid][:, task.target.mask].std()
    assert min(curves["valid_rmse"]) < min(0.8 * deviation, 0.9 * curves["valid_rmse"][0])


def test_zero_shot_is_an_error(receiver, lender, twelve):
    with pytest.raises(DataError, match="receiver: 0 training steps, PDFormer needs days"):
        METHOD.fit(make_task(receiver, [lender], twelve, days=0), SMALL, 0, None)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 2))
def test_odd_sizes(batch, cells, directions):
    net = PDFormer(2, known(cells, directions), SMALL).eval()
    out = net(*draw(batch, 2, cells, directions))
    assert out.shape == (batch, cells, directions) and out.isfinite().all()
