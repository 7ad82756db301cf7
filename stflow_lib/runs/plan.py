"""The size of a profile in a wing that learns in one city for another, and its runs' names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from stflow_lib.runs import Run, build_settings, changed, profiles
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.run import method_of
from stflow_lib.training.method import Method


@dataclass(frozen=True)
class TransferPlan:
    """What a profile runs in a wing: ``tables.WING`` of profiles.yaml."""

    WING: ClassVar[str]
    TARGET_ONLY: ClassVar[tuple[str, ...]]  # transfer nothing: run on the target by itself
    FEW_SHOT_ONLY: ClassVar[tuple[str, ...]]  # nothing to say without a day of the target
    DETERMINISTIC: ClassVar[tuple[str, ...]]  # the same with every seed, run once

    profile: str
    cities: list[str]  # "SOURCE>TARGET"; the first carries ablations and sweeps
    seeds: list[int]
    fractions: list[float]  # days of target data, 0: zero-shot; first the few-shot setting
    methods: dict[str, dict]  # what differs from the methods' defaults

    @classmethod
    def of(cls, profile: str) -> Self:
        return cls(profile, **profiles.table(cls.WING, profile))

    def protocol(self, target: str) -> str:
        """How a target's time is cut, by name."""
        raise NotImplementedError

    @property
    def few(self) -> list[float]:
        return self.fractions[:1]

    def runs(
        self,
        methods: Iterable[str],
        cities: Iterable[str],
        days: Iterable[float],
        seeds: Iterable[int] = (),
        changes: dict | None = None,
        switch: str = "",
    ) -> list[Run]:
        """Every combination that makes sense, of methods to which the profile gives a size.

        `changes` to the settings, one without effect leaves no trace in a run's key; `switch`
        goes behind the protocol's name, see the wing's `opening`.
        """
        seeds, methods, days = list(seeds) or self.seeds, list(methods), list(days)
        return [
            self._run(method, city, some, seed, changes or {}, switch)
            for city in cities
            for some in days
            for method in methods
            if method in self.methods and (some or method not in self.FEW_SHOT_ONLY)
            for seed in (seeds[:1] if method in self.DETERMINISTIC else seeds)
        ]

    def _run(self, method, city, days, seed: int, changes: dict, switch: str) -> Run:
        target = target_of(city)
        return Run(
            self.WING,
            method,
            target if method in self.TARGET_ONLY else city,
            self.protocol(target) + switch,
            str(days),
            self.profile,
            seed,
            self.changed(method, changes),
        )

    def changed(self, method: str, changes: dict) -> dict:
        """The profile's settings of a method with `changes`, unless they are so already."""
        return changed(self.entry(method), self.methods[method], changes)

    def settings(self, method: str):
        """The settings object of a method at this size."""
        return build_settings(self.entry(method), self.methods[method])

    def entry(self, method: str) -> Method:
        """The method's row in METHODS."""
        return method_of(Run(self.WING, method, "", "", "", self.profile, 0))
