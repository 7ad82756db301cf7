"""What happens to a damaged file that can be made anew."""

import os
import warnings
from pathlib import Path


def set_aside(path: Path, why: str) -> Path:
    """Rename `path` to `path.damaged`, in place of an older one, and say so in one warning."""
    aside = path.with_name(f"{path.name}.damaged")
    os.replace(path, aside)
    reason = " ".join(why.split())
    warnings.warn(f"{path}: {reason}; kept as {aside.name} and made anew", stacklevel=2)
    return aside
