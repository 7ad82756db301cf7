"""Do the proofs notice? Break every kernel in three ways and see that they turn red.

    python tests/kernels/proofs/mutations.py [report.csv] [operation ...]

Works on a copy in a temporary folder. Ends with 1 when a broken kernel stays green.
"""

import contextlib
import csv
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported

import hypothesis  # noqa: F401
import pytest
import torch._dynamo  # noqa: F401
import triton  # noqa: F401

ROOT = Path(__file__).resolve().parents[3]
FORMS = "stflow_lib/kernels/triton_ops"
HEAD = ["operation", "kernel", "function", "broken", "text", "becomes", "noticed by"]

# operation and kernel -> (function, what is broken, text, broken text): the first such text
# from the function on, which is the kernel itself or what it shares with others of its module.
BREAKS = {
    ("conserve", "_split_kernel"): [
        ("_cells", "index", "row * factor + down", "row * factor + right"),
        ("_cells", "mask", "(block < width)[None", "(block < width - 1)[None"),
        ("_split_kernel", "sign", "_block_sum(s) + eps", "_block_sum(s) - eps"),
    ],
    ("conserve", "_split_backward_kernel"): [
        ("_split_backward_kernel", "index", "coarse + block", "coarse + block * 0"),
        ("_split_backward_kernel", "mask", "share, mask=there",
         "share, mask=there & (block > 0)"),
        ("_split_backward_kernel", "sign", "g - share", "g + share"),
    ],
    ("rank_contrast", "_losses_kernel"): [
        ("_losses_kernel", "index", "ranked + row + 1", "ranked + row"),
        ("_sorted", "mask", "k < count - 1", "k < count - 2"),
        ("_losses_kernel", "sign", "log - s", "log + s"),
    ],
    ("rank_contrast", "_losses_backward_kernel"): [
        ("_losses_backward_kernel", "index", "ranked + row - 1", "ranked + row"),
        ("_losses_backward_kernel", "mask", "share, mask=there", "share, mask=there & (k > 0)"),
        ("_losses_backward_kernel", "sign", "tl.exp(s + log) - 1.0", "tl.exp(s + log) + 1.0"),
    ],
    ("pattern_density", "_density_kernel"): [
        ("_density_kernel", "index", "_rows(phi, other,", "_rows(phi, other - start,"),
        ("_density_kernel", "mask", "(other < count)[None, :], e", "(other >= 0)[None, :], e"),
        ("_density_kernel", "sign", "* -0.5", "* 0.5"),
    ],
    ("pattern_density", "_density_backward_kernel"): [
        ("_density_backward_kernel", "index", "rate + other", "rate + other * 0"),
        ("_density_backward_kernel", "mask", "(other < count)[None, :], e",
         "(other >= 0)[None, :], e"),
        ("_density_backward_kernel", "sign", "back -= ", "back += "),
    ],
    ("nearest_and_farthest", "_neighbours_kernel"): [
        ("_neighbours_kernel", "index", "turned + cell * count", "turned + start * count"),
        ("_neighbours_kernel", "mask", "column >= count", "column > count"),
        ("_neighbours_kernel", "sign", "-square)", "square)"),
    ],
    ("skewed_direction", "_sums_kernel"): [
        ("_numbers", "index", "where + tensors + tensor", "where + tensor"),
        ("_numbers", "mask", "i < tl.load(row + 2)", "i < tl.load(row + 2) - 1"),
        ("_sums_kernel", "sign", "tl.sum(s * t", "tl.sum(-s * t"),
    ],
    ("skewed_direction", "_factors_kernel"): [
        ("_factors_kernel", "index", "sums + 2 * chunk)", "sums + 2 * group)"),
        ("_factors_kernel", "mask", "norm >= least", "norm < least"),
        ("_factors_kernel", "sign", "tl.minimum(dot", "tl.maximum(dot"),
    ],
    ("skewed_direction", "_step_kernel"): [
        ("_step_kernel", "index", "* 5 + 4)", "* 5 + 4) * 0"),
        ("_step_kernel", "mask", "mask=inside", "mask=inside & (place > 0)"),
        ("_step_kernel", "sign", "+ source * s", "- source * s"),
    ],
    ("skewed_direction", "_sums_backward_kernel"): [
        ("_sums_backward_kernel", "index", "upstream + place", "upstream + place * 0"),
        ("_sums_backward_kernel", "mask", "mask=inside, o", "mask=inside & (place > 0), o"),
        ("_sums_backward_kernel", "sign", "tl.sum(g * t", "tl.sum(-g * t"),
    ],
    ("skewed_direction", "_along_kernel"): [
        ("_along_kernel", "index", "sums + chunk)", "sums + group)"),
        ("_along_kernel", "mask", "dot < 0", "dot > 0"),
        ("_along_kernel", "sign", "-2 * a", "2 * a"),
    ],
    ("skewed_direction", "_step_backward_kernel"): [
        ("_step_backward_kernel", "index", "upstream + place", "upstream + place * 0"),
        ("_step_backward_kernel", "mask", "own * t, mask=inside",
         "own * t, mask=inside & (place > 0)"),
        ("_step_backward_kernel", "sign", "* g + a * t", "* g - a * t"),
    ],
    ("node_prompt", "_product_kernel"): [
        ("_product_kernel", "index", "start + tl.arange", "0 * start + tl.arange"),
        ("_product_kernel", "mask", "total * scale, mask=(row < m)",
         "total * scale, mask=(row < m - 1)"),
        ("_product_kernel", "sign", "total += ", "total -= "),
    ],
    ("node_prompt", "_share_kernel"): [
        ("_share_kernel", "index", "* patterns + k", "* patterns + 0 * k"),
        ("_share_kernel", "mask", "mask=k < patterns, o", "mask=k < patterns - 1, o"),
        ("_share_kernel", "sign", "s - tl.max", "s + tl.max"),
    ],
    ("node_prompt", "_share_backward_kernel"): [
        ("_share_backward_kernel", "index", "* patterns + k", "* patterns + 0 * k"),
        ("_share_backward_kernel", "mask", "mask=k < patterns, o", "mask=k < patterns - 1, o"),
        ("_share_backward_kernel", "sign", "q - tl.sum", "q + tl.sum"),
    ],
    ("masked_error", "_errors_kernel"): [
        ("_errors_kernel", "index", "tl.program_id(0) * steps", "tl.program_id(0) * 0"),
        ("_error", "mask", "other=0) != 0", "other=0) >= 0"),
        ("_error", "sign", "p - tl.load", "p + tl.load"),
    ],
    ("masked_error", "_errors_backward_kernel"): [
        ("_errors_backward_kernel", "index", "upstream + ahead + step", "upstream + step"),
        ("_errors_backward_kernel", "mask", "-d, mask=inside", "-d, mask=seen"),
        ("_errors_backward_kernel", "sign", "-d, mask", "d, mask"),
    ],
}  # fmt: skip


