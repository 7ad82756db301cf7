"""What can happen to any file: cut, flipped, emptied, replaced."""

import io
from pathlib import Path

import numpy as np

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 3402125\n" % 7
HTML = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n"


def empty(path: Path, rng) -> None:
    path.write_bytes(b"")


def folder_instead(path: Path, rng) -> None:
    path.unlink()
    path.mkdir()


def pointer_of_lfs(path: Path, rng) -> None:
    path.write_bytes(LFS)


def html_page(path: Path, rng) -> None:
    path.write_bytes(HTML)


def other_format(path: Path, rng) -> None:
    out = io.BytesIO()
    np.save(out, np.arange(12.0).reshape(3, 4))
    path.write_bytes(b"a,b\n1,2\n3,4\n" if path.suffix == ".npy" else out.getvalue())


def random_bytes(path: Path, rng) -> None:
    path.write_bytes(rng.bytes(300))


def cut_in_header(path: Path, rng) -> None:
    path.write_bytes(path.read_bytes()[: int(rng.integers(2, 30))])


def cut_in_body(path: Path, rng) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(rng.integers(len(data) // 3, 2 * len(data) // 3))])


def cut_near_end(path: Path, rng) -> None:
    path.write_bytes(path.read_bytes()[: -int(rng.integers(3, 9))])


def flip_in_header(path: Path, rng) -> None:
    _flip(path, rng, 0, 40)


def flip_in_header_again(path: Path, rng) -> None:
    _flip(path, rng, 0, 130)


def flip_in_body(path: Path, rng) -> None:
    _flip(path, rng, 40, None)


def flip_in_body_again(path: Path, rng) -> None:
    _flip(path, rng, 40, None)


def flip_near_end(path: Path, rng) -> None:
    _flip(path, rng, -40, None)


def zeroed_block(path: Path, rng) -> None:
    data = bytearray(path.read_bytes())
    at = int(rng.integers(0, len(data) - 16))
    data[at : at + 16] = bytes(16)
    path.write_bytes(data)


def garbage_appended(path: Path, rng) -> None:
    path.write_bytes(path.read_bytes() + rng.bytes(64))


def _flip(path: Path, rng, first, last) -> None:
    data = bytearray(path.read_bytes())
    at = int(rng.choice(range(len(data))[first:last]))
    data[at] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)


CHANGES = [
    empty, folder_instead, pointer_of_lfs, html_page, other_format, random_bytes,
    cut_in_header, cut_in_body, cut_near_end, flip_in_header, flip_in_header_again, flip_in_body,
    flip_in_body_again, flip_near_end, zeroed_block, garbage_appended,
]  # fmt: skip
