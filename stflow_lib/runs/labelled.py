"""Tables whose rows are more than a method's name."""

from collections.abc import Callable
from dataclasses import dataclass

from stflow_lib.runs.run import Run

Rows = dict[str, list[Run]]  # label of a row -> its runs


@dataclass(frozen=True)
class Labelled:
    """A table with named rows: called with a profile, its runs, each once; `rows` by name."""

    rows: Callable[[str], Rows]

    def __call__(self, profile: str) -> list[Run]:
        runs = [run for row in self.rows(profile).values() for run in row]
        return list({run.key: run for run in runs}.values())
