"""Compile every kernel for cards that are not here.

`python -m stflow_lib.kernels.proofs.compile` proves that a kernel compiles and that its shared
memory fits, at the sizes of real use; not that it runs, nor that it is right. Triton must not
be in its interpreter.
"""

import json
import sys
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from stflow_lib.kernels.backend import interpreted, triton_module
from stflow_lib.kernels.proofs.cases import CASES, OperationCase, cast, with_leaves

SHARED = {80: 163 * 1024, 90: 227 * 1024}  # bytes that one program may have
TYPES = {torch.float32: "fp32", torch.float64: "fp64", torch.int64: "i64", torch.uint8: "u8"}


def compiled(case: OperationCase, arch: int) -> Iterator[dict]:
    """Every kernel of an operation and its gradient: name, bytes of shared memory, of code."""
    from triton import compile as build
    from triton.backends.compiler import GPUTarget

    for kernel, (source, options) in _sources(case).items():
        made = build(source, target=GPUTarget("cuda", arch, 32), options=options)
        yield {"operation": case.name, "kernel": kernel[0], "arch": arch,
               "shared": made.metadata.shared, "cubin": len(made.asm["cubin"])}  # fmt: skip


def _sources(case: OperationCase) -> dict[tuple, tuple]:
    """What one use of an operation launches, without launching it."""
    from triton.compiler import ASTSource

    from stflow_lib.kernels.triton_ops.launch import intercept_launch

    found: dict[tuple, tuple] = {}

    def note(kernel, args, options) -> None:
        constants = {n: v for n, v in options.items() if n in kernel.arg_names}
        given = dict(zip(kernel.arg_names, args, strict=False)) | constants
        types = {n: "constexpr" if n in constants else _type(v) for n, v in given.items()}
        aligned = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(types)
                   if types[n].startswith("*")}  # fmt: skip
        source = ASTSource(kernel, types, constants, aligned)
        rest = {n: v for n, v in options.items() if n not in constants}
        found[kernel.__name__, str(types), str(options)] = source, rest

    with intercept_launch(note):
        _use(case)
    return found


def _use(case: OperationCase) -> None:
    args, leaves = with_leaves(case, cast(case.arguments(case.card), torch.float32))
    outputs = tree_leaves(triton_module(case.name).apply(*args))
    if leaves:
        torch.autograd.grad([o.sum() for o in outputs], leaves)


def _type(value) -> str:
    if isinstance(value, Tensor):
        return f"*{TYPES[value.dtype]}"
    return "i32" if abs(value) < 2**31 else "i64"


def main() -> int:
    """A line of JSON for every kernel and kind of card; 0 when all compiled."""
    if interpreted():
        sys.exit("TRITON_INTERPRET=1 is set: nothing would be compiled")
    torch.set_num_threads(1)
    for case in CASES.values():
        for arch in SHARED:
            for row in compiled(case, arch):
                print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
