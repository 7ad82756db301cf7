"""What every method leaves behind can lie in a file without code, or is listed with its reason."""

import json
import os
import pickletools
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib import import_module

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.finegrained.beyond.dirichlet import DirichletPredictor
from stflow_lib.runs import Run, build_settings, profiles
from stflow_lib.training.saved import WINGS, load, plain, save

TASKS = {
    "finegrained": ("sim-fine", "x4", "20"),
    "gridflow": ("sim-grid-a>sim-grid-c", "P60", "3"),
    "speedgraph": ("sim-speed-a+sim-speed-b>sim-speed-c", "P10-every16", "3"),
}
NOT_SAVED = {
    "speedgraph DSTAGNN": "parts of the network belong to sensors of each city",
    "speedgraph FOGS": "parts of the network belong to sensors of each city",
    "speedgraph DASTNet": "parts of the network belong to cities, and walks on their graphs",
    "speedgraph TransGTR": "a student network and its tokens of days stand beside the network",
    "speedgraph GPD": "networks of single sensors and their neighbours are made in the fit",
}
SMALL = {  # methods without an own entry in the smoke profile, by that of a relative
    "finegrained end-to-end": {"channels": 8, "safe": True, "training": {"epochs": 1}},
    "speedgraph ST-GFSL(STGCN)": {
        "backbone": {"channels": 4, "mixed": 2}, "learner": {"width": 4},
        "inner": 1, "windows": 2, "meta": {"epochs": 1, "epoch_steps": 1},
        "target": {"epochs": 1, "epoch_steps": 2, "batch": 4},
    },
}  # fmt: skip
ASK = """
import json, sys, torch
from importlib import import_module
from stflow_lib.runs import Run
from stflow_lib.training.saved import load
folder, tasks, names = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(int(sys.argv[4]))
opened = {wing: import_module(f"stflow_lib.{wing}").open_task(
    Run(wing, "", city, protocol, amount, "smoke", 0))
    for wing, (city, protocol, amount) in tasks.items()}
found = {}
for name, file in names.items():
    task = opened[name.split()[0]]
    found[name] = load(f"{folder}/{file}")(task, task.test[:40])
torch.save(found, f"{folder}/answers.pt")
"""


@pytest.fixture(scope="module")
def tasks():
    """A task of each wing on simulated cities."""
    return {
        wing: import_module(f"stflow_lib.{wing}").open_task(
            Run(wing, "", city, protocol, amount, "smoke", 0)
        )
        for wing, (city, protocol, amount) in TASKS.items()
    }


def methods(wing):
    """Every method of a wing with its smallest settings."""
    sized = profiles.table(wing, "smoke")["methods"]
    for name, method in import_module(f"stflow_lib.{wing}").METHODS.items():
        parent = sized.get(name.partition("+")[0], {})
        own = sized.get(name) or SMALL.get(f"{wing} {name}") or parent
        yield name, method, build_settings(method, own)


@pytest.fixture(scope="module")
def fitted(tasks):
    """ "WING METHOD" -> its predictor, of all methods."""
    return {
        f"{wing} {name}": method.fit(tasks[wing], settings, 0)
        for wing in WINGS
        for name, method, settings in methods(wing)
    }


@pytest.fixture(scope="module")
def files(fitted, tmp_path_factory):
    """ "WING METHOD" -> the file of its predictor; nothing for those that are listed."""
    folder = tmp_path_factory.mktemp("saved")
    found = {}
    for number, (name, predictor) in enumerate(fitted.items()):
        if name not in NOT_SAVED:
            save(predictor, found.setdefault(name, folder / f"{number}.pt"))
    return found


def test_another_process_gives_the_same_bits(fitted, files, tasks, root, tmp_path):
    """One process for all; a rule or network that is made otherwise shows in some digit."""
    folder = next(iter(files.values())).parent
    arguments = [folder, json.dumps(TASKS), json.dumps({n: f.name for n, f in files.items()})]
    done = subprocess.run(
        [sys.executable, "-c", ASK, *map(str, arguments), str(torch.get_num_threads())],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = torch.load(folder / "answers.pt", weights_only=True)
    for name in files:
        task = tasks[name.split()[0]]
        assert torch.equal(answers[name], fitted[name](task, task.test[:40])), name
    assert len(files) + len(NOT_SAVED) == len(fitted)


@pytest.mark.parametrize("name", NOT_SAVED)
def test_what_cannot_be_saved_says_so(fitted, tmp_path, name):
    with pytest.raises(DataError, match=r"^\w+: cannot be saved, nothing makes"):
        save(fitted[name], tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())


def test_files_name_no_code(files):
    """All that a file asks for are tensors and ordered mappings."""
    asked = set()
    for file in files.values():
        with zipfile.ZipFile(file) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith("data.pkl")]
            strings = []
            for opcode, value, _ in pickletools.genops(archive.read(name)):
                if opcode.name == "GLOBAL":
                    asked.add(value.partition(" ")[0])
                strings.append(opcode.name)
            assert "INST" not in strings and "STACK_GLOBAL" not in strings
    assert asked <= {"torch", "torch._utils", "collections"}


