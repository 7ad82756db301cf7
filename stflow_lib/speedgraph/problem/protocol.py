"""How a speed series is cut into windows: one grid of steps, and which steps count as results.

TSJT prints 12 steps in, 6 steps out and errors at 10, 30 and 60 minutes for cities of 5 and of
10 minutes alike, which cannot all be true. So every result says which reading it follows.
"""

from dataclasses import dataclass

from stflow_lib.runs.pair import named

FEW_DAYS = 3  # calendar days of the target that may be seen; test windows begin after them


@dataclass(frozen=True)
class Protocol:
    """Steps of one grid; `reported` counts from 1, the first step after the inputs."""

    name: str
    minutes: int | None  # of a step; None: the cities' own, which must then be one
    lags: int  # input steps (L)
    ahead: int  # label steps (Q)
    reported: tuple[int, int, int]  # steps whose errors a table prints


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("P10", 10, 12, 6, (1, 3, 6)),  # the one in which all printed words are true
        Protocol("native", None, 12, 6, (1, 3, 6)),  # ST-GFSL and the authors' loader
        Protocol("P5", 5, 12, 12, (2, 6, 12)),  # TPB and STGP
    )
}


def protocol_of(name: str) -> Protocol:
    """The protocol of a name; DataError lists the names that exist."""
    return named("protocol", PROTOCOLS, name)
