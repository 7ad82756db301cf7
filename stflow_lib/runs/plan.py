"""The size of a profile in a wing, and how its runs are named."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from stflow_lib.runs import Run, build_settings, changed, merged, profiles
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.run import method_of
from stflow_lib.training.method import Method


@dataclass(frozen=True)
class Plan:
    """What a profile runs in a wing: ``tables.WING`` of profiles.yaml."""

    WING: ClassVar[str]
    DETERMINISTIC: ClassVar[tuple[str, ...]]  # the same with every seed, run once
    MOST: ClassVar[float] = math.inf  # training data that there can be, in the wing's unit

    profile: str
    cities: list[str]
    seeds: list[int]
    fractions: list[int | float]  # how much training data, in the wing's unit
    methods: dict[str, dict]  # what differs from the methods' defaults

    @classmethod
    def of(cls, profile: str) -> Self:
        """The wing's part of a profile; ProfileError for more data than there can be."""
        table = profiles.table(cls.WING, profile)
        if most := [amount for amount in table["fractions"] if amount > cls.MOST]:
            place = f"tables.{cls.WING}.{profile}.fractions"
            raise profiles.ProfileError(f"{place}: {most[0]} is more than all, {cls.MOST}")
        return cls(profile, **table)

    def protocol(self, city: str) -> str:
        """How the data of a city, or of a pair's target, are cut, by name."""
        raise NotImplementedError

    def has(self, method: str) -> bool:
        """Whether the profile gives the method a size."""
        return method in self.methods

    def applies(self, method: str, fraction: float) -> bool:
        """Whether the method has anything to say with so much data."""
        return True

    def place(self, method: str, city: str) -> str:
        """The city, or pair of cities, in the name of a method's run."""
        return city

    def trained(self, method: str, fraction: int | float) -> str:
        """The method that is trained where `method` stands in a table."""
        return method

    def seeds_of(self, city: str) -> list[int]:
        """The seeds of a city, or pair of cities."""
        return self.seeds

    def runs(
        self,
        methods: Iterable[str],
        cities: Iterable[str],
        fractions: Iterable[int | float],
        seeds: Iterable[int] = (),
        changes: dict | None = None,
        switch: str = "",
    ) -> list[Run]:
        """Every combination that makes sense, of methods to which the profile gives a size.

        All seeds of a city unless `seeds` names others. `changes` to the settings, one without
        effect leaves no trace in a run's key; `switch` goes behind the protocol's name and changes
        the data, see the wing's `problem.from_run`.
        """
        methods, fractions = [m for m in methods if self.has(m)], list(fractions)
        trained = {f: dict.fromkeys(self.trained(m, f) for m in methods) for f in fractions}
        settings = {m: self.changed(m, changes or {}) for m in set().union(*trained.values())}
        named = list(seeds)
        return [
            Run(
                self.WING,
                method,
                self.place(method, city),
                self.protocol(target_of(city)) + switch,
                str(fraction),
                self.profile,
                seed,
                settings[method],
            )
            for city in cities
            for fraction in fractions
            for method in trained[fraction]
            if self.applies(method, fraction)
            for seed in self._once(method, named or self.seeds_of(city))
        ]

    def _once(self, method: str, seeds: list[int]) -> list[int]:
        return seeds[:1] if method in self.DETERMINISTIC else seeds

    def overrides(self, method: str) -> dict:
        """What differs from the method's defaults at this size."""
        return self.methods[method]

    def changed(self, method: str, changes: dict) -> dict:
        """The method's overrides with `changes`, unless they are so already."""
        return changed(self.entry(method), self.overrides(method), changes)

    def settings(self, method: str, changes: dict | None = None):
        """The settings object of a method at this size, `changes` applied."""
        return build_settings(self.entry(method), merged(self.overrides(method), changes or {}))

    def entry(self, method: str) -> Method:
        """The method's row in METHODS."""
        return method_of(self.plain(method))

    def plain(self, method: str) -> Run:
        """A run of the method, with neither city nor data."""
        return Run(self.WING, method, "", "", "", self.profile, 0)


@dataclass(frozen=True)
class TransferPlan(Plan):
    """Of a wing that learns in one city for another.

    `cities` are pairs "SOURCE>TARGET", the first carries ablations and sweeps; `fractions` are
    days of target data, 0: zero-shot, first the few-shot setting.
    """

    TARGET_ONLY: ClassVar[tuple[str, ...]]  # transfer nothing: run on the target by itself
    FEW_SHOT_ONLY: ClassVar[tuple[str, ...]]  # nothing to say without a day of the target

    @property
    def few(self) -> list[int | float]:
        """The few-shot setting."""
        return self.fractions[:1]

    def applies(self, method: str, fraction: float) -> bool:
        """Zero-shot leaves out what needs a day of the target."""
        return bool(fraction) or method not in self.FEW_SHOT_ONLY

    def place(self, method: str, city: str) -> str:
        """The target alone of a method that transfers nothing."""
        return target_of(city) if method in self.TARGET_ONLY else city
