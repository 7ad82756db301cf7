"""The name of one training: which method, where, with how much data, which seed and settings."""

import hashlib
import importlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType


class RunError(RuntimeError):
    """A run that could not be named, trained or stored; the message names the run."""


@dataclass(frozen=True)
class Run:
    """One training, or one fit of a method without parameters.

    ``settings`` holds only what differs from the method's defaults; two runs with the same
    fields have the same ``key`` on every machine.
    """

    wing: str  # package inside stflow_lib: "finegrained"
    method: str  # name in the wing's METHODS
    city: str  # name in the catalogue
    protocol: str  # how the city is split and scored, in the wing's words
    scarcity: str  # how much training data: "100" is all of it
    profile: str  # "smoke", "lab", "bench" or "paper"
    seed: int
    settings: dict = field(default_factory=dict, hash=False)

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits: sha256 of the fields as canonical JSON."""
        text = json.dumps(vars(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __str__(self) -> str:
        extra = "".join(f", {name}={value}" for name, value in sorted(self.settings.items()))
        return (
            f"{self.wing} {self.method} on {self.city}, {self.protocol}, {self.scarcity} "
            f"({self.profile}, seed {self.seed}{extra}) [{self.key}]"
        )


def wing_of(run: Run) -> ModuleType:
    """The package that knows the run's methods and tasks; RunError when there is none."""
    try:
        return importlib.import_module(f"stflow_lib.{run.wing}")
    except ModuleNotFoundError as error:
        if error.name != f"stflow_lib.{run.wing}":
            raise
        raise RunError(f"{run}: there is no wing '{run.wing}'") from None


def method_of(run: Run):
    """The run's entry in the wing's METHODS; RunError names the methods that exist."""
    methods = wing_of(run).METHODS
    if run.method not in methods:
        raise RunError(f"{run}: no method '{run.method}', the wing has {', '.join(methods)}")
    return methods[run.method]
