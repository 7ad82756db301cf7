"""Paths that the environment sets."""

import os
from pathlib import Path


def setting_path(variable: str) -> Path | None:
    """The path in an environment variable; None when it is unset or empty.

    `~` is the home folder; a relative path stays relative to the working folder.
    """
    text = os.environ.get(variable)
    return Path(text).expanduser() if text else None
