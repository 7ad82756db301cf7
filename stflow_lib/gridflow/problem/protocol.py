"""Where cities are cut in time: the paper's split, and the same shape for shorter series."""

from dataclasses import dataclass

from stflow_lib.runs.pair import named


@dataclass(frozen=True)
class Protocol:
    """Bounds in steps from a city's first step, ends exclusive.

    A label belongs to the part in which it lies; its inputs may come from the part before.
    """

    name: str
    steps: int  # of the target that take part at all
    valid: int  # target: first validation label; the few-shot days end here
    test: int  # target: first test label, up to `steps`
    source_steps: int  # of every source
    source_valid: int  # sources: training labels before it, validation labels after
    local_clocks: bool = False  # cities of different zones meet by the hour of the local day
    event: tuple[int, int] | None = None  # test steps that are also scored apart


def by_sixths(days: int, **more) -> Protocol:
    """A sixth of the days for test, a sixth before it for validation, sources cut 2:1.

    Whole days, hourly steps; the shape of the paper's split (2 of 12 months each).
    """
    steps, part = 24 * days, 24 * (days // 6)
    bounds = {"source_steps": steps, "source_valid": 16 * days} | more
    return Protocol(f"P{days}", steps, steps - 2 * part, steps - part, **bounds)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        # The released code of CrossTReS: 60 days of labels each for validation and test;
        # sources: two thirds of the 8778 labels train.
        Protocol("paper", 8784, 5904, 7344, 8784, 6 + 5852),
        by_sixths(90),  # JONAS without the blizzard: the main one
        by_sixths(100, event=(2184, 2300)),  # JONAS whole; the event is the blizzard
        by_sixths(59, local_clocks=True),  # Chicago and Washington bikes, two months of 2021
        by_sixths(60),  # simulated cities
        by_sixths(24, local_clocks=True, source_steps=2160, source_valid=1440),  # taxi-sf
    )
}


def protocol_of(name: str) -> Protocol:
    """The protocol of a name; DataError lists the names that exist."""
    return named("protocol", PROTOCOLS, name)
