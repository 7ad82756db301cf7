"""Two processes publish records of one wing, and one is killed: nothing that was told is lost."""

import os
import random

import pytest

from stflow_lib import runs
from stflow_lib.runs import store

TURNS, EACH = 6, 8  # publications of a process, new records for each


@pytest.fixture
def publisher(toy, tmp_path):
    """publisher(number): a process with a store of its own; `told` gets the keys it published."""
    runs.ensure(toy.run())
    first = store.read(toy.run())

    def publish(number):
        os.environ["STFLOW_RUNS"] = str(tmp_path / f"store-{number}")
        for turn in range(TURNS):
            seeds = [1 + (number * TURNS + turn) * EACH + i for i in range(EACH)]
            made = [toy.run(seed=seed) for seed in seeds]
            for run in made:
                store.write(run, {**first, "seed": run.seed, "key": run.key})
            runs.publish("toy")
            with open(tmp_path / "told", "a") as told:
                told.write("".join(f"{run.key}\n" for run in made))

    return publish


@pytest.mark.parametrize("seed", range(12))
def test_two_publishers_with_kills(publisher, tmp_path, race, seed):
    draw = random.Random(seed)
    kills = {draw.randrange(2): draw.uniform(0, 0.3)} if seed % 3 else {}
    codes = race(publisher, 2, kills)
    assert [codes[i] for i in range(2) if i not in kills] == [0] * (2 - len(kills))
    told = set((tmp_path / "told").read_text().split())
    assert told <= runs.published("toy").keys()
    for number in range(2):
        race(lambda _, number=number: publisher(number), 1, {})
    assert len(runs.published("toy")) == 2 * TURNS * EACH
    assert [path.name for path in (tmp_path / "results" / "toy").iterdir()] == ["toytown.csv"]
