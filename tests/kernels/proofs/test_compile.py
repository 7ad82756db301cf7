"""Every kernel compiles for cards that are not here, and its shared memory fits."""

import json
import os
import subprocess
import sys

import pytest

from stflow_lib.kernels.backend import TRITON
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.compile import SHARED


@pytest.fixture(scope="module")
def compiled():
    """All rows of `python -m stflow_lib.kernels.proofs.compile`, outside
    Triton's interpreter."""
    if not TRITON:
        pytest.skip("triton is not installed")
    plain = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "stflow_lib.kernels.proofs.compile"]
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("arch", SHARED)
@pytest.mark.parametrize("name", {case.name: case for case in CASES.values()})
def test_kernels_compile_and_fit(compiled, name, arch):
    """An instruction that only the interpreter knows; a tile too large for a card."""
    rows = [row for row in compiled if (row["operation"], row["arch"]) == (name, arch)]
    backward = {row["kernel"] for row in rows if "backward" in row["kernel"]}
    assert rows and all(row["cubin"] and row["shared"] <= SHARED[arch] for row in rows)
    assert backward or name in {"nearest_and_farthest", "node_prompt"}
