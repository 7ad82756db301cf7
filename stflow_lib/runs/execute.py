"""Computing runs: fit, score, measure, and store the record before saying that it is done."""

import dataclasses
import hashlib
import math
import platform
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from stflow_lib import ROOT
from stflow_lib.runs import store
from stflow_lib.runs.evidence import evidence, validation_errors
from stflow_lib.runs.publish import published
from stflow_lib.runs.run import Run, RunError, method_of, wing_of
from stflow_lib.runs.settings import build_settings
from stflow_lib.runs.staleness import current_source, find, is_stale
from stflow_lib.training import memory
from stflow_lib.training.method import Predictor

LOCK_FILE = ROOT / "requirements.lock"


def ensure(run: Run) -> dict:
    """The run's record, with a field ``stale``, computed when there is none.

    A stale record of the store is computed anew; a stale published one is returned with
    ``stale`` True, so that a page built elsewhere says so and does not train for hours.
    Raises RunError, naming the run, when the training or the scoring fails.
    """
    record = find(run)
    if record is not None and (not record["stale"] or run.key in published(run.wing)):
        return record
    return compute(run)


def compute(run: Run, wait: bool = True) -> dict:
    """Train and score the run unless the store holds a fresh record; returns the record.

    With `wait` False raises `store.Locked` when another process is at it.
    """
    with store.locked(run, wait) as folder:
        record = store.read(run)
        if record is None or is_stale(run, record):
            record = _guarded(run, folder)
    return {**record, "stale": False}


def compute_missing(
    runs: Iterable[Run], done: Callable[[Run, dict], None] = lambda *_: None
) -> None:
    """Compute what the store lacks; a failing run keeps no other from being computed.

    Runs that another process holds are left to the end. ``done(run, record)`` is called after
    each. Raises RunError at the end, with one line for each run that failed.
    """
    failures: list[str] = []
    busy: list[Run] = []
    for run, wait in _then(runs, busy):
        try:
            done(run, compute(run, wait))
        except store.Locked:
            busy.append(run)
        except RunError as error:
            failures.append(str(error))
    if failures:
        raise RunError("\n".join(failures))


def ensure_all(runs: Iterable[Run], train: bool = True) -> tuple[int, int]:
    """Compute what has no record, if `train`: (distinct runs, how many had none before)."""
    planned = {run.key: run for run in runs}.values()
    lacking = [run for run in planned if find(run) is None]
    for run in lacking if train else ():
        ensure(run)
    return len(planned), len(lacking)


def predictor(run: Run):
    """The run's fitted predictor: from its finished checkpoint, else by fitting it again.

    The checkpoint may come from another device; the store may be one that is only read.
    """
    with store.for_reading(run) as folder:
        return _fitted(run, folder, MADE_FROM).predictor


def validation(run: Run) -> dict:
    """The run's `valid_error` and `rule_valid_error`, trained for them alone and not kept.

    No test step is predicted. RunError, naming the run, also where the wing or the target has
    no validation part.
    """
    with tempfile.TemporaryDirectory(prefix="stflow-runs-") as place:
        folder = Path(place) / run.key
        folder.mkdir()
        try:
            fit = _fitted(run, folder)
            errors = validation_errors(run, fit.task, fit.predictor, fit.again)
        except Exception as error:
            raise RunError(f"{run}: {_in_a_line(error)}") from error
    if not errors:
        raise RunError(f"{run}: no validation part")
    return errors


def _in_a_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _then(runs: Iterable[Run], busy: list[Run]) -> Iterator[tuple[Run, bool]]:
    yield from ((run, False) for run in runs)
    yield from ((run, True) for run in list(busy))


def _guarded(run: Run, folder: Path) -> dict:
    try:
        record = _record(run, folder)
        store.write(run, record)
        return record
    except Exception as error:
        reason = _in_a_line(error)
        raise RunError(f"{run}: {reason} ({_keep_traceback(folder / 'error.txt')})") from error


