"""The size of a profile in this wing, and how a run of it is named."""

from collections.abc import Iterable
from dataclasses import dataclass

from stflow_lib import profiles
from stflow_lib.fit import Method
from stflow_lib.runs import Run, build_settings, changed
from stflow_lib.runs.run import method_of

PROTOCOL_OF = {  # first word of the target's name: how its months are cut
    "jonas": "P90", "bikes": "P59", "taxi": "P24", "sim": "P60", "crosstres": "paper",
}  # fmt: skip
RULES = ("Previous hour", "Yesterday", "Last week", "Few-shot mean", "Hour-of-week mean")
ALONE = (*RULES, "ARIMA", "ST-net", "PDFormer")  # transfer nothing: run on the target by itself
FEW_SHOT_ONLY = (*ALONE, "ST-DAAN", "CrossTReS")  # no entry in zero-shot, as in the paper
CERTAIN = (*RULES, "ARIMA", "Linear")  # the same with every seed, run once


@dataclass(frozen=True)
class Plan:
    """What a profile runs in this wing: ``tables.gridflow`` of profiles.yaml."""

    profile: str
    cities: list[str]  # "SOURCE>TARGET"; the first carries ablations and sweeps
    seeds: list[int]
    fractions: list[int]  # days of target data, 0: zero-shot; the first is the few-shot setting
    methods: dict[str, dict]  # what differs from the methods' defaults

    @classmethod
    def of(cls, profile: str) -> "Plan":
        return cls(profile, **profiles.table("gridflow", profile))

    @property
    def few(self) -> list[int]:
        return self.fractions[:1]

    def runs(
        self,
        methods: Iterable[str],
        cities: Iterable[str],
        days: Iterable[int],
        seeds: Iterable[int] = (),
        changes: dict | None = None,
        switch: str = "",
    ) -> list[Run]:
        """Every combination that makes sense, of methods to which the profile gives a size.

        `changes` to the settings, one without effect leaves no trace in a run's key; `switch`
        goes behind the protocol's name, see `opening.SWITCHES`.
        """
        seeds, found = list(seeds) or self.seeds, []
        for city in cities:
            for scarcity in days:
                for method in methods:
                    if method in self.methods and (scarcity or method not in FEW_SHOT_ONLY):
                        some = seeds[:1] if method in CERTAIN else seeds
                        found += [
                            self._run(method, city, scarcity, seed, changes or {}, switch)
                            for seed in some
                        ]
        return found

    def _run(self, method, city, days, seed: int, changes: dict, switch: str) -> Run:
        target = city.rpartition(">")[2]
        return Run(
            "gridflow",
            method,
            target if method in ALONE else city,
            PROTOCOL_OF[target.partition("-")[0]] + switch,
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
        return method_of(Run("gridflow", method, "", "", "", self.profile, 0))
