"""The proofs every kernel must pass, each written once; one that fails is an AssertionError.

Tests run them on a CPU (Triton through its interpreter), `kernels.proofs.gpu` on a card.
"""

from collections.abc import Callable
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils import deterministic
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from stflow_lib.kernels.backend import backend, triton_module
from stflow_lib.kernels.proofs.cases import OperationCase, cast, with_leaves

EPSILONS = 8  # roundings granted to a form where the naive twin happens to have none


def results(case: OperationCase, args: tuple, path: str) -> list[Tensor]:
    """Outputs of a form, then its gradients for an upstream gradient that never changes."""
    args, leaves = with_leaves(case, args)
    with backend(path):
        outputs = tree_leaves(case.operation(*args))
    if not leaves:
        return outputs
    upstream = [torch.cos(torch.arange(o.numel(), dtype=o.dtype)).view_as(o).to(o.device)
                for o in outputs]  # fmt: skip
    return [*(o.detach() for o in outputs), *torch.autograd.grad(outputs, leaves, upstream)]


@contextmanager
def nan_filled_memory():
    """Memory that nobody wrote holds NaN, or the largest whole number."""
    was = torch.are_deterministic_algorithms_enabled()
    fill = deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = True
    try:
        yield
    finally:
        deterministic.fill_uninitialized_memory = fill
        torch.use_deterministic_algorithms(was)


def gradient_of_naive(case: OperationCase, sizes: tuple[int, ...]) -> None:
    """The naive twin is differentiable and right about it, in float64."""
    args, _ = with_leaves(case, case.arguments(sizes, seed=1))
    flat, spec = tree_flatten(args)
    places = [i for i, a in enumerate(flat) if isinstance(a, Tensor) and a.requires_grad]

    def of_leaves(*leaves):
        for i, leaf in zip(places, leaves, strict=True):
            flat[i] = leaf
        return tuple(tree_leaves(case.naive(*tree_unflatten(flat, spec))))

    leaves = [_off_zero(flat[i].detach()).requires_grad_() for i in places]
    assert torch.autograd.gradcheck(of_leaves, leaves), case.name


def error_within_twice_naive(
    case: OperationCase, path: str, sizes, dtype=torch.float32, device="cpu"
) -> None:
    """A form's error against float64 is at most twice the naive twin's in the same dtype."""
    args = cast(case.arguments(sizes), dtype, device)
    exact = results(case, cast(args, torch.float64, device), "naive")
    for i, (want, got, naive) in enumerate(
        zip(exact, results(case, args, path), results(case, args, "naive"), strict=True)
    ):
        place = f"{case.name}, {path}, result {i} of {sizes}"
        assert got.shape == want.shape and got.dtype == naive.dtype, place
        if not want.is_floating_point():
            assert torch.equal(got, naive), place
        elif want.numel():
            error, yard = (_distance(x, want) for x in (got, naive))
            slack = EPSILONS * torch.finfo(naive.dtype).eps * want.abs().max().item()
            assert error <= 2 * yard + slack, f"{place}: {error:.3g} > 2 x {yard:.3g}"


def equals_naive(case: OperationCase, path: str, sizes, seed: int = 0, device="cpu") -> None:
    """Odd, empty and single sizes in float64, every number of every output written."""
    args = cast(case.arguments(sizes, seed), torch.float64, device)
    want = results(case, args, "naive")
    with nan_filled_memory():
        got = results(case, args, path)
    for i, (one, other) in enumerate(zip(got, want, strict=True)):
        message = f"{case.name}, {path}, result {i} of {sizes}"
        assert one.shape == other.shape, message
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=message)


def is_deterministic(case: OperationCase, path: str, sizes, device="cpu") -> None:
    """A rerun changes nothing: no sum depends on who came first."""
    args = cast(case.arguments(sizes), torch.float32, device)
    for one, other in zip(*(results(case, args, path) for _ in range(2)), strict=True):
        assert torch.equal(one, other), f"{case.name}, {path}: a rerun differs"


def registered(case: OperationCase, sizes, device="cpu") -> None:
    """torch's own check of the operators: schema, fake version, gradient, compilation."""
    for operator, args in operator_calls(case, sizes, device):
        torch.library.opcheck(operator, args)


def operator_calls(case: OperationCase, sizes, device="cpu") -> list[tuple]:
    """The calls of torch.ops.stflow.* that one use of an operation and its gradient make."""
    calls: list[tuple] = []
    kernels = triton_module(case.name)
    args = cast(case.arguments(sizes), torch.float32, device)
    found = {n: v for n, v in vars(kernels).items() if hasattr(v, "_opoverload")}

    def noted(name, operator):
        def call(*inner):
            keep = not name.endswith("_backward")
            calls.append((operator, tuple(_detached(a, keep) for a in inner)))
            return operator(*inner)

        return call

    try:
        for name, operator in found.items():
            setattr(kernels, name, noted(name, operator))
        results(case, args, "triton")
    finally:
        for name, operator in found.items():
            setattr(kernels, name, operator)
    return calls


def compiles_whole(case: OperationCase, path: str, sizes, device="cpu") -> None:
    """Under torch.compile without a break in the graph, at first use, and the same numbers."""
    call, tensors = of_tensors(case, cast(case.arguments(sizes), torch.float32, device))
    torch.compiler.reset()
    with backend(path):
        got = torch.compile(call, backend="aot_eager", fullgraph=True)(*tensors)
        want = call(*tensors)
    torch.testing.assert_close(got, want)


def maps_over_a_batch(case: OperationCase, path: str, sizes, device="cpu") -> None:
    """Under vmap every element is what it is alone."""
    call, tensors = of_tensors(case, cast(case.arguments(sizes), torch.float64, device))
    other = [t.flip(0) for t in tensors]
    with backend(path):
        got = torch.vmap(call)(*map(torch.stack, zip(tensors, other, strict=True)))
        wants = [call(*tensors), call(*other)]
    for i, want in enumerate(wants):
        alone = tree_map(lambda x, i=i: x[i], got)
        torch.testing.assert_close(alone, want)


def of_tensors(case: OperationCase, args: tuple) -> tuple[Callable, list[Tensor]]:
    """The operation as a function of its tensors alone, and these."""
    flat, spec = tree_flatten(args)
    places = [i for i, a in enumerate(flat) if isinstance(a, Tensor)]

    def call(*tensors):
        for i, tensor in zip(places, tensors, strict=True):
            flat[i] = tensor
        return case.operation(*tree_unflatten(flat, spec))

    return call, [flat[i] for i in places]


def _detached(arg, keep: bool):
    if isinstance(arg, Tensor):
        return arg.detach().requires_grad_(keep and arg.requires_grad)
    return [_detached(a, keep) for a in arg] if isinstance(arg, list) else arg


def _off_zero(x: Tensor) -> Tensor:
    """Away from kinks, where no difference quotient is the gradient."""
    return torch.where(x.abs() < 0.1, x + 0.2, x)


def _distance(x: Tensor, exact: Tensor) -> float:
    """Largest error; infinite where NaN is not met by NaN."""
    return torch.nan_to_num((x.double() - exact).abs(), nan=torch.inf).max().item()
