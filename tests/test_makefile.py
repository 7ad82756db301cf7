"""The targets of the Makefile, where the folder of the book has a space in its name."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("Makefile", "requirements.lock", "pyproject.toml", "notebooks/jupyterlab.json")
TOOL = """#!/bin/sh
for word in "${0##*/}" "$@"; do printf '[%s]' "$word"; done
printf ' in %s\\n' "$JUPYTER_CONFIG_DIR"
"""


@pytest.fixture(params=[".venv", "an environment"])
def make(request, tmp_path):
    """make(words) -> lines; the tools of the environment only say how they were called."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    house = tmp_path / "a book's folder"
    for name in NEEDED:
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, house / name)
    tools = house / request.param / "bin"
    tools.mkdir(parents=True)
    for name in ("python", "jupyter", "ruff", "mypy"):
        (tools / name).write_text(TOOL)
        (tools / name).chmod(0o755)

    def run(*words):
        command = [
            "make",
            "--no-print-directory",
            *words,
            f"VENV={request.param}",
            "PYTHON=python3",
        ]
        # these tests may themselves run below a make, whose own words are not for this one
        plain = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(
            command, cwd=house, capture_output=True, text=True, check=False, env=plain
        )
        assert not done.returncode, done.stderr
        return done.stdout.splitlines()

    run("env")
    run.house = house
    return run


def named(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_lab_shows_the_folder_that_was_named_and_makes_no_other(make):
    """Unquoted, `make lab` made folders of the words and gave JupyterLab the first of them."""
    before = named(make.house), named(make.house.parent)
    said = make("lab", "LABROOT=/home/my notes/it's", "LABARGS=--no-browser --port=1")[-1]
    assert "[jupyter][lab]" in said and "[--ServerApp.root_dir=/home/my notes/it's]" in said
    assert "[--no-browser][--port=1]" in said
    settings = make.house / "build/jupyter/labconfig/default_setting_overrides.json"
    assert settings.exists() and said.endswith(f" in {make.house}/build/jupyter")
    assert (named(make.house), named(make.house.parent)) == (before[0] | {"build"}, before[1])


@pytest.mark.parametrize(("target", "calls"), [
    ("book", ["[python][-m][stflow_lib][book][--profile][smoke]"]),
    ("check", ["[ruff][format]", "[ruff][check]", "[mypy]"]),
    ("test", ["[python][-m][pytest][tests]", "[--nbval]", "[stflow_lib][book]", "[tests/site]"]),
    ("soak", ["[--nbval][notebooks]", "mutations.py]"]),
    ("clean", []),
    ("env", []),
])  # fmt: skip
def test_every_target_runs_and_the_environment_is_made_once(make, target, calls):
    before = named(make.house), named(make.house.parent)
    said = [line for line in make(target) if line.startswith("[")]
    assert len(said) == len(calls) and all(map(str.__contains__, said, calls))
    assert (named(make.house), named(make.house.parent)) == before
