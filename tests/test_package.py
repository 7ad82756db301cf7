"""A wheel, laid into an empty folder and used from another one: what the README promises of it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import stflow_lib

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CITATION.cff",
         "requirements.lock", "notebooks", "book", "stflow_lib")  # fmt: skip
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "_build", "nb", "mathjax", "*.egg-info", "*.ipynb"
)
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir")


def call(*command, cwd: Path, **more: str) -> str:
    """What a command prints, without a variable of ours; its error fails the test."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("STFLOW", "PYTHON"))
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment | more, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout, built without a network in a copy of it."""
    house, out = tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("wheel")
    for name in PARTS:
        copy = shutil.copy if (ROOT / name).is_file() else shutil.copytree
        more = {} if copy is shutil.copy else {"ignore": LEFT_OUT}
        copy(ROOT / name, house / name, **more)
    call(*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(out), ".",
         cwd=house)  # fmt: skip
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def use(wheel, tmp_path_factory):
    """use(words) -> what Python prints, with the wheel and in an empty folder, `use.folder`."""
    target = tmp_path_factory.mktemp("installed")
    call(*PIP, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel),
         cwd=target)  # fmt: skip

    def run(*words: str) -> str:
        more = {"PYTHONPATH": str(target), "MPLBACKEND": "agg", "HOME": str(run.folder)}
        return call(sys.executable, *words, cwd=run.folder, **more)

    run.folder, run.target = tmp_path_factory.mktemp("elsewhere"), target
    return run


def code_of(page: str) -> list[str]:
    """The Python that stands on a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def test_the_readmes_ten_lines_do_what_they_say(use):
    """Load, make a task, fit, predict, score, plot: the number is that of this checkout."""
    (code,) = code_of("README.md")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    printed = float(use("-c", code))
    from stflow_lib.data import load
    from stflow_lib.finegrained import METHODS, make_task

    task = make_task(load("sim-fine"), factor=4)
    fitted = METHODS["HA"].fit(task, METHODS["HA"].settings(), seed=0)
    gap = (fitted(task, task.test) - task.fine[task.test]).double()
    assert printed == pytest.approx(gap.square().mean().sqrt().item(), rel=1e-5)
    assert (use.folder / "inferred.png").read_bytes()[16:24] == bytes([0, 0, 0, 32] * 2)


def test_the_quickstart_begins_like_the_readme_and_goes_on(use):
    """Two more wings, each printing the error of a method that learns."""
    first, others = code_of("book/quickstart.md")
    assert [first] == code_of("README.md")
    errors = [float(line) for line in use("-c", others).split()]
    assert len(errors) == 2 and all(0 < error < 100 for error in errors)


def test_a_wheel_has_what_is_read_at_run_time(use):
    """Outside a checkout there is no notebooks/ and no book/ to look into."""
    code = """if True:
        import stflow_lib, pathlib
        from stflow_lib.runs import profiles, published
        from stflow_lib.runs.execute import lock_hash
        from stflow_lib.verdicts.claims import claims, reported
        print(stflow_lib.ROOT.parent.name, stflow_lib.WORK == pathlib.Path.cwd())
        print(profiles.table("finegrained", "lab")["cities"], len(lock_hash()))
        print(*(len(published(wing)) for wing in profiles.wings()))
        print(len(claims("tsjt")), len(reported("stbat")))
    """
    found = use("-c", code).splitlines()
    from stflow_lib.runs import profiles
    from stflow_lib.runs.publish import results_folder
    from stflow_lib.verdicts.claims import claims, reported

    assert found == [
        "stflow_lib True",
        f"{profiles.table('finegrained', 'lab')['cities']} 64",
        " ".join(str(rows(results_folder(wing))) for wing in profiles.wings()),
        f"{len(claims('tsjt'))} {len(reported('stbat'))}",
    ]


def rows(folder: Path) -> int:
    """Published records of a wing, counted in its files."""
    import csv

    csv.field_size_limit(2**24)
    return sum(len(list(csv.DictReader(path.open()))) for path in folder.glob("*.csv"))


def test_a_wheel_holds_no_page_and_no_test(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith((".ipynb", ".md", ".png"))]
    assert not [name for name in names if "/notebooks/" in name and not name.endswith(".yaml")]
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"stflow_lib", f"stflow_lib-{stflow_lib.__version__}.dist-info"}
    assert wheel.stat().st_size < 2**21


def test_the_command_says_its_version(use):
    assert use(str(use.target / "bin" / "stflow"), "--version") == (
        f"stflow {stflow_lib.__version__}\n"
    )


def test_a_wheel_forecasts_on_day_zero(use):
    """The small model lies in it: no day, no source, no file of the house."""
    code = """if True:
        from stflow_lib import gridflow
        from stflow_lib.data import load
        city = load("sim-grid-c").isel(time=slice(0, 20))
        found = gridflow.forecast(city, hours=2)
        print(found.attrs["method"], found.attrs["sources"], sep="; ")
    """
    found = use("-c", code).strip()
    assert found.startswith("Boosted line; jonas-nyc-taxi,") and "shipped" in found


def test_an_installed_package_is_not_written_into(use):
    """Records of a reader belong to the reader."""
    code = """if True:
        from stflow_lib import runs
        from stflow_lib.runs.store import runs_folder
        print(runs_folder("gridflow").resolve())
        try:
            runs.publish("gridflow")
        except runs.RunError as error:
            print(error)
    """
    folder, error = use("-c", code).splitlines()
    assert folder == str(use.folder.resolve() / "runs" / "gridflow")
    assert "STFLOW_RESULTS" in error
