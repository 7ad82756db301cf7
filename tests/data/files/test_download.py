"""Downloads: only whole and right files arrive, whatever happens leaves the
folder as it was."""

import hashlib
import re
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

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
            output_file.write(b"one")

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


@pytest.mark.parametrize("size", ["8", ""])
def test_a_download_stops_at_its_bound(tmp_path, mirror, monkeypatch, size):
    """An endless answer filled the disk; now it ends at the size, or at LARGEST without one."""
    monkeypatch.setattr(download, "LARGEST", 2**22)
    raw = raw_file(b"x,y\n1,2\n", bytes=size)
    mirror(raw, b"")
    endless = tmp_path / "mirror" / raw.remote
    endless.unlink()
    endless.symlink_to("/dev/zero")
    bound = size or 2**22
    with pytest.raises(DataError, match=f"set/a.csv: stopped after more than {bound} bytes"):
        download_all((raw,), tmp_path / "data", "set")
    assert everything(tmp_path / "data") == []


def test_a_server_that_sends_without_end_is_left(tmp_path, monkeypatch):
    monkeypatch.delenv("STFLOW_MIRROR", raising=False)

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(bytes(2**16))

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(download, "PLAIN", f"http://127.0.0.1:{server.server_port}")
    with pytest.raises(
        DataError, match="set/a.csv: stopped after more than 3 bytes, from http"
    ):
        download_all((raw_file(b"one"),), tmp_path, "set")
    assert everything(tmp_path) == []
    server.shutdown()
    server.server_close()


def test_a_file_that_another_process_brought_meanwhile_is_taken(tmp_path, mirror, monkeypatch):
    """Whoever waited for the lock would fetch it a second time."""
    raw = raw_file(b"one")

    @contextmanager
    def waited(folder):
        folder.mkdir(parents=True)
        (folder / "a.csv").write_bytes(b"one")
        yield

    monkeypatch.setattr(download, "locked", waited)
    assert download_all((raw,), tmp_path / "data", "set")[0].read_bytes() == b"one"


@pytest.mark.parametrize(("changes", "rule"), [
    ({"into": "../x"}, "into '../x'"),
    ({"into": "/etc/x"}, "into '/etc/x'"),
    ({"into": "set/../../x"}, "into 'set/../../x'"),
    ({"into": ""}, "into ''"),
    ({"into": "set\\x"}, "into "),
    ({"path": "../../etc/passwd"}, "path '../../etc/passwd'"),
    ({"repository": "../name"}, "repository '../name'"),
    ({"commit": "main/.."}, "commit 'main/..'"),
    ({"bytes": "1e6"}, "bytes '1e6'"),
    ({"bytes": "-1"}, "bytes '-1'"),
    ({"hash": "md5:0"}, "hash 'md5:0'"),
    ({"hash": "git:abc"}, "hash 'git:abc'"),
])  # fmt: skip
def test_a_row_that_breaks_a_rule_is_named(tmp_path, monkeypatch, changes, rule):
    """`../x` was written outside of the data folder; a size 1e6 was a bare ValueError."""
    row = vars(raw_file(b"one"))
    with pytest.raises(DataError, match=re.escape(rule)):
        RawFile(**{**row, **changes})
    lines = ["\t".join(row), "\t".join({**row, **changes}.values())]
    with pytest.raises(DataError, match=re.escape("odd.tsv, line 2: ") + re.escape(rule)):
        odd_manifest(tmp_path, monkeypatch, lines)


def odd_manifest(tmp_path, monkeypatch, lines):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/odd.tsv").write_text("\n".join(lines) + "\n", encoding="latin-1")
    monkeypatch.setattr(download, "files", lambda package: tmp_path)
    return download.manifest.__wrapped__("odd")


@pytest.mark.parametrize(("change", "rule"), [
    (lambda head, row: [head], "odd.tsv: lists no file"),
    (lambda head, row: [], "odd.tsv: columns \\[\\], not"),
    (lambda head, row: [row, row], "odd.tsv: columns"),
    (lambda head, row: [head, row, row], "odd.tsv, line 3: set/a.csv is listed twice"),
    (lambda head, row: [head, row + "\tmore"], "odd.tsv, line 2: not 6 fields"),
    (lambda head, row: [head, row.rpartition("\t")[0]], "odd.tsv, line 2: not 6 fields"),
    (lambda head, row: [head, "\xe9" + row], "odd.tsv: not readable"),
])  # fmt: skip
def test_a_manifest_that_is_none_is_named(tmp_path, monkeypatch, change, rule):
    row = vars(raw_file(b"one"))
    with pytest.raises(DataError, match=rule):
        odd_manifest(tmp_path, monkeypatch, change("\t".join(row), "\t".join(row.values())))


def test_a_manifest_that_is_not_there_is_named():
    with pytest.raises(DataError, match="atlantis.tsv: not readable as a manifest"):
        download.manifest("atlantis")