def test_what_training_told_is_kept(fitted, files):
    for name, file in files.items():
        own, again = fitted[name], load(file)
        for part in ("parameters", "epochs", "curves", "stages", "converged"):
            assert getattr(own, part) == getattr(again, part), name
        assert plain(own.notes, "") == again.notes and type(again) is type(own)


def test_the_spread_of_the_dirichlet_comes_back(fitted, files, tasks):
    task, name = tasks["finegrained"], "finegrained UrbanSTC+DM"
    own, again = fitted[name], load(files[name])
    assert isinstance(again, DirichletPredictor)
    some = task.test[:3]
    assert torch.equal(own.concentration(task, some), again.concentration(task, some))


def test_a_loaded_predictor_can_be_saved_again(files, tasks, tmp_path):
    for name in ("finegrained HA", "gridflow Trees", "speedgraph Target only"):
        first = load(files[name])
        save(first, tmp_path / "again.pt")
        task = tasks[name.split()[0]]
        assert torch.equal(load(tmp_path / "again.pt")(task, task.test), first(task, task.test))


def test_loading_draws_no_random_number(files):
    """First weights are drawn and thrown away: who trains on must not notice."""
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    load(files["finegrained SRCNN"])
    assert torch.equal(torch.rand(1), wanted)


class Other:
    """A task of another form; whoever computes with it fails."""

    def __init__(self, form, **changes):
        self.form = form | changes | {"city": "elsewhere"}


@pytest.mark.parametrize(
    "name, change",
    [
        ("finegrained HA", {"grid": (8, 8)}),
        ("finegrained UrbanSTC", {"factor": 2}),
        ("finegrained Trees", {"external": ("rain",)}),
        ("finegrained MEAN", {"minutes": 15.0}),
        ("gridflow Few-shot mean", {"grid": (3, 4)}),
        ("gridflow ST-net", {"lags": 3}),
        ("gridflow Linear", {"directions": ("pickup",)}),
        ("speedgraph Time-of-day mean", {"sensors": 4}),
        ("speedgraph Ridge", {"unit": "m/s"}),
        ("speedgraph Target only", {"minutes": 5}),
        ("speedgraph TSJT(STGCN)", {"ahead": 12}),
        ("speedgraph HA", {"wing": "gridflow"}),
    ],
)
def test_a_task_of_another_form_is_refused_before_anything_is_computed(files, name, change):
    predictor = load(files[name])
    (part, value), task = next(iter(change.items())), Other(predictor.made.form, **change)
    with pytest.raises(DataError, match=f"^elsewhere: {part} ") as caught:
        predictor(task, torch.arange(2))
    assert str(value) in str(caught.value) and str(files[name]) in str(caught.value)


def test_elsewhere_a_network_that_knows_no_place_may_be_asked(fitted, files, tasks):
    """The source of the task has another grid."""
    task = tasks["gridflow"]
    abroad = replace(task, target=task.sources[0])
    assert abroad.form["grid"] != task.form["grid"]
    steps, own = task.sources[0].valid[:5], fitted["gridflow ST-net"]
    with pytest.raises(DataError, match="grid"):
        load(files["gridflow ST-net"])(abroad, steps)
    free = load(files["gridflow ST-net"], elsewhere=True)
    assert torch.equal(free(abroad, steps), own(abroad, steps))
    with pytest.raises(DataError, match="Few-shot mean learned about sim-grid-c and no other"):
        load(files["gridflow Few-shot mean"], elsewhere=True)


def test_elsewhere_roads_are_those_of_the_task(files, tasks):
    task = tasks["speedgraph"]
    city = task.sources[0]
    abroad = replace(task, target=city)
    found = load(files["speedgraph Target only(GWN)"], elsewhere=True)(abroad, city.valid[:3])
    assert found.shape == (3, city.speed.shape[1], task.protocol.ahead)
    lonely = replace(abroad, target=replace(city, weights=torch.zeros_like(city.weights)))
    other = load(files["speedgraph Target only(GWN)"], elsewhere=True)(lonely, city.valid[:3])
    assert not torch.equal(found, other)
