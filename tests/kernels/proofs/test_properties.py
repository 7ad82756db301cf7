"""Five proofs, written once, for every kernel: each form against its naive twin, and itself."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stflow_lib.kernels.backend import TRITON, backend
from stflow_lib.kernels.proofs import invariants, properties
from stflow_lib.kernels.proofs.cases import CASES, cast

needs_triton = pytest.mark.skipif(not TRITON, reason="triton is not installed")
every = pytest.mark.parametrize("name", CASES)
learned = pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.leaves])
forms = pytest.mark.parametrize("path", ["torch", pytest.param("triton", marks=needs_triton)])


def small(name):
    """Every size 2 or the nearest that it can be."""
    return tuple(min(high, max(low, 2)) for low, high in CASES[name].ranges)


@learned
def test_naive_twin_and_its_gradient(name):
    """The yardstick itself: difference quotients in float64."""
    properties.gradient_of_naive(CASES[name], small(name))


@forms
@every
def test_error_is_within_twice_that_of_the_naive_twin(name, path):
    """A sum in float16, or TF32, or in an order that loses digits."""
    properties.error_within_twice_naive(CASES[name], path, CASES[name].sizes)


@every
def test_any_shape_in_torch(name):
    """Odd, empty and single sizes; memory that nobody wrote is NaN."""
    sizes = st.tuples(*(st.integers(*r) for r in CASES[name].ranges))

    @settings(max_examples=25)
    @given(sizes, st.integers(0, 99))
    def prove(sizes, seed):
        properties.equals_naive(CASES[name], "torch", sizes, seed)

    prove()


@needs_triton
@every
def test_any_shape_in_triton(name):
    """A mask that lets one number too many or too few through; a tile left unwritten."""
    ranges = CASES[name].ranges
    for edge in (0, 1):
        properties.equals_naive(CASES[name], "triton", tuple(r[edge] for r in ranges))

    @settings(max_examples=6)
    @given(st.tuples(*(st.integers(*r) for r in ranges)), st.integers(0, 99))
    def prove(sizes, seed):
        properties.equals_naive(CASES[name], "triton", sizes, seed)

    prove()


@pytest.mark.parametrize("path", ["naive", "torch", pytest.param("triton", marks=needs_triton)])
@every
def test_what_is_promised_exactly(name, path):
    """Sums, orders, signs and counts that hold to the bit or to rounding, in every form."""
    case = CASES[name]
    args = cast(case.arguments(tuple(max(r[1], 2) for r in case.ranges)), torch.float32)
    with backend(path):
        getattr(invariants, case.name)(*args)


@forms
@every
def test_a_rerun_gives_the_same_bits(name, path):
    """Sums by atomic additions depend on who comes first."""
    properties.is_deterministic(CASES[name], path, small(name))


@needs_triton
@every
def test_operators_pass_torchs_own_check(name):
    """A fake version of another shape or dtype breaks compilation far from here."""
    properties.registered(CASES[name], small(name))


def test_compiled_whole():
    """No break in the graph. In a process of its own, where no annotation is checked."""
    paths = ["torch", "triton"] if TRITON else ["torch"]
    code = (
        "from stflow_lib.kernels.proofs import properties\n"
        "from stflow_lib.kernels.proofs.cases import CASES\n"
        f"for path, name, sizes in {[(p, name, small(name)) for p in paths for name in CASES]}:\n"
        "    properties.compiles_whole(CASES[name], path, sizes)"
    )
    run = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=False)
    assert run.returncode == 0, run.stderr.decode()[-2000:]


@needs_triton
@every
def test_mapped_over_a_batch(name):
    """Under vmap every element is what it is alone."""
    properties.maps_over_a_batch(CASES[name], "triton", small(name))
