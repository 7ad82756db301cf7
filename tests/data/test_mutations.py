"""Damaged, changed and hostile inputs in every format: an error that names the file, the same
content, or a counted drop; what no rule but a hash can see is listed.

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
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PATIENCE = 60  # seconds without a word, after which a process is taken to hang

MOST = 97  # outcomes that no rule but a hash can see
STEPS = ["speed_mph_steps_swapped", "observed_pct_steps_swapped"]
UNSEEN = {  # why no rule but a hash can see it -> format/file -> mutations
    "steps, sensors, cells or directions changed places that nothing else tells apart": {
        "la/los_speed.csv": ["swap_rows", "reorder_columns", "swap_two_names"],
        "san-diego/speed.npz": [*STEPS, "sensor_steps_swapped"],
        "pems/3_I8W_W2.csv": ["swap_two_names"],  # points of the lane against % observed
        "bay-i680/speed.npz": [*STEPS, "flow_veh_steps_swapped", "sensor_steps_swapped"],
        "aarhus/speed.npz": ["speed_kmh_steps_swapped", "sensor_steps_swapped"],
        "jonas/JONAS-DC-9x12-20151024-20160131.npz": ["taxi_steps_swapped", "mask_transposed"],
        "crosstres/BikeDC_dropoff.npy": ["steps_swapped"],
        "crosstres/DC_poi.npy": ["steps_swapped"],
        "metr-la/metr-la.h5": ["block0_values_steps_swapped"],
        "metr-la/adj_mx.pkl": ["ids_reordered", "matrix_transposed"],
        "stgfsl/dataset.npy": ["steps_swapped"],
        "stgfsl/matrix.npy": ["transposed", "steps_swapped"],
    },
    "another number that the place may have": {
        "la/los_speed.csv": ["cut_near_end", "first_id_twice"],
        "san-diego/speed.npz": ["speed_mph_half"],
        "bay-i680/speed.npz": ["speed_mph_half"],
        "aarhus/speed.npz": ["speed_kmh_half"],
        "p6-folder/Y.npy": ["flip_in_body"],
        "jonas/JONAS-DC-9x12-20151024-20160131.npz": ["taxi_in_thousands"],
        "taxibj/ext.npy": ["half", "all_zero"],
        "crosstres/BikeDC_dropoff.npy": [
            "flip_in_body", "flip_in_body_again", "flip_near_end", "zeroed_block", "half",
            "in_thousands",
        ],
        "crosstres/DC_poi.npy": ["flip_in_body", "zeroed_block", "half", "in_thousands"],
        "metr-la/metr-la.h5": ["block0_values_half"],
        "stgfsl/dataset.npy": ["half"],
        "stgfsl/matrix.npy": ["zeroed_block", "half", "in_thousands"],
    },
    "digits that the file has lost itself": {
        "san-diego/speed.npz": ["speed_mph_as_uint8"],
        "bay-i680/speed.npz": ["speed_mph_as_uint8"],
        "aarhus/speed.npz": ["speed_kmh_as_uint8"],
        "taxibj/ext.npy": ["as_uint8"],
        "metr-la/metr-la.h5": ["block0_values_as_uint8"],
        "stgfsl/dataset.npy": ["as_uint8"],
    },
    "fewer of what has no stated number: rides, places, cells left out, files, records, claims": {
        "jonas/JONAS-DC-9x12-20151024-20160131.npz": ["mask_one_step_kept", "mask_step_missing"],
        "bikes-2021/202102-divvy-tripdata.zip": [
            "table_delete_row", "table_delete_last_row", "table_delete_first_row",
        ],
        "bikes-2021/chicago-2020.parquet": ["delete_row"],
        "bikes-2019/201902-citibike-tripdata.csv": ["cut_in_body"],  # between two rows
        "manifest/set.tsv": ["delete_row"],
        "results/sim-grid-a.csv": ["delete_row", "only_header"],
        "claims/urbanstc.csv": ["delete_row", "only_header"],
    },
    "hours of another zone, as the file says": {
        "bikes-2021/202102-divvy-tripdata.zip": [
            "table_stamps_with_offset", "table_stamps_with_z",
        ],
    },
    "another letter in a text or a name": {
        "manifest/set.tsv": ["cut_near_end", "flip_in_body_again", "flip_near_end"],
        "store/147364110db6.json": ["flip_in_body"],
        "claims/urbanstc.csv": ["flip_in_body_again"],
        "profiles/profiles.yaml": [
            "flip_in_body", "flip_in_body_again", "flip_near_end", "other_wing",
        ],
    },
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


def _listed() -> list[str]:
    groups = ((file, names) for files in UNSEEN.values() for file, names in files.items())
    return sorted(f"{file}/{name}" for file, names in groups for name in names)


def test_all_formats_are_tried(outcomes):
    """A writer that fails, or changes that suit nothing, would pass as no outcome at all."""
    tried = Counter(name.split("/")[0] for name in outcomes)
    assert len(tried) == 23 and min(tried.values()) >= 30


@pytest.mark.parametrize("kind", ["unnamed", "foreign", "hung"])
def test_errors_name_their_file(outcomes, kind):
    """A user with five hundred files must learn which one, whatever library stumbled over it."""
    assert not {name: message for name, (one, message) in outcomes.items() if one == kind}


def test_nothing_else_comes_out_silently_and_the_list_of_the_unseen_is_true(outcomes):
    """What was read differs from what was there, and nothing was said or counted. An entry that
    a rule has come to see must go, lest it hides the next fault."""
    changed = sorted(name for name, (one, _) in outcomes.items() if one == "changed")
    assert changed == _listed() and len(changed) <= MOST
