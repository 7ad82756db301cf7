"""What happens to HDF5 frames: their arrays, groups, links, and values in other files."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from mutations import arrays

NO_HDF = ("object", "datetime64[s]")  # types that HDF5 has not, or in its own way


def of_dataset(change: Callable, key: str) -> Callable:
    """A change of an array as one of a dataset of the frame stored in an HDF5 file."""

    def on_file(path: Path, rng) -> None:
        with h5py.File(path, "r+") as file:
            group = file["df"]
            after = arrays.changed(change, group[key][:])
            del group[key]
            group[key] = after.astype("S") if after.dtype.kind == "U" else after

    on_file.__name__ = f"{key}_{change.__name__}"
    return on_file


def _in_group(change: Callable[[h5py.Group, Path], object]) -> Callable:
    def on_file(path: Path, rng) -> None:
        with h5py.File(path, "r+") as file:
            change(file["df"], path)

    on_file.__name__ = change.__name__
    return on_file


def values_missing(group, path):
    del group["block0_values"]


def two_blocks(group, path):
    group["block1_values"] = group["block0_values"][:, :1]
    group["block1_items"] = group["axis0"][:1]


def compressed(group, path):
    values = group["block0_values"][:]
    del group["block0_values"]
    group.create_dataset("block0_values", data=values, chunks=True, compression="gzip")


def other_group_first(group, path):
    group.file["a"] = np.arange(3)


def two_frames(group, path):
    group.copy(group, group.file, name="dg")


def group_renamed(group, path):
    group.file.move("df", "speed")


def group_is_dataset(group, path):
    del group.file["df"]
    group.file["df"] = np.arange(3)


def no_group(group, path):
    del group.file["df"]


def items_in_other_order(group, path):
    items = group["block0_items"][:]
    group["block0_items"][:] = items[::-1]


def link_to_other_file(group, path):
    other = path.with_name("other.h5")
    with h5py.File(other, "w") as file:
        file["values"] = group["block0_values"][:]
    del group["block0_values"]
    group["block0_values"] = h5py.ExternalLink(str(other), "values")


def link_to_nowhere(group, path):
    del group["block0_values"]
    group["block0_values"] = h5py.SoftLink("/nowhere")


def stored_in_other_file(group, path):
    values = group["block0_values"][:]
    other = path.with_name("other.raw")
    other.write_bytes(values.tobytes())
    del group["block0_values"]
    group.create_dataset("block0_values", values.shape, values.dtype,
                         external=[(str(other), 0, values.nbytes)])  # fmt: skip


def virtual_of_other_file(group, path):
    values = group["block0_values"][:]
    other = path.with_name("other.h5")
    with h5py.File(other, "w") as file:
        file["values"] = values
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[:] = h5py.VirtualSource(str(other), "values", values.shape)
    del group["block0_values"]
    group.create_virtual_dataset("block0_values", layout)


def sparse_values(group, path):
    columns = group["block0_values"].shape[1]
    del group["block0_values"]
    group.create_dataset("block0_values", (10**9, columns), "f8", chunks=(1000, columns))


def sparse_axis(group, path):
    del group["axis1"]
    group.create_dataset("axis1", (10**10,), "i8", chunks=(1000,))


GROUPS = [
    values_missing, two_blocks, compressed, other_group_first, two_frames, group_renamed,
    group_is_dataset, no_group, items_in_other_order, link_to_other_file, link_to_nowhere,
    stored_in_other_file, virtual_of_other_file, sparse_values, sparse_axis,
]  # fmt: skip


def ids_as_numbers(a):
    return a.astype(int)


def ids_as_words(a):
    return np.array([b"s" + one for one in a])


def time_in_seconds(a):
    return a // 10**9


def time_as_text(a):
    return a.astype("M8[ns]").astype("M8[s]").astype("S")


def one_stray_stamp(a):
    a[len(a) // 2] = 0
    return a


def of_h5(path: Path) -> list[Callable]:
    """All changes of an HDF5 frame."""
    suitable = {
        "block0_values": [
            *arrays.SHAPES, *(n for n in arrays.NUMBERS if n.__name__[3:] not in NO_HDF),
        ],
        "axis0": [*arrays.SHAPES, ids_as_numbers, ids_as_words],
        "axis1": [*arrays.SHAPES, time_in_seconds, time_as_text, one_stray_stamp,
                  arrays.as_type("f8")],
    }  # fmt: skip
    changes = [of_dataset(one, key) for key, many in suitable.items() for one in many]
    return [*changes, *map(_in_group, GROUPS)]
