"""Folders that environment variables name."""

import os
from pathlib import Path

from stflow_lib.data.errors import DataError


def setting_path(variable: str) -> Path | None:
    """The path in an environment variable, `~` and `~user` expanded; None when unset or empty.

    DataError where the home folder that `~` means is not known.
    """
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise DataError(f"{variable}={text}: {error}") from None


def user_folder(variable: str, *inside: str) -> Path:
    """The folder that `variable` names, else the folder `inside` of ~/.cache/stflow.

    DataError where neither is known.
    """
    try:
        return setting_path(variable) or Path.home().joinpath(".cache", "stflow", *inside)
    except RuntimeError as error:
        raise DataError(f"{variable} names no folder, and {error}") from None
