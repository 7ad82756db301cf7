"""The file in which a training is kept: whole on the disk, checked when it is read."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from stflow_lib.data.files.damaged import set_aside
from stflow_lib.data.files.write import write_atomic


def write(path: Path, state: dict[str, Any]) -> None:
    """Put `state` at `path`; after a crash the old file is there or the new one."""
    content = io.BytesIO()
    torch.save(state, content)
    write_atomic(path, content.getvalue())


def read(path: Path, device: torch.device, fields: Iterable[str]) -> dict[str, Any] | None:
    """The state at `path`, which has `fields`; None where there is no file.

    A damaged file counts as none: it is set aside with a warning that names it, so that the
    training is made anew.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    try:
        return opened(content, device, fields)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged file can fail in any way
        set_aside(path, f"not a readable checkpoint ({type(error).__name__}: {error})")
        return None


def opened(content: bytes, device: torch.device, fields: Iterable[str]) -> dict[str, Any]:
    """The state in a file's `content`, tensors and plain values; any exception where there is none.

    KeyError for the first of `fields` that it lacks.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:  # torch itself compares no checksums
        if broken := archive.testzip():
            raise zipfile.BadZipFile(f"{broken} has another checksum")
    state = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    missing = [name for name in fields if name not in state]
    if missing:
        raise KeyError(missing[0])
    return state
