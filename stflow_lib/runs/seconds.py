"""How long runs took, and how long similar ones will take."""

from collections.abc import Iterable, Mapping

from stflow_lib.runs import store
from stflow_lib.runs.publish import published
from stflow_lib.runs.run import Run

ALIKE = (("method", "profile", "city", "scarcity"), ("method", "profile"), ("profile",))


def seconds(record: Mapping) -> float:
    """Seconds of fit and prediction."""
    return record["fit_seconds"] + record["predict_seconds"]


def core_seconds(record: Mapping) -> float:
    """Seconds times threads: what a run costs of a machine's cores."""
    return seconds(record) * record.get("threads", 1)


class Seconds:
    """Seconds that runs took, to say how long similar ones will take.

    `cost` says what a record took, in seconds; the records of a wing are the store's and the
    published ones.
    """

    def __init__(self, wings: Iterable[str], cost=seconds):
        self.cost = cost
        self.known: dict[tuple, tuple[float, int]] = {}  # kind of runs -> sum, number
        for wing in wings:
            for record in [*published(wing).values(), *store.read_all(wing)]:
                self.add(record)

    def add(self, record: Mapping) -> None:
        """One more run whose time is known."""
        for names in ALIKE:
            kind = (names, record["wing"], *(record[name] for name in names))
            total, number = self.known.get(kind, (0.0, 0))
            self.known[kind] = total + self.cost(record), number + 1

    def of(self, run: Run) -> float | None:
        """Seconds of the most similar runs on average; None while none is known."""
        for names in ALIKE:
            kind = (names, run.wing, *(getattr(run, name) for name in names))
            if kind in self.known:
                total, number = self.known[kind]
                return total / number
        return None

    def total(self, todo: Iterable[Run]) -> tuple[float, int]:
        """Seconds of those runs whose length is known, and the number of the others."""
        found = [self.of(run) for run in todo]
        return sum(s for s in found if s is not None), found.count(None)

    def left(self, todo: Iterable[Run], workers: int = 1) -> str:
        """The time that these runs will take, `workers` at a time, in words."""
        known, unknown = self.total(todo)
        known /= max(workers, 1)
        others = f" and {unknown} runs of unknown length" if unknown else ""
        amount = f"{known:.0f} s" if known < 100 else f"{known / 60:.0f} min"
        return f"about {amount}{others} left"