def _keep_traceback(path: Path) -> str:
    """Write down the exception in hand; where it lies, or why it does not."""
    try:
        path.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError as error:
        return f"traceback not kept: {error}"
    return f"traceback in {path}"


MADE_FROM = ("source_hash", "data_hash")
MADE_ON = ("device", "threads")  # on others the same code and data end with other numbers


class _Fit(NamedTuple):
    """What fitting a run has made."""

    task: Any
    predictor: Predictor
    resumed: bool  # checkpoints were there to go on from
    again: Callable[[Any], Predictor]  # fits another task in the same folder


def _fitted(run: Run, folder: Path, must: Sequence[str] = (*MADE_FROM, *MADE_ON)) -> _Fit:
    """The run's method, fitted; checkpoints that do not agree in `must` of their stamp go."""
    task, method = wing_of(run).open_task(run), method_of(run)
    stamp = {"source_hash": current_source(run), "data_hash": task.data_hash, **_machine()}
    settings = build_settings(method, run.settings)
    inside = store.checkpoints(folder, stamp, must)
    resumed = any(inside.iterdir())

    def again(other: Any) -> Predictor:
        return method.train(other, settings, run.seed, inside)

    return _Fit(task, again(task), resumed, again)


def _record(run: Run, folder: Path) -> dict:
    _reset_peak()
    start = time.perf_counter()
    task, fitted, resumed, again = _fitted(run, folder)
    middle = time.perf_counter()
    scores = wing_of(run).score(task, fitted)
    end = time.perf_counter()
    beside = _plain(evidence(run, task, fitted, again))
    return {
        **dataclasses.asdict(run),
        "key": run.key,
        **_flat("metric", scores["metrics"]),
        **_flat("part", scores["parts"]),
        "parameters": fitted.parameters,
        "epochs": fitted.epochs,
        "seconds_per_epoch": fitted.seconds_per_epoch,
        "fit_seconds": middle - start,
        "predict_seconds": end - middle,
        "resumed": resumed,
        "peak_memory_mb": _peak_mb(),
        "curves": _plain(fitted.curves),
        "notes": _plain(fitted.notes),
        **beside,
        **_environment(),
        "source_hash": current_source(run),
        "data_hash": task.data_hash,
    }


def _flat(prefix: str, values: Mapping) -> dict[str, float]:
    """Nested numbers as one level of names; a number that is not finite is an error."""
    flat: dict[str, float] = {}
    for name, value in values.items():
        label = f"{prefix}_{name}"
        if isinstance(value, Mapping):
            flat |= _flat(label, value)
        elif not math.isfinite(value):
            raise FloatingPointError(f"{label} is {value}")
        else:
            flat[label] = float(value)
    return flat


def _plain(value):
    """What JSON can hold: scalars of arrays as numbers, numbers that are not finite as None."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _environment() -> dict[str, str | int]:
    import torch

    return {
        **_machine(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "lock_hash": lock_hash(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def lock_hash() -> str:
    """sha256 of requirements.lock; empty where the package is installed without it."""
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest() if LOCK_FILE.exists() else ""


def _machine() -> dict[str, str | int]:
    """What decides the last digits of a training: the chip, and how many threads share a sum."""
    import torch

    return {"device": _chip(), "threads": torch.get_num_threads()}


def _chip() -> str:
    """The accelerator's name, else the processor's."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    lines = (
        Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    )
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return (models or [platform.processor() or platform.machine()])[0]


def device_name() -> str:
    """The accelerator's name, else the processor's with the number of threads in use."""
    import torch

    if torch.cuda.is_available():
        return _chip()
    number = torch.get_num_threads()
    return f"{_chip()}, {number} thread{'s' * (number != 1)}"


def _reset_peak() -> None:
    """Start the peak counters anew, where the system lets us, so that runs do not inherit it."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    memory.reset_peak()


def _peak_mb() -> float:
    """Peak memory since the reset: of the accelerator when there is one, else of the process."""
    import resource

    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = memory.status_mb("VmHWM")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return own if math.isnan(peak) else peak
