"""Damaged, changed and hostile inputs in every format: an error that names the file, the same
city, or a counted drop; what no rule but a hash can see is listed.

The catalogue holds public files to their hashes before they are read; here the readers are tried
without that.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PATIENCE = 60  # seconds without a word, after which a process is taken to hang

UNSEEN = {  # why no rule but a hash can see it: format/file/mutation
    "values that may be, in places that bear no name": [
        "*/*steps_swapped", "la/los_*.csv/swap_rows", "la/los_*.csv/reorder_columns",
        "la/los_*.csv/swap_two_names", "pems/3_I8W_W2.csv/swap_two_names",
        "metr-la/adj_mx.pkl/ids_reordered", "*/*matrix*transposed", "*/matrix.npy/transposed",
    ],
    "one value that may be for another one": [
        "*/flip_*", "*/zeroed_block", "*/cut_near_end", "*half", "la/los_*.csv/first_id_twice",
        "la/los_adj.csv/same_name_twice", "la/los_adj.csv/huge_id", "*/*in_thousands",
        "aarhus/segments.csv/*_in_column_1", "san-diego/distance.npz/matrix_infinite",
        "san-diego/distance.npz/matrix_huge", "pems/sensor_dist.csv/huge_in_column_*",
    ],
    "digits that the file has lost itself": ["*/*as_uint8"],
    "readings that the format leaves out": [
        "*/*no_value", "la/los_speed.csv/nan_in_column_*", "pems/3_I8W_W2.csv/nan_in_column_1",
        "citypulse/trafficData7.csv/*",
    ],
    "fewer rides or places": [
        "bikes-2021/*/*delete_*row", "bikes-2019/*/cut_in_body", "bikes-2021/*/delete_row",
    ],
    "hours of another zone, as the file says": [
        "bikes-2021/*/table_stamps_with_offset", "bikes-2021/*/table_stamps_with_z",
    ],
    "what has no range: shares, weather, places, cells left out": [
        "*/*observed_pct_all_zero", "taxibj/ext.npy/*", "crosstres/DC_poi.npy/*",
        "jonas/*/mask_*",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[str, str]]:
    """(class, message) of every mutation; a process that dies is started again after it."""
    found: dict[str, tuple[str, str]] = {}
    while (died := _run(found)) is not None:
        found[died] = ("hung", "the process ended or said nothing more")
    return found


def _run(found: dict) -> str | None:
    """Add the outcomes of one process; the mutation that it died of, None when it is done."""
    places = os.pathsep.join([str(HERE.parents[1]), str(HERE)])
    env = {**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mutations"]
    with subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        process.stdin.write("\n".join(found))
        process.stdin.close()
        lines: queue.Queue = queue.Queue()
        threading.Thread(target=lambda: _pass_on(process.stdout, lines), daemon=True).start()
        name = None
        try:
            while (line := lines.get(timeout=PATIENCE)) is not None:
                name = line["name"]
                if "outcome" in line:
                    found[name], name = (line["outcome"], line["message"]), None
        except queue.Empty:
            process.kill()
    assert name is not None or process.returncode == 0, "the mutations themselves failed"
    return name


def _pass_on(stream, lines: queue.Queue) -> None:
    for line in stream:
        lines.put(json.loads(line))
    lines.put(None)


def _listed(name: str) -> bool:
    return any(fnmatch(name, pattern) for patterns in UNSEEN.values() for pattern in patterns)


def test_all_formats_are_tried(outcomes):
    """A writer that fails, or changes that suit nothing, would pass as no outcome at all."""
    tried = Counter(name.split("/")[0] for name in outcomes)
    assert len(tried) == 18 and min(tried.values()) >= 30


@pytest.mark.parametrize("kind", ["unnamed", "foreign", "hung"])
def test_errors_name_their_file(outcomes, kind):
    """A user with five hundred files must learn which one, whatever library stumbled over it."""
    assert not {name: message for name, (one, message) in outcomes.items() if one == kind}


def test_no_other_city_comes_out_silently(outcomes):
    """What was read differs from what was there, and nothing was said or counted."""
    changed = {n: message for n, (one, message) in outcomes.items() if one == "changed"}
    assert not {name: message for name, message in changed.items() if not _listed(name)}


def test_the_list_of_the_unseen_is_short_and_true(outcomes):
    """An entry that a rule has come to see must go, lest it hides the next fault."""
    changed = [name for name, (one, _) in outcomes.items() if one == "changed"]
    patterns = [pattern for many in UNSEEN.values() for pattern in many]
    assert not [p for p in patterns if not any(fnmatch(name, p) for name in changed)]
