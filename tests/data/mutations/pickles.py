"""What happens to pickles: other contents, calls, and streams that would never end."""

import builtins
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from mutations import arrays


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
