"""How long each form takes, beside the bytes that its design must move, and a plain copy."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from stflow_lib import kernels
from stflow_lib.kernels.backend import backend, choose, dispatch
from stflow_lib.kernels.proofs.cases import CASES, OperationCase, Sizes, cast, with_leaves

QUANTILES = (0.2, 0.5, 0.8)
PATIENCE = 2.0  # seconds after which a slow form is not repeated
NAIVE_MAPS = 200  # the double loop over more maps takes minutes
AGAIN = {"skewed_direction": 2}  # passes beyond one by each argument, forward and backward
SQUARES = {"rank_contrast": (28, 24)}  # bytes for each pair of regions, forward and backward


def measure(case: OperationCase, sizes, device: str, copy_speed: float) -> Iterator[dict]:
    """A row for every form and pass of an operation at one size.

    A form that cannot run at this size (no memory, no compiler) is named and left out.
    """
    args = cast(case.arguments(sizes), torch.float32, device)
    for backward in (False, True) if case.leaves else (False,):
        medians: dict[str, float] = {}
        moved = bytes_moved(case, args, backward)
        for name, action in _forms(case, args, backward):
            try:
                low, middle, high = timed(action, device)
            except Exception as error:
                print(f"{case.name}, {name}: not timed, {type(error).__name__} {error}")
                continue
            medians[name] = middle
            yield {
                "operation": _label(case, args), "sizes": _short(sizes), "backward": backward,
                "form": name, "ms_20": low, "ms_50": middle, "ms_80": high,
                "bytes_by_design": moved, "share_of_copy": moved / middle / 1e6 / copy_speed,
                "over_naive": _ratio(medians, "naive", name),
                "over_compiled_naive": _ratio(medians, "compiled naive", name),
                "peak_mb": peak_megabytes(action, device),
            }  # fmt: skip


def calls_in(step: Callable[[], object]) -> list[tuple[str, tuple]]:
    """Every call of an operation while `step` runs: its name, its arguments as new leaves."""
    calls, forms = [], sys.modules[dispatch.__module__]

    def noted(name: str, args: tuple) -> str:
        calls.append((name, tree_map(_fresh, args)))
        return choose(name, args)

    with patch.object(forms, "choose", noted):
        step()
    return calls


def replayed_all(calls: Iterable[tuple[str, tuple]], operation: str, path: str) -> None:
    """All calls of one operation among those of a step, in a form."""
    for name, args in calls:
        if name == operation:
            replayed(name, args, path)


def replayed(name: str, args: tuple, path: str) -> None:
    """A call in a form, and backward to all arguments that ask for a gradient."""
    leaves = [a for a in tree_leaves(args) if isinstance(a, Tensor) and a.requires_grad]
    with backend(path):
        outputs = tree_leaves(getattr(kernels, name)(*args))
    if leaves:
        torch.autograd.grad([o.sum() for o in outputs], leaves)


def as_trained(name: str, sizes: Sizes) -> tuple:
    """Arguments in float32 as a training has them: the step of TSJT by tensor, not learned."""
    given = cast(CASES[name].arguments(sizes), torch.float32)
    if name == "skewed_direction":
        return (*given[:-1], "tensor")
    return with_leaves(CASES[name], given)[0]


def bytes_moved(case: OperationCase, args: tuple, backward: bool) -> int:
    """What the card's own form reads and writes, with nothing kept between kernels."""
    tensors = [a for a in tree_leaves(args) if isinstance(a, Tensor)]
    if case.name in SQUARES:
        each = SQUARES[case.name]
        return len(args[0]) ** 2 * (sum(each) if backward else each[0])
    with torch.no_grad(), backend("torch"):
        out = sum(map(_bytes, tree_leaves(case.operation(*args))))
    again = AGAIN.get(case.name, 0) * sum(map(_bytes, tree_leaves(args[0])))
    read = sum(map(_bytes, tensors)) + again
    learned = sum(map(_bytes, with_leaves(case, args)[1]))
    return read + out + backward * (read + out + learned)


def repeated(call: Callable, seconds: Callable[[Callable], float]) -> Callable[[], float]:
    """Seconds of one call, by a clock that is given 0.05 seconds to read, 200 calls at most."""
    again = max(1, min(200, int(0.05 / max(seconds(call), 1e-6))))

    def several():
        for _ in range(again):
            call()

    return lambda: seconds(several) / again


def copy_bandwidth(device: str, megabytes: int = 512) -> float:
    """Gigabytes a second of a plain copy, read and write counted."""
    source = torch.ones(megabytes * 2**18, device=device)
    target = torch.empty_like(source)
    return 2 * _bytes(source) / timed(lambda: target.copy_(source), device)[1] / 1e6


def timed(action: Callable, device: str) -> tuple[float, float, float]:
    """Milliseconds, 20, 50 and 80 % quantiles; slow ones once."""
    action()
    once = _clocked(action, device)
    if once > 1e3 * PATIENCE:
        return once, once, once
    if device != "cpu":
        from triton.testing import do_bench

        return tuple(do_bench(action, quantiles=list(QUANTILES)))
    turns = max(5, min(50, int(200 / max(once, 1e-3))))
    spent = torch.tensor([_clocked(action, device) for _ in range(turns)], dtype=torch.float64)
    return tuple(spent.quantile(torch.tensor(QUANTILES, dtype=torch.float64)).tolist())


def peak_megabytes(action: Callable, device: str) -> float:
    """Memory of the card above what was there before; 0 without a card."""
    if device == "cpu":
        return 0.0
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    action()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def _forms(case: OperationCase, args: tuple, backward: bool) -> Iterator[tuple[str, Callable]]:
    slow = case.name == "nearest_and_farthest" and len(args[0]) > NAIVE_MAPS
    if not slow:
        yield "naive", _action(case, case.naive, args, backward)
    if not slow and case.name != "nearest_and_farthest" and args[0][0].is_cuda:
        yield "compiled naive", _action(case, torch.compile(case.naive), args, backward)
    for path in ("torch", "triton"):
        yield path, in_form(path, _action(case, case.operation, args, backward))


def in_form(path: str, action: Callable) -> Callable:
    """The action with all its operations in one form."""

    def call():
        with backend(path):
            return action()

    return call


def _action(case: OperationCase, function: Callable, args: tuple, backward: bool) -> Callable:
    if not backward:
        return torch.no_grad()(lambda: function(*args))
    args, leaves = with_leaves(case, args)
    return lambda: torch.autograd.grad([o.sum() for o in tree_leaves(function(*args))], leaves)


def _clocked(action: Callable, device: str) -> float:
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    action()
    if device != "cpu":
        torch.cuda.synchronize()
    return 1e3 * (clock() - start)


def _ratio(medians: dict[str, float], other: str, name: str) -> float | None:
    return medians[other] / medians[name] if other in medians else None


def _fresh(arg):
    """A tensor without its history; whether it asks for a gradient stays."""
    if not isinstance(arg, Tensor):
        return arg
    return arg.detach().requires_grad_(arg.requires_grad and torch.is_grad_enabled())


def _label(case: OperationCase, args: tuple) -> str:
    """The operation, and its mode where it has one."""
    return f"{case.name} {args[-1]}" if isinstance(args[-1], str) else case.name


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _short(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes)) if len(sizes) < 8 else f"{len(sizes)} tensors"
