"""What happens to parquet tables, HDF5 frames and pickles."""

import builtins
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from mutations import arrays


def _parquet(change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "") -> Callable:
    """A change of a frame as one of a parquet file."""

    def on_file(path: Path, rng) -> None:
        change(pd.read_parquet(path)).to_parquet(path, index=False)

    on_file.__name__ = name or change.__name__
    return on_file


def delete_row(t):
    return t.drop(index=len(t) // 2)


def duplicate_row(t):
    return pd.concat([t, t.tail(1)])


def swap_rows(t):
    return t.iloc[[1, 0, *range(2, len(t))]]


def reverse_rows(t):
    return t.iloc[::-1]


def no_rows(t):
    return t.head(0)


def reorder_columns(t):
    return t[t.columns[::-1]]


def extra_column(t):
    return t.assign(note="x")


def upper_case_names(t):
    return t.rename(columns=str.upper)


def degrees_turned(t):
    return t.rename(columns={"lat": "lon", "lon": "lat"})


def degrees_of_other_unit(t):
    """1e-5 degrees as degrees, degrees as 1e-5 degrees."""
    factor = 1e-5 if t["lat"].abs().max() > 180 else 1e5
    return t.assign(lat=t["lat"] * factor, lon=t["lon"] * factor)


def time_in_ms(t):
    return t.assign(time=t["time"] * 1000)


def time_in_ns(t):
    return t.assign(time=t["time"] * 10**9)


def time_as_stamps(t):
    return t.assign(time=pd.to_datetime(t["time"], unit="s"))


def time_of_1970(t):
    return t.assign(time=t["time"].where(t.index > 0, 0))


def time_of_2099(t):
    return t.assign(time=t["time"].where(t.index < len(t) - 1, 4_070_908_800))


def time_doubled(t):
    return t.assign(time=t["time"].where(t.index != 1, t["time"][0]))


FRAMES = [
    delete_row, duplicate_row, swap_rows, reverse_rows, no_rows, reorder_columns, extra_column,
    upper_case_names, degrees_turned, degrees_of_other_unit,
]  # fmt: skip
TIMES = [time_in_ms, time_in_ns, time_as_stamps, time_of_1970, time_of_2099, time_doubled]


def in_column(column: str, kind: str) -> Callable:
    """One column left out, of another type, or with one other value in its middle."""

    def change(t: pd.DataFrame) -> pd.DataFrame:
        if kind == "missing":
            return t.drop(columns=column)
        if kind in ("float32", "uint8", "int8", "str", "int64", "float64", "bool"):
            return t.assign(**{column: t[column].astype(kind)})
        values = t[column].astype(object if kind == "null" else float)
        values.iloc[len(t) // 2] = {"null": None, "minus": -7.0, "inf": np.inf, "huge": 1e39}[
            kind
        ]
        return t.assign(**{column: values})

    return _parquet(change, f"{column}_{kind}")


KINDS = ("missing", "float32", "uint8", "int8", "str", "int64", "float64", "bool", "null", "minus",
         "inf", "huge")  # fmt: skip


def of_parquet(path: Path) -> list[Callable]:
    """All changes of a parquet file."""
    table = pd.read_parquet(path)
    frames = [*FRAMES, *(TIMES if "time" in table else [])]
    return [*map(_parquet, frames), *(in_column(c, k) for c in table for k in KINDS)]


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


class Call:
    """Pickled as a call of a function that is no array."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def _pickled(name: str, change: Callable) -> Callable:
    """Other contents, given [ids, index, matrix]."""

    def on_file(path: Path, rng) -> None:
        contents = pickle.loads(path.read_bytes())
        path.write_bytes(pickle.dumps(change(*contents), protocol=2))

    on_file.__name__ = name
    return on_file


def of_matrix(change: Callable) -> Callable:
    """A change of the matrix in the pickle."""

    def other(ids, at, matrix):
        return [ids, at, arrays.changed(change, matrix)]

    return _pickled(f"matrix_{change.__name__}", other)


def deep_lists(path: Path, rng) -> None:
    path.write_bytes(b"(" * 10 + b"]" * 200_000 + b"a" * 199_999 + b".")


def claimed_bytes(path: Path, rng) -> None:
    path.write_bytes(b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"abc.")


def doubling_lists(path: Path, rng) -> None:
    """A list of two references to a list of two references, sixty levels deep."""
    levels = b"".join(b"]q%c(h%ch%ce" % (i, i - 1, i - 1) for i in range(1, 60))
    path.write_bytes(b"\x80\x02]q\x00" + levels + b".")


def long_memo(path: Path, rng) -> None:
    path.write_bytes(b"\x80\x02]r\xff\xff\xff\x7f.")


PICKLES = [
    _pickled("class_of_module", lambda *_: [Call(OrderedDict), {}, 0]),
    _pickled("call_of_print", lambda i, a, m: [i, a, Call(builtins.print, "a pickle has run")]),
    _pickled("ids_as_numbers", lambda i, a, m: [[*map(int, i)], a, m]),
    _pickled("ids_as_bytes", lambda i, a, m: [[one.encode() for one in i], a, m]),
    _pickled("ids_as_words", lambda i, a, m: [["s" + one for one in i], a, m]),
    _pickled("ids_reordered", lambda i, a, m: [i[::-1], a, m]),
    _pickled("ids_all_equal", lambda i, a, m: [[i[0]] * len(i), a, m]),
    _pickled("id_missing", lambda i, a, m: [i[1:], a, m]),
    _pickled("id_twice", lambda i, a, m: [[*i, i[0]], a, m]),
    _pickled("index_empty", lambda i, a, m: [i, {}, m]),
    _pickled("index_reordered", lambda i, a, m: [i, {k: len(i) - 1 - v for k, v in a.items()}, m]),
    _pickled("only_matrix", lambda i, a, m: m),
    _pickled("two_parts", lambda i, a, m: [i, m]),
    _pickled("four_parts", lambda i, a, m: [i, a, m, m]),
    _pickled("parts_reordered", lambda i, a, m: [m, a, i]),
    _pickled("tuple", lambda i, a, m: (i, a, m)),
    _pickled("dictionary", lambda i, a, m: {"ids": i, "index": a, "matrix": m}),
    _pickled("matrix_as_lists", lambda i, a, m: [i, a, m.tolist()]),
    _pickled("matrix_of_words", lambda i, a, m: [i, a, [["x"] * len(i)] * len(i)]),
    _pickled("matrix_of_none", lambda i, a, m: [i, a, None]),
    deep_lists, claimed_bytes, doubling_lists, long_memo,
]  # fmt: skip


def of_pickle(path: Path) -> list[Callable]:
    """All changes of DCRNN's pickle."""
    return [*PICKLES, *map(of_matrix, [*arrays.SHAPES, *arrays.NUMBERS])]
