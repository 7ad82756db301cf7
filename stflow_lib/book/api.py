"""Docstrings on the page "API reference": Sphinx reads them as markup, ours are plain text.

Named in `_config.yml` among the extensions.
"""

import re

from sphinx.application import Sphinx

LITERAL = re.compile(r"(:\w+:`[^`]+`|``[^`]+``|`[^`]+`)")


def setup(app: Sphinx) -> dict[str, bool]:
    """Read docstrings of the package, members in the order in which they are written."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", plain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def plain(app, what, name, obj, options, lines: list[str]) -> None:
    """Sphinx's event: change a docstring's lines in place."""
    lines[:] = [_line(line) for line in lines]


def _line(line: str) -> str:
    """Words in backticks are code, stars, bars and underscores are themselves."""
    parts = LITERAL.split(line)
    parts[::2] = [re.sub(r"([*|_`\\])", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [re.sub(r"^`([^`]+)`$", r"``\1``", part) for part in parts[1::2]]
    return "".join(parts)
