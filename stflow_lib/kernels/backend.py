"""Which form of an operation runs: the paper's (naive), plain torch, or Triton kernels.

`auto` takes Triton kernels for tensors on a card and torch elsewhere. A form that was asked for
by name and cannot run is an error, never another form.
"""

import inspect
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

PATHS = ("auto", "naive", "torch", "triton")
OPERATIONS = ("conserve", "masked_error", "nearest_and_farthest", "node_prompt",
              "pattern_density", "rank_contrast", "skewed_direction")  # fmt: skip
FORMS = "stflow_lib.kernels.triton_ops"
TRITON = find_spec("triton") is not None
_forms: dict[str, ModuleType] = {}


class BackendError(RuntimeError):
    """A form was asked for that cannot run here; the message says why."""


class backend:
    """`backend("torch")` sets the form of all operations, in a `with` for its block only."""

    current = "auto"

    def __init__(self, path: str):
        """Set the form; ValueError for a name that is none."""
        if path not in PATHS:
            raise ValueError(f"backend {path!r}: want one of {[*PATHS]}")
        if path == "triton" and TRITON:
            load_forms()
        self.before, backend.current = backend.current, path

    def __enter__(self):
        """The form is set already."""
        return self

    def __exit__(self, *_) -> None:
        """Back to the form before, after an error too."""
        backend.current = self.before

    @staticmethod
    def explain(operation: Callable, *args) -> str:
        """Which form `operation(*args)` would run under the present setting, and why."""
        name, wanted = operation.__name__, backend.current
        given = inspect.signature(operation).bind(*args)
        given.apply_defaults()
        if wanted in ("naive", "torch"):
            return f"{name}: {wanted}, as asked for"
        reason = _unsupported(name, given.args) or (wanted == "auto" and _auto_exclusion(name))
        if not reason:
            return f"{name}: triton, {'as asked for' if wanted == 'triton' else 'on a card'}"
        verb = "cannot run" if wanted == "triton" else "torch"
        return f"{name}: {verb}, because {reason}"


def dispatch(name: str, naive: Callable, fast: Callable, args: tuple):
    """The chosen form of the operation `name`, called. BackendError where it cannot be."""
    path = choose(name, args)
    if path == "triton":
        return triton_module(name).apply(*args)
    return naive(*args) if path == "naive" else fast(*args)


def choose(name: str, args: tuple) -> str:
    """One of "naive", "torch", "triton"."""
    wanted = backend.current
    if wanted in ("naive", "torch"):
        return wanted
    if wanted == "auto" and not _on_card(args[0]):
        return "torch"
    reason = _unsupported(name, args)
    if reason and wanted == "triton":
        raise BackendError(f"{name}: the Triton form cannot run, because {reason}")
    return "torch" if reason or (wanted == "auto" and _auto_exclusion(name)) else "triton"


def triton_module(name: str) -> ModuleType:
    """The module of an operation's kernels; it and Triton are imported when first wanted."""
    if name not in _forms:
        _forms[name] = import_module(f"{FORMS}.{name}")
    return _forms[name]


def load_forms() -> None:
    """Import the kernels of all operations now: what torch.compile traces cannot import."""
    for name in OPERATIONS:
        triton_module(name)


def prepare() -> None:
    """Where a card is, `auto` may want any kernel. Counting cards starts none of them."""
    if TRITON and torch.cuda.device_count():
        load_forms()


def interpreted() -> bool:
    """Whether kernels run without a card, one instruction after the other (for tests)."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def _on_card(first) -> bool:
    tensor = first if isinstance(first, Tensor) else first[0] if len(first) else None
    return tensor is not None and tensor.is_cuda


def _unsupported(name: str, args: tuple) -> str | None:
    """Why the Triton form cannot take these arguments; None where it can."""
    if not TRITON:
        return "triton is not installed"
    tensors = [*_tensors(args)]
    where = {str(t.device) for t in tensors}
    if len(where) > 1:
        return f"tensors are on {' and '.join(sorted(where))}"
    if not interpreted() and not all(t.is_cuda for t in tensors):
        return f"tensors are on {', '.join(where) or 'no device'}, not on a card"
    kinds = {t.dtype for t in tensors if t.is_floating_point()}
    if len(kinds) > 1 and not getattr(triton_module(name), "MIXED", False):
        return f"dtypes are {' and '.join(sorted(map(str, kinds)))}"
    return triton_module(name).unsupported(*args)


def _auto_exclusion(name: str) -> str | None:
    """Why `auto` leaves the Triton form alone although it could run."""
    return getattr(triton_module(name), "UNWISE", None)


def _tensors(args) -> Iterator[Tensor]:
    for arg in args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, list | tuple):
            yield from (a for a in arg if isinstance(a, Tensor))
