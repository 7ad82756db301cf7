"""What a page shows of an operation: its code, the bytes that its forms move, live proofs."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from stflow_lib.kernels.backend import FORMS, TRITON, backend
from stflow_lib.kernels.proofs import invariants, properties
from stflow_lib.kernels.proofs.benchmarks import bytes_moved
from stflow_lib.kernels.proofs.cases import CASES, OperationCase, Sizes, cast, with_leaves

_INTERPRET = """
import sys
from stflow_lib.kernels.proofs import cases, properties
properties.equals_naive(cases.CASES[sys.argv[1]], "triton", tuple(map(int, sys.argv[2:])))
"""


class MemoryTraffic(TorchDispatchMode):
    """Counts bytes: every operation of torch reads its arguments and writes its results once.

    Views move nothing, an enlarged view only what lies behind it. What an operation writes and
    reads again inside itself is not seen, so the count is a lower bound.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run an operation and count what it moves."""
        out = func(*args, **(kwargs or {}))
        if not _moves_nothing(func):
            self.bytes += sum(map(_bytes, tree_leaves((args, kwargs, out))))
        return out


def traffic(case: OperationCase, function: Callable, args: tuple) -> tuple[int, int]:
    """Bytes moved forward and backward; no bytes backward where nothing has a gradient."""
    args, leaves = with_leaves(case, args)
    with MemoryTraffic() as forward:
        outputs = tree_leaves(function(*args))
    if not leaves:
        return forward.bytes, 0
    upstream = [torch.ones_like(o) for o in outputs]
    with MemoryTraffic() as backward:
        torch.autograd.grad(outputs, leaves, upstream)
    return forward.bytes, backward.bytes


def traffic_by_form(case: OperationCase, sizes: Sizes) -> dict[str, tuple[int, int]]:
    """Bytes forward and backward in float32: naive and torch counted, the kernel by design."""
    args = cast(case.arguments(sizes), torch.float32)
    with backend("torch"):
        fast = traffic(case, case.operation, args)
    least = bytes_moved(case, args, False)
    back = bytes_moved(case, args, True) - least if case.leaves else 0
    return {
        "naive": traffic(case, case.naive, args),
        "torch": fast,
        "kernel, by design": (least, back),
    }


def code(module: str, *names: str) -> str:
    """Source of some functions of a module that is not imported, without docstrings."""
    path = Path(find_spec(module).origin)
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {
        n.name: n for n in ast.parse("\n".join(lines)).body if isinstance(n, ast.FunctionDef)
    }
    return "\n\n".join(_without_docstring(lines, found[name]) for name in names)


def naive_code(case: OperationCase) -> str:
    """The naive twin, as it is in the library."""
    return code(case.naive.__module__, case.naive.__name__)


def kernel_code(case: OperationCase, *names: str) -> str:
    """Functions of the operation's Triton form; readable where Triton is not installed."""
    return code(f"{FORMS}.{case.name}", *names)


def run_proofs(name: str, sizes: Sizes) -> Iterator[str]:
    """Run proofs at a tiny size: a line for each that holds, AssertionError where one fails."""
    case = CASES[name]
    if case.leaves:
        properties.gradient_of_naive(case, sizes)
        yield "naive twin: its gradient is that of difference quotients, in float64"
    properties.equals_naive(case, "torch", sizes)
    yield "torch form: every number equals the naive twin's, in float64"
    largest = tuple(max(high, 2) for _, high in case.ranges)
    promise = getattr(invariants, case.name)
    promise(*cast(case.arguments(largest), torch.float32))
    yield f"promise: {promise.__doc__.splitlines()[0]}"
    yield (
        interpreted(name, sizes) if TRITON else "Triton form: not run, triton is not installed"
    )


def interpreted(name: str, sizes: Sizes) -> str:
    """The Triton form against the naive twin in a new process, whose Triton interprets."""
    call = [sys.executable, "-c", _INTERPRET, name, *map(str, sizes)]
    done = subprocess.run(call, capture_output=True, text=True, check=False,
                          env={**os.environ, "TRITON_INTERPRET": "1"})  # fmt: skip
    if done.returncode:
        raise AssertionError(f"{name}, Triton form: {done.stderr.strip().splitlines()[-1]}")
    return "Triton form, interpreted: every number equals the naive twin's, in float64"


def _without_docstring(lines: list[str], function: ast.FunctionDef) -> str:
    first = min([function.lineno, *(d.lineno for d in function.decorator_list)]) - 1
    kept, doc = range(first, function.end_lineno), function.body[0]
    if ast.get_docstring(function) is not None:
        kept = [i for i in kept if not doc.lineno <= i + 1 <= doc.end_lineno]
    return "\n".join(lines[i] for i in kept)


def _moves_nothing(func) -> bool:
    """Views, and memory that is only set aside."""
    aliases = [r.alias_info for r in func._schema.returns]
    view = any(a is not None and not a.is_write for a in aliases)
    return view or any(word in func._schema.name for word in ("_unsafe_view", "empty"))


def _bytes(leaf) -> int:
    if not isinstance(leaf, Tensor):
        return 0
    return min(leaf.numel() * leaf.element_size(), leaf.untyped_storage().nbytes())