def copied(folder: Path) -> None:
    """The kernels and their tests alone."""
    for part in ("stflow_lib/__init__.py", "tests/conftest.py"):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, folder / part)
    for part in ("stflow_lib/kernels", "tests/kernels"):
        shutil.copytree(
            ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
        )


def broken(source: str, function: str, text: str, other: str) -> str:
    """The module with one text replaced, the first from a function's definition on."""
    start = source.index(text, source.index(f"def {function}("))
    return source[:start] + other + source[start + len(text) :]


def red(folder: Path, operation: str) -> str:
    """The first proof that fails on the copy; empty when all pass.

    In a fork of this process, which has imported what takes long and nothing of ours.
    """
    mine, its = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(
        target=_prove, args=(folder, operation, its)
    )
    child.start()
    its.close()
    try:
        return mine.recv()
    except EOFError:
        return "the process died"
    finally:
        child.join()


def _prove(folder: Path, operation: str, answer) -> None:
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    first = First()
    with Path(os.devnull).open("w") as nothing, contextlib.redirect_stdout(nothing):
        code = pytest.main(
            ["-x", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-p",
             "no:warnings", "-p", "no:jaxtyping", "tests/kernels/proofs/test_properties.py",
             "-k", f"{operation} and triton and not compiled"], [first])  # fmt: skip
    answer.send(first.failed or ("" if code == 0 else f"exit {int(code)}"))


class First:
    """A plugin of pytest that keeps the name of the first test that failed."""

    failed = ""

    def pytest_runtest_logreport(self, report) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid.split("::")[1]


def main(report: str = "", *operations: str) -> int:
    rows, green = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        for operation in operations or dict.fromkeys(operation for operation, _ in BREAKS):
            assert not red(folder, operation), f"{operation}: red before it is broken"
            for row in _broken_and_seen(folder, operation):
                rows.append(row)
                green += not row[-1]
                print(*row, sep=" | ", flush=True)
    if report:
        with Path(report).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])
    print(f"{len(rows)} breakages, {green} unnoticed")
    return int(green > 0)


def _broken_and_seen(folder: Path, operation: str) -> Iterator[list[str]]:
    """A row of the report for every breakage of an operation's kernels."""
    module = folder / FORMS / f"{operation}.py"
    source = module.read_text()
    for (owner, kernel), breaks in BREAKS.items():
        for function, kind, text, other in breaks if owner == operation else ():
            module.write_text(broken(source, function, text, other))
            yield [operation, kernel, function, kind, text, other, red(folder, operation)]
    module.write_text(source)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
