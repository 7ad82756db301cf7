"""The size of a profile in this wing, and how a run of it is named."""

from dataclasses import dataclass

from stflow_lib.data.catalog import index
from stflow_lib.runs import plan
from stflow_lib.runs.run import wing_of

ORIGINALS = {  # the paper's own sets take part where their files are
    "table3": "taxibj-p1",
    "table4": "taxibj-p2",
    "table5": "taxibj-p3",
    "table6": "taxibj-p4",
    "table11": "bikenyc-2019",
}
SMALL = {"nyc-2016": 5}  # cities so small that more seeds than the profile's are affordable
RULES = ("MEAN", "HA")  # learn nothing from chance, run once


def factor_of(city: str) -> int:
    """M, as the catalogue or the city's file states it; ValueError for one that has none."""
    entry = index.entries().get(city)
    factor = entry.factor if entry else index.load(city).attrs.get("factor", 0)
    if not factor:
        raise ValueError(
            f"{city}: the catalogue states no upscaling factor; for a city of your own: "
            "register(name, city, factor=M)"
        )
    return factor


@dataclass(frozen=True)
class Plan(plan.Plan):
    """``tables.finegrained`` of profiles.yaml; fractions are per cent of the training part."""

    WING = "finegrained"
    DETERMINISTIC = (*RULES, "Trees")
    MOST = 100

    def protocol(self, city: str) -> str:
        """The upscaling factor: "x4"."""
        return f"x{factor_of(city)}"

    def seeds_of(self, city: str) -> list[int]:
        """The profile's seeds, at least as many as `SMALL` says."""
        return [*self.seeds, *range(len(self.seeds), SMALL.get(city, 0))]

    @property
    def smoke(self) -> bool:
        """Whether this is the smallest size, at which a few rows show that a page runs."""
        return self.profile == "smoke"

    @property
    def all_data(self) -> list[int | float]:
        """The largest of the fractions."""
        return self.fractions[-1:]

    def first(self, factor: int) -> list[str]:
        """The profile's first city refined by `factor`, or none."""
        return [city for city in self.cities if factor_of(city) == factor][:1]

    def originals(self, *tables: str) -> list[str]:
        """The paper's sets of these tables that are here; none at smoke size."""
        entries = index.entries()
        names = [] if self.smoke else [ORIGINALS[table] for table in tables]
        return [name for name in names if entries[name].files() is not None]

    def ablation_cities(self, factor: int) -> list[str]:
        """Where an ablation takes place: the paper's sets of that factor that are here, `first`."""
        tables = [table for table, name in ORIGINALS.items() if factor_of(name) == factor]
        return self.originals(*tables) + self.first(factor)

    def has(self, method: str) -> bool:
        """Whether the wing has the method and the profile gives it, or its parent, a size."""
        known = wing_of(self.plain(method)).METHODS
        return method in known and {method, _parent(method)} & set(self.methods) != set()

    def overrides(self, method: str) -> dict:
        """What differs from the method's defaults: its own entry, or that of its parent."""
        if method in self.methods:
            return self.methods[method]
        if _parent(method) not in self.methods:
            raise ValueError(
                f"profile {self.profile}: neither {method} nor {_parent(method)} in its methods"
            )
        found = self.methods[_parent(method)]
        return _without_schedules(found) if method == "end-to-end" else found


def _parent(method: str) -> str:
    """UrbanFM+E varies UrbanFM; trained end to end, UrbanSTC keeps UrbanSTC's size."""
    return "UrbanSTC" if method == "end-to-end" else method.partition("+")[0]


def _without_schedules(settings: dict) -> dict:
    kept = {name: value for name, value in settings.items() if name != "freeze_epochs"}
    for name in ("regional", "inference", "temporal"):
        inner = {k: v for k, v in kept.pop(name, {}).items() if k != "training"}
        kept |= {name: inner} if inner else {}
    return kept
