"""Downloads: only whole and right files arrive, whatever happens leaves the
folder as it was."""

import hashlib

import pytest

from stflow_lib import data
from stflow_lib.data import DataError
from stflow_lib.data.catalog import index
from stflow_lib.data.files import download
from stflow_lib.data.files.download import RawFile, download_all


def raw_file(content: bytes, name="a.csv", kind="git", **changes) -> RawFile:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    digest = blob if kind == "git" else hashlib.sha256(content).hexdigest()
    known = {"repository": "owner/name", "commit": "c0ffee", "path": f"raw data/{name}"}
    known |= {"bytes": str(len(content)), "hash": f"{kind}:{digest}", "into": f"set/{name}"}
    return RawFile(**(known | changes))


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("STFLOW_MIRROR", str(tmp_path / "mirror"))

    def put(raw: RawFile, content: bytes):
        path = tmp_path / "mirror" / raw.remote
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return put


def everything(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("kind", ["git", "lfs"])
def test_a_right_file_arrives(tmp_path, mirror, kind):
    raw = raw_file(b"x,y\n1,2\n", kind=kind)
    mirror(raw, b"x,y\n1,2\n")
    assert download_all((raw,), tmp_path / "data", "set") == [
        tmp_path / "data" / "set" / "a.csv"
    ]
    assert everything(tmp_path / "data") == ["set/a.csv"]


@pytest.mark.parametrize(("sent", "rule"), [
    (b"x,y\n1,", "a.csv: truncated or changed: 6 bytes, not 8"),
    (b"x,y\n9,2\n", "a.csv: wrong hash: git .* not "),
    (b"", "a.csv: truncated or changed: 0 bytes"),
])  # fmt: skip
def test_a_wrong_file_leaves_nothing(tmp_path, mirror, sent, rule):
    """Protects the cache: a cut or altered download must not look like a finished one."""
    raw = raw_file(b"x,y\n1,2\n")
    mirror(raw, sent)
    with pytest.raises(DataError, match=rule):
        download_all((raw,), tmp_path / "data", "set")
    assert everything(tmp_path / "data") == []


def test_wrong_hash_is_found_without_a_known_size(tmp_path, mirror):
    raw = raw_file(b"x,y\n1,2\n", bytes="")
    mirror(raw, b"x,y\n1,")
    with pytest.raises(DataError, match="wrong hash"):
        download_all((raw,), tmp_path / "data", "set")


def test_finished_files_stay_and_are_not_fetched_again(tmp_path, mirror):
    """An interrupted set goes on where it stopped."""
    first, second = raw_file(b"one", "1.csv"), raw_file(b"two", "2.csv")
    mirror(first, b"one")
    with pytest.raises(DataError, match=r"2.csv: could not be had"):
        download_all((first, second), tmp_path / "data", "set")
    assert everything(tmp_path / "data") == ["set/1.csv"]
    mirror(first, b"changed in the mirror, must not be read")
    mirror(second, b"two")
    download_all((first, second), tmp_path / "data", "set")
    assert (tmp_path / "data" / "set" / "1.csv").read_bytes() == b"one"


def test_the_network_is_asked_for_the_pinned_address(tmp_path, monkeypatch):
    """Without a mirror pooch's downloader gets the quoted address; LFS has its own host."""
    monkeypatch.delenv("STFLOW_MIRROR", raising=False)
    asked = []

    class Downloader:
        def __init__(self, **settings):
            pass

        def __call__(self, url, output_file, pooch):
            asked.append(url)
            with open(output_file, "wb") as file:
                file.write(b"one")

    monkeypatch.setattr(download.pooch, "HTTPDownloader", Downloader)
    files = raw_file(b"one", "1.csv"), raw_file(b"one", "2.csv", kind="lfs")
    download_all(files, tmp_path, "set")
    assert asked == [
        "https://raw.githubusercontent.com/owner/name/c0ffee/raw%20data/1.csv",
        "https://media.githubusercontent.com/media/owner/name/c0ffee/raw%20data/2.csv",
    ]


def test_no_network_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    monkeypatch.delenv("STFLOW_MIRROR", raising=False)
    monkeypatch.setattr(download, "PLAIN", "http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"set/a.csv: could not be had from http://127"):
        download_all((raw_file(b"one"),), tmp_path, "set")
    assert everything(tmp_path) == []


def test_every_manifest_reads_and_every_place_is_named_once():
    """537 taxis, 450 Aarhus files, 618 San Diego files: a lost row would lose a sensor."""
    counts = {"taxi-sf": 537, "aarhus": 450, "san-diego": 618, "la": 4, "jonas": 2}
    names = {e.manifest for e in index.entries().values() if e.manifest}
    for name in names:
        rows = download.manifest(name)
        assert len({row.into for row in rows}) == len(rows) == counts.get(name, len(rows)) > 0
        for row in rows:
            kind, digest = row.hash.split(":")
            assert len(digest) == {"git": 40, "lfs": 64}[kind] and len(row.commit) == 40


def test_a_set_that_nobody_may_download_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"bay-i680: needs speed/bay-i680/speed.npz.*pems.dot"):
        data.load("bay-i680")
    with pytest.raises(DataError, match="'atlantis' is not in the catalogue: sim-fine"):
        data.load("atlantis")
