"""Three processes fetch the same files, some are killed: nothing is lost, halved or left over."""

import hashlib
import random
import time

import pytest

from stflow_lib.data.files import download
from stflow_lib.data.files.download import RawFile, download_all

CONTENTS = {f"set/{name}.bin": name.encode() * 2**20 for name in "abc"}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files, in a mirror that takes its time; `copies` gets a line for each one begun."""
    monkeypatch.setenv("STFLOW_MIRROR", str(tmp_path / "mirror"))
    found, copy = [], download._copy
    for into, content in CONTENTS.items():
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        found.append(RawFile("a/b", "c0ffee", into, str(len(content)), f"git:{blob}", into))
        place = tmp_path / "mirror" / found[-1].remote
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def slow(raw, target):
        with open(tmp_path / "copies", "a") as log:
            log.write(f"{raw.into}\n")
        time.sleep(0.01)
        copy(raw, target)
        time.sleep(0.01)

    monkeypatch.setattr(download, "_copy", slow)
    return tuple(found)


@pytest.mark.parametrize("seed", range(12))
def test_three_fetchers_with_kills(files, tmp_path, race, seed):
    draw = random.Random(seed)
    folder = tmp_path / "data"
    kills = {victim: draw.uniform(0, 0.12) for victim in draw.sample(range(3), seed % 3)}
    codes = race(lambda _: download_all(files, folder, "set"), 3, kills)
    assert [codes[i] for i in range(3) if i not in kills] == [0] * (3 - len(kills))
    for path in filter(lambda path: path.suffix == ".bin", folder.rglob("*")):
        assert path.read_bytes() == CONTENTS[str(path.relative_to(folder))]
    download_all(files, folder, "set")
    here = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*")}
    assert here == CONTENTS
    copies = (tmp_path / "copies").read_text().splitlines()
    assert len(copies) <= len(CONTENTS) + len(
        kills
    )  # a file is fetched again only after a kill
