"""What every test shares: bounded threads, a run store of its own, and the real data if here."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import settings
from tqdm import tqdm

os.environ.setdefault("OMP_NUM_THREADS", "2")
RUNS = tempfile.TemporaryDirectory(prefix="stflow-test-runs-")
os.environ["STFLOW_RUNS"] = RUNS.name

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of tests that a shell runs aside
    signal.signal(signal.SIGINT, signal.default_int_handler)  # programs started here hear it

FIRST = (  # files that take longest: begun last, they would keep one process busy alone
    "data/test_mutations.py", "runs/test_cluster.py", "training/provenance/test_source_hash.py",
    "training/test_saved.py", "test_package.py", "book/test_front_page.py",
)  # fmt: skip

settings.register_profile("stflow", deadline=None, derandomize=True, database=None)
settings.load_profile("stflow")


def pytest_collection_modifyitems(items):
    """The longest files go first, in the order of FIRST; the others stay where they are."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(FIRST)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real cities; the test is skipped where STFLOW_DATA names none."""
    folder = os.environ.get("STFLOW_DATA")
    if not folder:
        pytest.skip("real data: STFLOW_DATA is not set")
    if not Path(folder).is_dir():
        pytest.skip(f"real data: STFLOW_DATA={folder} is not a folder")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[1]


ELSEWHERE = """
import json, sys, torch
from importlib import import_module
wing, model, city, bits, asked = sys.argv[1:]
torch.set_num_threads(1)
found = import_module(f"stflow_lib.{wing}").load_model(model)(city, **json.loads(asked))
found.to_array().values.tofile(bits)
"""


@pytest.fixture
def bits_elsewhere(root, tmp_path):
    """bits_elsewhere(model, city, **asked) -> bytes of mean, lower and upper: the model is saved
    here, and in another process loaded and asked about the city's file, on one thread."""
    from stflow_lib.data import write_city
    from stflow_lib.training.calibrated import save

    def ask(model, city, **asked):
        model_file, city_file, bits = (tmp_path / name for name in ("m.pt", "c.nc", "bits"))
        save(model, model_file)
        write_city(city, city_file)
        wing = model.predictor.made.form["wing"]
        told = [wing, *map(str, (model_file, city_file, bits)), json.dumps(asked)]
        where = {**os.environ, "PYTHONPATH": str(root)}
        subprocess.run([sys.executable, "-c", ELSEWHERE, *told], check=True, env=where)
        return bits.read_bytes()

    return ask


@pytest.fixture
def one_thread():
    """Sums as one thread makes them, for those that are compared to the last bit."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def work_alone(work, index):
    """In a forked process: bars hold a lock of all processes, which a killed one would keep."""
    tqdm.set_lock(threading.RLock())
    work(index)


@pytest.fixture
def race():
    """race(work, number, kills) -> exit codes of processes that call work(0), work(1), ... at once.

    `kills` (number -> seconds after the start) says who gets a SIGKILL, and when. A process that
    is not done after two minutes is an error, and ended.
    """

    def run(work, number, kills):
        forked = multiprocessing.get_context("fork")
        started = [
            forked.Process(target=work_alone, args=(work, index)) for index in range(number)
        ]
        for process in started:
            process.start()
        begin = time.monotonic()
        for index, seconds in sorted(kills.items(), key=lambda kill: kill[1]):
            time.sleep(max(0, begin + seconds - time.monotonic()))
            started[index].kill()
        for process in started:
            process.join(120)
        hanging = [index for index, process in enumerate(started) if process.is_alive()]
        for index in hanging:
            started[index].kill()
        assert not hanging, "these processes do not end"
        return [process.exitcode for process in started]

    return run
