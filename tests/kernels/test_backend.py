"""The choice of a form: what auto takes, what is refused, and that the reason is said."""

import os
import subprocess
import sys

import pytest
import torch

from stflow_lib import kernels
from stflow_lib.kernels import BackendError, backend, conserve, masked_error, node_prompt
from stflow_lib.kernels.backend import OPERATIONS, TRITON, choose

ARGS = (torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), 2)
needs_triton = pytest.mark.skipif(not TRITON, reason="triton is not installed")


def test_auto_is_torch_on_a_cpu():
    assert backend.current == "auto"
    assert choose("conserve", ARGS) == "torch"


@pytest.mark.parametrize("path", ["naive", "torch"])
def test_a_form_by_name_for_a_block(path):
    """A setting that outlives its block changes everything after it."""
    with backend(path):
        assert choose("conserve", ARGS) == path
        assert backend.explain(conserve, *ARGS) == f"conserve: {path}, as asked for"
    assert backend.current == "auto"


def test_a_setting_stays_until_the_next():
    backend("naive")
    assert backend.current == "naive"
    backend("auto")


def test_an_error_inside_takes_the_setting_back():
    with pytest.raises(ZeroDivisionError), backend("naive"):
        raise ZeroDivisionError
    assert backend.current == "auto"


def test_a_name_that_is_none():
    with pytest.raises(ValueError, match="backend 'cuda'"):
        backend("cuda")
    assert backend.current == "auto"


def test_without_a_card_triton_is_an_error_that_says_so(monkeypatch):
    """Another form in its place would be timed, or trusted, as Triton's."""
    with backend("triton"):
        pass  # kernels are interpreted in all other tests: they are read before this line
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    reason = "tensors are on cpu, not on a card" if TRITON else "triton is not installed"
    with backend("triton"):
        with pytest.raises(BackendError, match=f"conserve: .* because {reason}"):
            conserve(*ARGS)
        assert backend.explain(conserve, *ARGS).endswith(f"cannot run, because {reason}")
    assert backend.explain(conserve, *ARGS) == f"conserve: torch, because {reason}"


@needs_triton
@pytest.mark.parametrize(
    "operation, args, reason",
    [(conserve, (ARGS[0].double(), *ARGS[1:]), "dtypes are torch.float32 and torch.float64"),
     (conserve, (torch.ones(1, 1, 65, 65), torch.ones(1, 1, 1, 1), 65), "factor 65"),
     (node_prompt, (torch.ones(1, 1, 2, 3), torch.ones(4, 2, 3), "token_softmax"), "attention"),
     (kernels.nearest_and_farthest, (torch.ones(4, 3, requires_grad=True), 1), "gradient"),
     (kernels.pattern_density, (torch.ones(2, 1025), 1.0), "wider than 1024"),
     (masked_error, (*(torch.ones(1, 5000),) * 2, torch.ones(1, 5000) > 0), "5000 steps"),
     (kernels.nearest_and_farthest, (torch.ones(16385, 1), 1), "16385 maps"),
     (kernels.rank_contrast, (torch.ones(8193, 1), torch.ones(1, 1).expand(8193, 8193)),
      "8193 regions")],
)  # fmt: skip
def test_what_the_kernels_cannot_take(monkeypatch, operation, args, reason):
    """Each limit is named before a kernel starts, and `auto` would go to torch."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    with backend("triton"), pytest.raises(BackendError, match=reason):
        operation(*args)
    assert reason in backend.explain(operation, *args)


FIRST = """
import torch
from stflow_lib.kernels import backend, conserve
with backend("triton"):
    torch.compile(conserve, backend="aot_eager", fullgraph=True)(
        torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), 2)
"""


@needs_triton
def test_asking_for_triton_imports_it_before_an_operation_is_called():
    """An import inside compiled code breaks its graph: the first call of all failed there."""
    plain = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FIRST], env=plain, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]


@needs_triton
def test_where_a_card_is_kernels_come_with_the_library():
    """There auto may take them inside compiled code, and nobody asks for them by name."""
    code = (
        "import sys, torch; torch.cuda.device_count = lambda: 1; import stflow_lib.kernels\n"
        "from stflow_lib.kernels.backend import FORMS, OPERATIONS\n"
        "assert all(f'{FORMS}.{name}' in sys.modules for name in OPERATIONS)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_operation_has_its_kernels_listed():
    """One that is missing would be imported in the middle of compiled code."""
    twins = {name for name in kernels.__all__ if f"{name}_naive" in kernels.__all__}
    assert twins == set(OPERATIONS)


def test_importing_kernels_does_not_import_triton():
    """It costs a second, and a machine without a card has no use for it."""
    code = (
        "import sys, torch; print('triton' in sys.modules); torch.cuda.device_count = lambda: 0\n"
        "import stflow_lib.kernels; print('triton' in sys.modules)"
    )
    by_torch, by_us = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    if by_torch == "True":
        pytest.skip("torch itself imports triton here")
    assert by_us == "False"
