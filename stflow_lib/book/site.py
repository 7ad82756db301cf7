"""The site: what stands in book/ and book/nb as HTML that asks no other host for anything.

It is kept per profile in build/site/PROFILE, and made anew only when something in it changed.
"""

import filecmp
import hashlib
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from stflow_lib import ROOT
from stflow_lib.book.links import broken
from stflow_lib.data.files.write import write_atomic
from stflow_lib.training.memory import ends_with_us

STATIC = ROOT / "book" / "_static"
MATHJAX = "sphinx-mathjax-offline"  # the wheel that carries MathJax 3
MATHJAX_PARTS = ("tex-mml-chtml.js", "output/chtml/", "input/tex/extensions/")


class SiteError(Exception):
    """A page has a fault; the message holds every warning of the build."""


def vendor_scripts() -> None:
    """MathJax from its wheel into book/_static: no page asks another host."""
    for file in metadata.files(MATHJAX):
        _, found, inside = file.as_posix().partition("static/mathjax/")
        if found and inside.startswith(MATHJAX_PARTS):
            _bring(Path(file.locate()), STATIC / "mathjax" / inside)


def _bring(source: Path, target: Path) -> None:
    if not target.exists() or not filecmp.cmp(source, target, shallow=False):
        write_atomic(target, source.read_bytes())


def build(profile: str, output: Path) -> Path:
    """The pages and book/nb as HTML in OUTPUT/_build/html; any warning is an error."""
    vendor_scripts()
    kept, made_from = ROOT / "build" / "site" / profile, inputs()
    mark = kept / "made_from"
    if not mark.exists() or mark.read_text() != made_from:
        mark.unlink(missing_ok=True)
        _make(kept)
        write_atomic(mark, made_from.encode())
    if output != kept:
        _lay(kept / "_build" / "html", output / "_build")
    return output / "_build" / "html" / "index.html"


def _lay(html: Path, folder: Path) -> None:
    """FOLDER/html becomes a copy of `html`, whole before it is there; nothing else stays."""
    aside = folder / "html.part"
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(html, aside)
    for old in set(folder.iterdir()) - {aside}:
        shutil.rmtree(old, ignore_errors=True)
    aside.rename(folder / "html")


def inputs() -> str:
    """A hash of all that the site is made from: pages, notebooks, settings, this code, the lock.

    Hidden files are on their way to become others.
    """
    built = ROOT / "book" / "_build"
    files = [path for path in (ROOT / "book").rglob("[!.]*") if path.is_file()]
    files = sorted(path for path in files if built not in path.parents)
    files += [ROOT / "_config.yml", ROOT / "requirements.lock", Path(__file__)]
    files += [
        Path(__file__).with_name(f"{name}.py") for name in ("api", "extension", "head", "links")
    ]
    files += _documented()
    total = hashlib.sha256()
    for path in filter(Path.exists, files):
        total.update(f"{path.name} {path.parent} ".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _documented() -> list[Path]:
    """The package's files but those of this room, for the page "API reference" is made of them."""
    own = Path(__file__).parent
    return [path for path in sorted(own.parent.rglob("*.py")) if own not in path.parents]


def _make(folder: Path) -> None:
    """FOLDER/_build/html anew; SiteError holds what Sphinx said."""
    shutil.rmtree(folder / "_build", ignore_errors=True)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("jupyter-book")),
            "build",
            ".",
            "--all",
            "--config",
            "_config.yml",
            "--toc",
            "book/_toc.yml",
            "--path-output",
            str(folder),
            "-W",
            "-n",
            "--keep-going",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=ends_with_us(),
    )
    if done.returncode:
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
        marked = [line for line in said.splitlines() if re.search("WARNING|ERROR", line)]
        raise SiteError("\n".join(["the site has faults:", *(marked or [said])]))
    if dead := broken(folder / "_build" / "html"):
        raise SiteError("\n".join(["links that lead nowhere:", *dead]))
