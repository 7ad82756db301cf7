"""DiDi's grid from a small file of either form: the same city, north up, nothing else unpacked."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.readers.didi import read_didi


@pytest.fixture
def counts():
    return np.random.default_rng(0).poisson(3, (1440, 16, 16)).astype(np.uint16)


def compact(folder, counts):
    (folder / "didi-2016").mkdir()
    np.savez(folder / "didi-2016" / "xian.npz", pickups=counts, corner=np.zeros((17, 2)))


def raw(folder, content, names=("DiDi_Xian.pkl",)):
    (folder / "didi-2016" / "raw").mkdir(parents=True)
    with tarfile.open(folder / "didi-2016" / "raw" / "DiDi_Xian.tar.gz", "w:gz") as archive:
        for name in names:
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))


def test_row_0_is_the_north(tmp_path, counts):
    compact(tmp_path, counts)
    city = read_didi(tmp_path, "xian")
    assert (city.flow.values[:, 0, ::-1] == counts).all() and list(city.direction) == ["pickup"]
    assert city["lat"][0] > city["lat"][-1] and city.sizes["time"] == 1440
    assert str(city.time.values[-1])[:13] == "2016-11-29T23"


def test_raw_is_the_compact_form(tmp_path, counts):
    (tmp_path / "a").mkdir()
    compact(tmp_path / "a", counts)
    raw(tmp_path / "b", pickle.dumps({"Grid": {"TrafficGrid": counts.astype(float)}, "x": [1]}))
    one, two = (read_didi(tmp_path / name, "xian") for name in "ab")
    assert one.identical(two)


def test_a_pickle_that_asks_for_more_is_refused(tmp_path):
    raw(tmp_path, pickle.dumps({"Grid": {"TrafficGrid": print}}))
    with pytest.raises(DataError, match=r"DiDi_Xian.tar.gz: pickle asks for builtins.print"):
        read_didi(tmp_path, "xian")


def test_an_archive_of_two_pickles_is_refused(tmp_path):
    raw(tmp_path, b"", names=("a.pkl", "b.pkl"))
    with pytest.raises(DataError, match="2 pickles in it, not one"):
        read_didi(tmp_path, "xian")


def test_another_shape_is_refused(tmp_path, counts):
    compact(tmp_path, counts[:-1])
    with pytest.raises(DataError, match=r"xian.npz: orders have shape \(1439, 16, 16\)"):
        read_didi(tmp_path, "xian")
