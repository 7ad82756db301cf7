"""Which runs make up which table and figure of TSJT's paper, and what goes beyond it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from stflow_lib.runs import Rows, RowTable
from stflow_lib.runs.held_out import is_held_out
from stflow_lib.runs.pair import split_pair, target_of
from stflow_lib.runs.patience import patience_rows
from stflow_lib.speedgraph.plan import Plan

JOINT, ALONE = "TSJT(STGCN)", "Target only"
ABLATIONS = {  # Figure 3: what is left out
    "w/o NPM": (JOINT, {"use_prompts": False}),
    "w/o TSB": ("TSJT in Reptile", {}),
    "w/o A_K": (JOINT, {"use_knowledge": False}),
}
STEPS = {  # what stands in TSB's place, the rest of the method untouched
    "weighted sum": {"step": {"rule": "sum"}},
    "equal sum": {"step": {"rule": "sum", "target_weight": 0.5, "source_weight": 0.5}},
    "w/o source": {"step": {"rule": "target"}},
    "PCGrad": {"step": {"rule": "pcgrad"}},
    "A-GEM": {"step": {"rule": "agem"}},
    "cosine gate": {"step": {"rule": "gate"}},
    "TSB, one component": {"step": {"granularity": "global"}},
    "TSB, equal weights": {"step": {"target_weight": 0.2, "source_weight": 0.2}},
}
PATTERNS = (10, 25, 50, 75, 100, 150, 200)  # Figure 4: size of the bank
MODES = ("gram", "code", "pattern_softmax")  # readings of Eq. 5
DAYS = (0.25, 1, 3)  # of the target
SENSORS = (8, 32)  # of the target, beside all of them
DRAWS = (0, 1, 2)  # which sensors
STARTS = (0, 1, 2)  # first visible day
BACKBONES = {  # one seed; the two variants of STGCN, and Graph WaveNet
    "alone, STGCN A": ("Target only", {"backbone": {"variant": "A"}}),
    "alone, STGCN B": ("Target only", {"backbone": {"variant": "B"}}),
    "alone, Graph WaveNet": ("Target only(GWN)", {}),
    "TSJT, STGCN A": (JOINT, {"backbone": {"variant": "A"}}),
    "TSJT, STGCN B": (JOINT, {"backbone": {"variant": "B"}}),
    "TSJT, Graph WaveNet": ("TSJT(GWN)", {}),
}
ASKED = ("Target only", "DASTNet", "GWN", JOINT, "TSJT(GWN)")
WAVES = {  # the paper's question, every row on Graph WaveNet
    "TSJT": ("TSJT(GWN)", {}),
    "w/o TSB": ("TSJT(GWN) in Reptile", {}),
    "w/o NPM": ("TSJT(GWN)", {"use_prompts": False}),
    "Target only": ("Target only(GWN)", {}),
    "Joint": ("Joint(GWN)", {}),
    "Fine-tuned": ("Fine-tuned(GWN)", {}),
    "Zero-shot": ("Zero-shot(GWN)", {}),
}
CHANGE = "-change1"  # see `problem.from_run`
SCARCE = (
    "Last value", "Ridge", "Target only", "Fine-tuned", "Joint", JOINT, "Zero-shot",
)  # fmt: skip
OURS = ("Graph ridge", "Trees", "Trees(pooled)", "Boosted line")  # without a network
WEEK = "-visible7"  # test windows begin after seven days, however many of them are seen
LONG = "bay-i680"  # a month, of which a week may be seen
RATIOS = {  # the sources' weight over the target's 0.2, the paper's first
    "1/200": {}, "1/20": {"source_weight": 0.01}, "1": {"source_weight": 0.2},
    "20": {"source_weight": 4.0},
}  # fmt: skip
RULES = {"TSB": {}, "sum": {"rule": "sum"}}  # with and without the projection
SOURCED = ("GPD", "STGP", JOINT, "Trees(pooled)", "Boosted line")  # Figure 5, and ours


def table2(profile: str) -> Rows:
    """Every method on every target."""
    plan = Plan.of(profile)
    return {m: plan.runs([m], plan.cities, plan.few) for m in plan.methods}


def figure3(profile: str) -> Rows:
    """TSJT without one of its parts each."""
    return _varied(profile, {JOINT: (JOINT, {})} | ABLATIONS)


def waves(profile: str) -> Rows:
    """TSJT, its parts and plain ways to use sources, all with Graph WaveNet; two targets."""
    cities = Plan.of(profile).cities
    return _varied(profile, WAVES, pairs=[*dict.fromkeys(cities[:1] + _long(cities))])


def steps(profile: str) -> Rows:
    """Other ways to make one step of two gradients, and no sources at all."""
    rows = {label: (JOINT, changes) for label, changes in STEPS.items()}
    return _varied(profile, {"TSB": (JOINT, {})} | rows)


def figure4(profile: str) -> Rows:
    """The size of the bank in three readings of Eq. 5, one seed."""
    variants = {
        f"{mode}, K = {size}": (JOINT, {"prompting": {"mode": mode, "patterns": size}})
        for mode in MODES
        for size in PATTERNS
    }
    return _varied(profile, variants, slice(1))


def figure5(profile: str) -> Rows:
    """Every subset of the source cities, one seed."""
    plan = Plan.of(profile)
    return {
        method: plan.runs([method], subsets(plan.cities[0]), plan.few, plan.seeds[:1])
        for method in SOURCED
    }


def subsets(city: str) -> list[str]:
    """ "a+b>c" -> ["a>c", "b>c", "a+b>c"]."""
    sources, target = split_pair(city)
    return [
        f"{'+'.join(some)}>{target}"
        for size in range(1, len(sources) + 1)
        for some in combinations(sources, size)
    ]


def backbones(profile: str) -> Rows:
    """The same training of other networks, one seed."""
    return _varied(profile, BACKBONES, slice(1))


def asked(profile: str) -> Rows:
    """Networks asked for speeds, and for the change since the last input; one seed."""
    plan = Plan.of(profile)
    target = target_of(plan.cities[0])
    plain = plan.switches.get(target, "").replace(CHANGE, "")
    asking = {
        word: replace(plan, switches={target: plain + switch})
        for word, switch in (("speeds", ""), ("changes", CHANGE))
    }
    return {
        f"{method}, {word}": some.runs([method], some.cities[:1], some.few, some.seeds[:1])
        for method in ASKED
        for word, some in asking.items()
    }


def scarcity(profile: str) -> Rows:
    """Six hours, a day, three days of the target."""
    plan = Plan.of(profile)
    return {m: plan.runs([m], plan.cities[:1], DAYS) for m in (*SCARCE, *OURS)}


def week(profile: str) -> Rows:
    """Six hours to a week of the target that has a month, one test span for all of them."""
    plan = Plan.of(profile)
    pairs = _long(plan.cities)
    return {m: plan.runs([m], pairs, (*DAYS, 7), switch=WEEK) for m in (*SCARCE, *OURS)}


def _long(cities: list[str]) -> list[str]:
    """The transfer to the target that has a month, where the profile has it."""
    return [city for city in cities if target_of(city) == LONG]


def ratios(profile: str) -> Rows:
    """The weight of the sources, with and without TSB, at six hours and three days; two seeds.

    STGCN without prompts: the first of TSB is w/o NPM of Figure 3. Does the best weight fall as
    data grow, and does TSB widen the range of weights that does no harm?
    """
    plan = Plan.of(profile)
    some = plan.cities[:1], (DAYS[0], DAYS[-1]), plan.seeds[:2]
    rows = {ALONE: plan.runs([ALONE], *some)}
    for label, rule in RULES.items():
        for ratio, weight in RATIOS.items():
            changes = {"use_prompts": False} | (
                {"step": rule | weight} if rule | weight else {}
            )
            rows[f"{label}, {ratio}"] = plan.runs([JOINT], *some, changes=changes)
    return rows


def other_days(profile: str) -> Rows:
    """Our own method told and not told what other days say, where a second setting is allowed."""
    rows = {"told": ("Boosted line", {}), "not told": ("Boosted line", {"told": False})}
    pairs = [city for city in Plan.of(profile).cities if not is_held_out("speedgraph", city)]
    return _varied(profile, rows, pairs=pairs)


def sensors(profile: str) -> Rows:
    """A target with a handful of sensors, drawn anew; all of them is Table 2."""
    plan = Plan.of(profile)
    switches = [f"-sensors{count}-draw{draw}" for count in SENSORS for draw in DRAWS]
    return {m: _switched(plan, m, switches) for m in (*SCARCE, *OURS)}


def starts(profile: str) -> Rows:
    """Three days that begin elsewhere; where they do, the second half is the test."""
    plan = Plan.of(profile)
    switches = [f"-from{day}" for day in STARTS[1:]]
    return {m: _switched(plan, m, switches) for m in (*SCARCE, *OURS)}


def patience(profile: str) -> Rows:
    """Trained with twice the patience: three methods on the first target."""
    plan = Plan.of(profile)
    return patience_rows(plan, (ALONE, "Joint", JOINT), plan.cities[:1], plan.few, plan.seeds)


def _switched(plan: Plan, method: str, switches: list[str]) -> list:
    """One seed of a method on the first target, once for each switch."""
    return [
        run
        for switch in switches
        for run in plan.runs([method], plan.cities[:1], plan.few, plan.seeds[:1], switch=switch)
    ]


def _varied(
    profile: str, variants: dict, seeds: slice = slice(None), pairs: Sequence[str] = ()
) -> Rows:
    """Methods with changed settings on the first target, or on those of `pairs`."""
    plan = Plan.of(profile)
    cities = pairs or plan.cities[:1]
    return {
        label: plan.runs([method], cities, plan.few, plan.seeds[seeds], changes=changes)
        for label, (method, changes) in variants.items()
    }


TABLES = {
    "table2": RowTable(table2),
    "figure3": RowTable(figure3),
    "waves": RowTable(waves),
    "figure4": RowTable(figure4),
    "figure5": RowTable(figure5),
    "steps": RowTable(steps),
    "backbones": RowTable(backbones),
    "asked": RowTable(asked),
    "scarcity": RowTable(scarcity),
    "week": RowTable(week),
    "ratios": RowTable(ratios),
    "other_days": RowTable(other_days),
    "sensors": RowTable(sensors),
    "starts": RowTable(starts),
    "patience": RowTable(patience),
}
