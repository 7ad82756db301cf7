"""The size of a profile in this wing, and how a run of it is named."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stflow_lib.data.catalog import index as registry
from stflow_lib.runs import Run, build_settings, changed, merged, profiles
from stflow_lib.runs.run import method_of, wing_of

ORIGINALS = {  # the paper's own sets take part where their files are
    "table3": "taxibj-p1",
    "table4": "taxibj-p2",
    "table5": "taxibj-p3",
    "table6": "taxibj-p4",
    "table11": "bikenyc-2019",
}
RULES = ("MEAN", "HA")  # learn nothing from chance, run once


def factor_of(city: str) -> int:
    """M: the bicycle sets are refined by 2, all others by 4."""
    return 2 if city.startswith("bike") else 4


@dataclass(frozen=True)
class Plan:
    """What a profile runs in this wing: ``tables.finegrained`` of profiles.yaml."""

    profile: str
    cities: list[str]
    seeds: list[int]
    fractions: list[int]
    methods: dict[str, dict]  # what differs from the methods' defaults

    @classmethod
    def of(cls, profile: str) -> "Plan":
        return cls(profile, **profiles.table("finegrained", profile))

    @property
    def smoke(self) -> bool:
        return self.profile == "smoke"

    @property
    def all_data(self) -> list[int]:
        return self.fractions[-1:]

    def first(self, factor: int) -> list[str]:
        """The profile's first city refined by `factor`, or none."""
        return [city for city in self.cities if factor_of(city) == factor][:1]

    def originals(self, *tables: str) -> list[str]:
        """The paper's sets of these tables that are here; none at smoke size."""
        entries = registry.entries()
        names = [] if self.smoke else [ORIGINALS[table] for table in tables]
        return [name for name in names if entries[name].files() is not None]

    def ablation_cities(self, factor: int) -> list[str]:
        """Where an ablation takes place: the paper's sets of that factor that are here, `first`."""
        tables = [table for table, name in ORIGINALS.items() if factor_of(name) == factor]
        return self.originals(*tables) + self.first(factor)

    def has(self, method: str) -> bool:
        """Whether the wing has the method and the profile gives it, or its parent, a size."""
        known = wing_of(self._plain(method)).METHODS
        return method in known and {method, _parent(method)} & set(self.methods) != set()

    def settings(self, method: str) -> dict:
        """What differs from the method's defaults: its own entry, or that of the method it varies."""
        if method in self.methods:
            return self.methods[method]
        if _parent(method) not in self.methods:
            raise ValueError(
                f"profile {self.profile}: neither {method} nor {_parent(method)} in its methods"
            )
        found = self.methods[_parent(method)]
        return _without_schedules(found) if method == "end-to-end" else found

    def built(self, method: str, changes: dict | None = None):
        """The method's settings at this profile, `changes` applied."""
        wanted = merged(self.settings(method), changes or {})
        return build_settings(method_of(self._plain(method)), wanted)

    def changed(self, method: str, changes: dict) -> dict:
        """The profile's settings with changes; one without effect leaves no trace in the key."""
        return changed(method_of(self._plain(method)), self.settings(method), changes)

    def runs(
        self,
        methods: Iterable[str],
        cities: Iterable[str],
        fractions: Iterable[int],
        seeds: Iterable[int] = (),
        changes: dict | None = None,
    ) -> list[Run]:
        """Every combination of what the profile has; all its seeds unless `seeds` names others."""
        seeds = list(seeds) or self.seeds
        settings = {m: self.changed(m, changes or {}) for m in methods if self.has(m)}
        return [
            replace(
                self._plain(method), city=city, protocol=f"x{factor_of(city)}",
                scarcity=str(fraction), seed=seed, settings=settings[method],
            )
            for city in cities
            for fraction in fractions
            for method in settings
            for seed in (seeds[:1] if method in RULES else seeds)
        ]  # fmt: skip

    def _plain(self, method: str) -> Run:
        return Run("finegrained", method, "", "", "", self.profile, 0)


def _parent(method: str) -> str:
    """UrbanFM+E varies UrbanFM; trained end to end, UrbanSTC keeps UrbanSTC's size."""
    return "UrbanSTC" if method == "end-to-end" else method.partition("+")[0]


def _without_schedules(settings: dict) -> dict:
    kept = {name: value for name, value in settings.items() if name != "freeze_epochs"}
    for name in ("regional", "inference", "temporal"):
        inner = {k: v for k, v in kept.pop(name, {}).items() if k != "training"}
        kept |= {name: inner} if inner else {}
    return kept
