"""The command for a card, tried without one: proves, then times, then writes, in this order."""

import csv
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from stflow_lib.kernels.backend import TRITON
from stflow_lib.kernels.proofs import benchmarks, gpu
from stflow_lib.kernels.proofs.cases import CASES, cast

needs_triton = pytest.mark.skipif(not TRITON, reason="triton is not installed")
CASE = replace(CASES["masked_error"], sizes=(3, 5))


@pytest.fixture
def few_proofs(monkeypatch):
    """Compilation is proved elsewhere, in a process that checks no annotations."""
    every = gpu.every_proof
    monkeypatch.setattr(
        gpu,
        "every_proof",
        lambda *args: [
            p for p in every(*args) if not p[0].startswith(("compiled", "operators"))
        ],
    )


@needs_triton
def test_proves_and_times_and_writes(few_proofs, tmp_path, capsys):
    """A column that is missing shows only on a rented card otherwise."""
    assert gpu.main("cpu", tmp_path / "kernels.csv", [CASE]) == 0
    assert "FAILED" not in capsys.readouterr().out
    with (tmp_path / "kernels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["form"], r["backward"]) for r in rows] == [
        (form, backward)
        for backward in ("False", "True")
        for form in ("naive", "torch", "triton")
    ]
    for row in rows:
        assert 0 < float(row["ms_20"]) <= float(row["ms_50"]) <= float(row["ms_80"])
        assert row["device"] and row["torch"] and row["triton"] and row["date"]
        assert float(row["share_of_copy"]) > 0 and float(row["over_naive"]) > 0


@needs_triton
def test_nothing_is_timed_on_red(few_proofs, monkeypatch, tmp_path, capsys):
    """A fast wrong kernel is no kernel."""
    monkeypatch.setattr(benchmarks, "timed", lambda *_: pytest.fail("timed"))
    monkeypatch.setattr(gpu.invariants, "masked_error", lambda *_: 1 / 0)
    assert gpu.main("cpu", tmp_path / "kernels.csv", [CASE]) == 1
    assert not (tmp_path / "kernels.csv").exists()
    assert "2 proofs failed; no kernel is timed" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="a card is here")
def test_without_a_card_it_says_so(tmp_path, capsys):
    assert gpu.main(results=tmp_path / "kernels.csv") == 1
    assert "no card here" in capsys.readouterr().out


def test_bytes_by_design():
    """Scores read, split written, coarse map read: 4 bytes each."""
    case = CASES["conserve"]
    args = case.arguments((2, 3, 5, 4))
    args = (args[0].float(), args[1].float(), *args[2:])
    fine, coarse = 2 * 12 * 20, 2 * 15
    assert benchmarks.bytes_moved(case, args, False) == 4 * (2 * fine + coarse)
    assert benchmarks.bytes_moved(case, args, True) == 4 * (5 * fine + 3 * coarse)


def test_bytes_of_a_design_that_reads_twice():
    """skewed_direction: both gradients twice; backward what comes from above
    and t twice, s once."""
    case = CASES["skewed_direction"]
    args = cast(case.arguments((10, 30)), torch.float32)
    assert benchmarks.bytes_moved(case, args, False) == 4 * 40 * (4 + 1)
    assert benchmarks.bytes_moved(case, args, True) == 4 * 40 * (5 + 5 + 2)


def test_needs_nothing_but_torch_triton_and_numpy():
    """A rented card has no project environment."""
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in {'jaxtyping', 'pandas', 'xarray', 'hypothesis', 'pytest',\n"
        "                    'beartype'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'jaxtyping' else find(name, *a)\n"
        "import stflow_lib.kernels.proofs.gpu, torch\n"
        "from stflow_lib.kernels import conserve\n"
        "conserve(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), 2)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
