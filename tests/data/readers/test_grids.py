"""Grid cities from small files in the sources' formats; the real ones are in
test_real_cities."""

import zipfile

import numpy as np
import pytest

from stflow_lib.data import DataError, block_sum
from stflow_lib.data.readers import grids


def test_jonas_half_hours_are_summed_without_overflow(tmp_path):
    """int16 counts near the top of their range: two of them do not fit int16."""
    (tmp_path / "jonas").mkdir()
    counts = np.full((4800, 16, 8, 2), 20_000, np.int16)
    counts[1::2, 3, 5, 1] = 7
    name = "JONAS-NYC-16x8-20151024-20160131.npz"
    np.savez(tmp_path / "jonas" / name, taxi=counts, bike=counts * 0, mask=[[3, 5], [0, 7]])
    city = grids.read_jonas(tmp_path, "nyc", "taxi")
    assert city.flow.shape == (2400, 2, 16, 8)
    assert float(city.flow[7, 0, 3, 5]) == 40_000 and float(city.flow[7, 1, 3, 5]) == 20_007
    assert np.argwhere(city.left_out.values).tolist() == [[0, 7], [3, 5]]
    with pytest.raises(DataError, match=r"20160131.npz: bike is zero everywhere"):
        grids.read_jonas(tmp_path, "nyc", "bike")


def test_jonas_of_another_length_is_refused(tmp_path):
    (tmp_path / "jonas").mkdir()
    path = tmp_path / "jonas" / "JONAS-DC-9x12-20151024-20160131.npz"
    np.savez(path, bike=np.ones((2399, 9, 12, 2), np.int16), mask=np.empty(0))
    with pytest.raises(DataError, match="2399 hours, not 2400"):
        grids.read_jonas(tmp_path, "dc", "bike")


@pytest.mark.parametrize("cell", [[-1, 0], [9, 0], [0, 12]])
def test_jonas_mask_outside_the_grid_is_refused(tmp_path, cell):
    """-1 is the last row to NumPy: another cell was left out."""
    (tmp_path / "jonas").mkdir()
    path = tmp_path / "jonas" / "JONAS-DC-9x12-20151024-20160131.npz"
    np.savez(path, bike=np.ones((2400, 9, 12, 2), np.int16), mask=[cell])
    with pytest.raises(DataError, match=r"npz: mask names cell \[.*\] of a grid of \(9, 12\)"):
        grids.read_jonas(tmp_path, "dc", "bike")


def test_jonas_counts_that_float32_would_round_are_refused(tmp_path):
    (tmp_path / "jonas").mkdir()
    path = tmp_path / "jonas" / "JONAS-DC-9x12-20151024-20160131.npz"
    np.savez(path, bike=np.full((2400, 9, 12, 2), 2**24 + 1), mask=np.empty(0))
    with pytest.raises(
        DataError, match=r"npz: bike: 16777217 at index .* does not fit float32"
    ):
        grids.read_jonas(tmp_path, "dc", "bike")


@pytest.fixture
def taxis(tmp_path, monkeypatch):
    """5 half-hours of 2 x 3 cells in the source's two files, and the folder."""
    monkeypatch.setattr(grids, "NYC_2016_STEPS", (3, 2))
    flow = np.random.default_rng(1).poisson(9, (5, 2, 3, 2)).astype(np.float64)
    (tmp_path / "nyc-2016" / "NYTaxi").mkdir(parents=True)
    for part, rows in (("train", flow[:3]), ("test", flow[3:])):
        np.savez(tmp_path / "nyc-2016" / "NYTaxi" / f"flow_{part}.npz", flow=rows)
    return tmp_path, flow


def test_nyc_2016_is_the_same_from_either_form(taxis):
    """Compact or raw, test after train: rows and columns as they stand, ways in front."""
    folder, flow = taxis
    raw = grids.read_nyc_2016(folder)
    np.savez(folder / "nyc-2016" / "taxi.npz", flow=flow.astype(np.uint16))
    (folder / "nyc-2016" / "NYTaxi" / "flow_test.npz").unlink()
    assert grids.read_nyc_2016(folder).identical(raw)
    assert raw.direction.values.tolist() == ["inflow", "outflow"]
    assert str(raw.time[4].values)[:16] == "2016-01-01T02:00"
    assert float(raw.flow[4, 1, 1, 2]) == flow[4, 1, 2, 1]


@pytest.mark.parametrize("broken", [np.ones((2, 2, 3, 2)), np.ones((3, 2, 3, 1))])
def test_nyc_2016_of_another_shape_is_refused(taxis, broken):
    """Half a file would move every later step."""
    folder, _ = taxis
    np.savez(folder / "nyc-2016" / "NYTaxi" / "flow_train.npz", flow=broken)
    with pytest.raises(DataError, match=r"flow_train.npz: flow has shape .* not 3 half-hours"):
        grids.read_nyc_2016(folder)


def test_nyc_2016_counts_whole_trips(taxis):
    folder, flow = taxis
    np.savez(folder / "nyc-2016" / "NYTaxi" / "flow_test.npz", flow=flow[3:] + 0.5)
    with pytest.raises(DataError, match=r"flow_test.npz: flow: .* does not fit int64"):
        grids.read_nyc_2016(folder)


def write_p6(folder, spoil=None):
    rng = np.random.default_rng(0)
    (folder / "bikenyc-p6").mkdir()
    fine = [rng.poisson(2, (n, 2, 8, 4)).astype(np.float32) for n in (4, 2, 3)]
    with zipfile.ZipFile(folder / "bikenyc-p6" / "P6.zip", "w") as bundle:
        for part, y in zip(("train", "valid", "test"), fine, strict=True):
            x = block_sum(y, 2)
            if part == spoil:
                x[1, 0, 2, 1] += 1
            for name, array in (("X", x), ("Y", y)):
                with bundle.open(f"P6/{part}/{name}.npy", "w") as file:
                    np.save(file, array)
    return np.concatenate(fine)


def test_p6_parts_follow_each_other_north_up(tmp_path):
    fine = write_p6(tmp_path)
    city = grids.read_bikenyc_p6(tmp_path)
    assert city.attrs["split"] == (4, 2, 3) and city.sizes["time"] == 9
    assert (city.flow.values[:, :, ::-1] == fine).all()


def test_p6_x_that_is_not_the_sum_is_refused(tmp_path):
    write_p6(tmp_path, spoil="valid")
    with pytest.raises(DataError, match=r"P6/valid: X is not the 2 x 2 .*\(1, 0, 2, 1\)"):
        grids.read_bikenyc_p6(tmp_path)


@pytest.mark.parametrize("mask", [[3, 5], [[3, 5], [3, 5]], [[3, 5, 7]], 3])
def test_jonas_mask_is_pairs_of_cells(tmp_path, mask):
    (tmp_path / "jonas").mkdir()
    path = tmp_path / "jonas" / "JONAS-DC-9x12-20151024-20160131.npz"
    np.savez(path, bike=np.ones((2400, 9, 12, 2), np.int16), mask=mask)
    with pytest.raises(DataError, match="20160131.npz: mask"):
        grids.read_jonas(tmp_path, "dc", "bike")
