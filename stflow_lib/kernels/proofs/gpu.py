"""One command for a card that proves, then times, then writes.

It is `python -m stflow_lib.kernels.proofs.gpu`. Every proof runs on the card; only when all
hold are the kernels timed, and the times go to book/results/kernels.csv. It needs torch, triton
and numpy, and nothing else.
"""

import csv
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch

from stflow_lib.kernels.backend import TRITON, backend
from stflow_lib.kernels.proofs import invariants, properties
from stflow_lib.kernels.proofs.benchmarks import copy_bandwidth, measure
from stflow_lib.kernels.proofs.cases import CASES, OperationCase, Sizes, cast

RESULTS = Path(__file__).resolve().parents[3] / "book" / "results" / "kernels.csv"
SHAPES = 20  # odd ones for each operation and form
FURTHER = {"nearest_and_farthest": [(128, 1024, 5)], "conserve": [(16, 64, 64, 2)]}


def main(
    device: str = "cuda", results: Path = RESULTS, cases: Iterable[OperationCase] = ()
) -> int:
    """0 when all proofs held and the times are written; 1 without either."""
    cases = list(cases) or list(CASES.values())
    if not TRITON or (device == "cuda" and not torch.cuda.is_available()):
        print("no card here, or no triton: nothing to prove and nothing to time")
        return 1
    failed = [failure for case in cases for failure in failures(case, device)]
    if failed:
        print(f"{len(failed)} proofs failed; no kernel is timed", *failed, sep="\n")
        return 1
    write(rows(cases, device), results)
    print(f"all proofs held; times are in {results}")
    return 0


def failures(case: OperationCase, device: str) -> list[str]:
    """What went wrong, one line for each proof; empty when all hold.

    A broken kernel may raise anything: it is named, and the other proofs still run.
    """
    found = []
    for name, proof in every_proof(case, device):
        try:
            proof()
            print(f"held    {case.name:22} {name}", flush=True)
        except Exception as error:
            print(f"FAILED  {case.name:22} {name}", flush=True)
            found.append(f"{case.name}, {name}: {type(error).__name__}: {str(error)[:400]}")
    return found


def every_proof(case: OperationCase, device: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Name and action of each proof of an operation; nothing runs yet."""
    small = tuple(min(high, max(low, 2)) for low, high in case.ranges)
    large = case.card if device == "cuda" else small
    if case.leaves:
        yield "gradient of the naive twin", partial(properties.gradient_of_naive, case, small)
    for path in ("torch", "triton"):
        here = {"device": device}
        yield (
            f"precision, {path}",
            partial(properties.error_within_twice_naive, case, path, case.sizes, **here),
        )
        yield f"odd shapes, {path}", partial(_odd_shapes, case, path, device)
        yield (
            f"same bits, {path}",
            partial(properties.is_deterministic, case, path, large, **here),
        )
        yield f"promises, {path}", partial(_promises, case, path, device)
        yield f"compiled, {path}", partial(properties.compiles_whole, case, path, small, **here)
    yield "operators", partial(properties.registered, case, small, device)
    yield "mapped", partial(properties.maps_over_a_batch, case, "triton", small, device)


def _odd_shapes(case: OperationCase, path: str, device: str) -> None:
    draw = random.Random(0)
    edges = [tuple(r[edge] for r in case.ranges) for edge in (0, 1)]
    drawn = [tuple(draw.randint(*r) for r in case.ranges) for _ in range(SHAPES)]
    for seed, sizes in enumerate(edges + drawn if device == "cuda" else edges):
        properties.equals_naive(case, path, sizes, seed, device)


def _promises(case: OperationCase, path: str, device: str) -> None:
    args = case.arguments(tuple(max(r[1], 2) for r in case.ranges))
    with backend(path):
        getattr(invariants, case.name)(*cast(args, torch.float32, device))


def rows(cases: Iterable[OperationCase], device: str) -> Iterator[dict]:
    """Times of every operation at its real sizes, each with where and when it was taken."""
    speed = copy_bandwidth(device, 512 if device == "cuda" else 1)
    where = {**machine(device), "copy_gb_s": speed}
    for case in cases:
        sizes: list[Sizes] = [case.card, *FURTHER.get(case.name, [])]
        if device == "cpu":
            sizes = [tuple(min(high, max(low, 2)) for low, high in case.ranges)]
        for some in sizes:
            for row in measure(case, some, device, speed):
                print(row["operation"], row["form"], f"{row['ms_50']:.4f} ms", flush=True)
                yield {**row, **where}


def machine(device: str) -> dict:
    """The card, the versions and the day of a measurement."""
    import triton

    name = torch.cuda.get_device_name() if device == "cuda" else "cpu, Triton interpreted"
    return {"device": name, "torch": torch.__version__, "triton": triton.__version__,
            "date": datetime.now(UTC).date().isoformat()}  # fmt: skip


def write(table: Iterable[dict], path: Path) -> None:
    """All rows or none: written beside the old file, then put in its place."""
    lines = [{k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
             for row in table]  # fmt: skip
    aside = path.with_suffix(".part")
    with aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    aside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
