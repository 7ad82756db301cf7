"""HDF5: only arrays of the file itself, and only what fits into memory."""

import io

import h5py
import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.files import hdf5
from stflow_lib.data.readers.papers import read_pandas_h5


@pytest.fixture
def frame(tmp_path):
    """A frame as pandas stores it; `change` is called with its open group before it is read."""
    path = tmp_path / "metr-la" / "metr-la.h5"
    path.parent.mkdir()

    def read(change):
        with h5py.File(path, "w") as file:
            group = file.create_group("df")
            group["axis0"] = group["block0_items"] = np.array(["7", "8"], "S")
            group["axis1"] = np.arange(3)
            group["block0_values"] = np.ones((3, 2))
            change(group)
        return read_pandas_h5(path)

    return read


def test_a_frame_is_read(frame):
    time, node, values = frame(lambda group: None)
    assert node.tolist() == [7, 8] and values.tolist() == [[1, 1]] * 3 and len(time) == 3


def replace(key, **how):
    def change(group):
        del group[key]
        group.create_dataset(key, **how)

    return change


def test_values_outside_of_the_file_are_refused(frame, tmp_path):
    """External storage would read any file of the machine as speeds."""
    secret = tmp_path / "secret"
    secret.write_bytes(np.arange(6.0).tobytes())
    external = replace("block0_values", shape=(3, 2), dtype="f8", external=[(secret, 0, 48)])
    with pytest.raises(DataError, match="metr-la.h5/df/block0_values: its values lie in other"):
        frame(external)


def test_virtual_values_are_refused(frame, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones((3, 2))

    def change(group):
        layout = h5py.VirtualLayout((3, 2), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", shape=(3, 2))
        del group["block0_values"]
        group.create_virtual_dataset("block0_values", layout)

    with pytest.raises(DataError, match="block0_values: its values lie in other files"):
        frame(change)


@pytest.mark.parametrize("kind", ["ExternalLink", "SoftLink"])
def test_links_are_refused(frame, tmp_path, kind):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones((3, 2))

    def change(group):
        group.move("block0_values", "moved")
        external = h5py.ExternalLink(tmp_path / "other.h5", "x")
        group["block0_values"] = external if kind[0] == "E" else h5py.SoftLink("/df/moved")

    with pytest.raises(DataError, match=f"metr-la.h5: 'block0_values' is a {kind}"):
        frame(change)


def test_sizes_are_asked_before_memory_is_taken(frame):
    """A data set of holes is a few kilobytes on the disk and gigabytes in memory."""

    def sparse(group):
        replace("block0_values", shape=(10**7, 300), chunks=(1000, 30), dtype="f8")(group)
        group["block0_values"][:5] = 1

    with pytest.raises(DataError, match=r"metr-la.h5: takes 24,\d{3},\d{3},\d{3} bytes, more"):
        frame(sparse)


def test_a_huge_chunk_is_a_size_too(frame, monkeypatch):
    """A chunk is unpacked whole, however little of it is asked for."""
    monkeypatch.setenv("STFLOW_MAX_BYTES", "100000")

    def change(group):
        replace("block0_values", data=np.ones((3, 2)), chunks=(10_000, 2), maxshape=(None, 2),
                compression="gzip")(group)  # fmt: skip

    with pytest.raises(DataError, match="metr-la.h5: takes 160,"):
        frame(change)


@pytest.mark.parametrize(("change", "message"), [
    (replace("block0_values", shape=(3, 2), dtype="f8"), "block0_values: .* never written"),
    (replace("block0_values", shape=(3, 2), dtype="f8", chunks=(2, 2)), "never written"),
    (replace("axis0", data=["7", "8"]), "axis0: holds objects of no fixed size"),
    (lambda group: group.pop("axis1"), "metr-la.h5: 'axis1' is missing"),
])  # fmt: skip
def test_what_is_no_array_of_values_is_named(frame, change, message):
    with pytest.raises(DataError, match=message):
        frame(change)


def test_a_chunk_that_is_not_there_is_no_zero(frame):
    """Half of a frame that was never written would be read as half a day of standstill."""

    def change(group):
        replace("block0_values", shape=(3, 2), dtype="f8", chunks=(2, 2))(group)
        group["block0_values"][:2] = 1

    with pytest.raises(DataError, match=r"block0_values: some values of \(3, 2\) were never"):
        frame(change)


def test_a_file_without_a_group_is_named(tmp_path):
    content = io.BytesIO()
    h5py.File(content, "w").close()
    (tmp_path / "a.h5").write_bytes(content.getvalue())
    with pytest.raises(DataError, match="a.h5: not readable as HDF5: it holds no group"):
        hdf5.read_first_group(tmp_path / "a.h5", ["x"])
