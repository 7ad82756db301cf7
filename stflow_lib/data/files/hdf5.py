"""Arrays out of HDF5 files: only what lies in the file itself, and only what fits."""

import io
import math
from pathlib import Path

import h5py
import numpy as np

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import demand_size, member_bytes, named


def read_first_group(path: Path, keys, what: str = "not readable as HDF5") -> dict:
    """The arrays `keys` of the first group, from `path` or its member in `<folder>.zip`.

    DataError, beginning with path and `what`, for links, for data outside of the file, for
    data that were never written and for sizes over the limit.
    """
    with named(path, what), h5py.File(io.BytesIO(member_bytes(path)), "r") as file:
        names = list(file)
        if not names:
            raise DataError(f"{path}: {what}: it holds no group")
        group = _own(file, names[0], path)
        datasets = {key: _own(group, key, path) for key in keys}
        demand_size(sum(map(_bytes, datasets.values())), path)
        for key, dataset in datasets.items():
            _demand_contained(dataset, f"{path}/{names[0]}/{key}")
        return {key: np.asarray(dataset[()]) for key, dataset in datasets.items()}


def _own(group: h5py.Group, key: str, path: Path):
    """The member `key`, unless it is a link: that may lead to any other file."""
    link = group.get(key, getlink=True)
    if link is None:
        raise DataError(f"{path}: {key!r} is missing")
    if not isinstance(link, h5py.HardLink):
        raise DataError(f"{path}: {key!r} is a {type(link).__name__}, which may leave the file")
    return group[key]


def _demand_contained(dataset: h5py.Dataset, where: str) -> None:
    if dataset.external or dataset.is_virtual:
        raise DataError(f"{where}: its values lie in other files")
    if dataset.dtype.hasobject:
        raise DataError(f"{where}: holds objects of no fixed size")
    if not _written(dataset):
        raise DataError(f"{where}: some values of {dataset.shape} were never written")


def _written(dataset: h5py.Dataset) -> bool:
    """Whether every part is in the file; a part that is not would be read as zeros."""
    if dataset.chunks is None:
        return not dataset.size or dataset.id.get_storage_size() > 0
    parts = zip(dataset.shape, dataset.chunks, strict=True)
    return dataset.id.get_num_chunks() == math.prod(-(-all_ // one) for all_, one in parts)


def _bytes(dataset: h5py.Dataset) -> int:
    """What reading takes: the array, and the chunk through which it comes."""
    return dataset.dtype.itemsize * (dataset.size + math.prod(dataset.chunks or (0,)))
