"""Traffic as density waves: the triangular fundamental diagram and cell transmission.

Vehicles are conserved (Lighthill-Whitham-Richards), dk/dt + dq/dx = on-ramps - off-ramps, and
the flow through a border is the smaller of what the upstream cell can send and the downstream
cell can take (Daganzo 1994). One cell per sensor, many days side by side: arrays are [days, N].
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Diagram:
    """q(k) = min(free k, wave (jam - k)): flow in vehicles/h for a density k in vehicles/km."""

    free: float  # speed of an empty road, km/h
    wave: float = 18.0  # speed at which a queue grows upstream, km/h
    jam: float = 390.0  # density of standing traffic, vehicles/km (three lanes)

    @property
    def critical(self) -> float:
        """Density of largest flow, vehicles/km."""
        return self.wave * self.jam / (self.free + self.wave)

    @property
    def capacity(self) -> float:
        """Largest flow, vehicles/h."""
        return self.free * self.critical

    def flow(self, density):
        """Vehicles/h at a density in [0, jam], any shape."""
        return np.minimum(self.free * density, self.wave * (self.jam - density))

    def speed(self, density):
        """km/h at a density in [0, jam]: q / k, and `free` on an empty road."""
        density = np.maximum(density, 1e-9)
        return self.flow(density) / density


@dataclass(frozen=True)
class Roads:
    """Carriageways laid end to end in driving order.

    first, last [N]: is the cell an end of its carriageway? leave [N]: share of the outflow that
    takes the off-ramp. turn [N, N], sparse: which share of the vehicles that leave at one cell
    (row) comes to the on-ramp of another (column); the rest is at home.
    """

    cell_km: float
    first: np.ndarray
    last: np.ndarray
    leave: np.ndarray
    turn: csr_array


def advance(density, queue, demand, limit, slow, hours, diagram: Diagram, roads: Roads):
    """One step of `hours`: density (vehicles/km) and queue (vehicles at on-ramps) [days, N].

    demand: vehicles/h that reach the on-ramps; limit: capacity, vehicles/h; slow: factor of the
    free speed. Returns (density, queue, flow, left): flow = min(free k, limit, wave (jam - k)),
    the vehicles/h of a cell in equilibrium, and left = those on its off-ramp or at the end.
    The step must not exceed cell_km / free (else waves would outrun the cells).
    """
    send = np.minimum(diagram.free * slow * density, limit)
    take = np.minimum(limit, diagram.wave * (diagram.jam - density))
    ramp = np.minimum(demand + queue / hours, np.where(roads.first, take, 0.5 * take))
    main = np.zeros_like(density)  # flow in from the cell upstream
    main[:, 1:] = np.minimum((send * (1 - roads.leave))[:, :-1], (take - ramp)[:, 1:])
    main[:, roads.first] = 0
    out = np.where(roads.last, send, np.roll(main, -1, axis=1) / (1 - roads.leave))
    left = np.where(roads.last, send, out * roads.leave)
    flow = np.minimum(send, take)
    density = density + (main + ramp - out) * (hours / roads.cell_km)
    queue = queue + (demand + left @ roads.turn - ramp) * hours
    return density, queue, flow, left


def run(demand, limit, slow, step_hours, diagram: Diagram, roads: Roads):
    """Mean density (vehicles/km) and flow (vehicles/h) of every step, [steps, days, N].

    demand, limit and slow [steps, days, N] are constant within a step. The roads start in free
    flow with the first step's demand on its way.
    """
    substeps = int(np.ceil(step_hours * diagram.free / roads.cell_km))
    start = np.where(roads.first, 1.0, 1 / roads.leave).astype(demand.dtype) / diagram.free
    density = np.minimum(demand[0] * start, 0.8 * diagram.critical)
    queue = np.zeros_like(density)
    densities, flows = np.zeros_like(demand), np.zeros_like(demand)
    for t in range(len(demand)):
        given = demand[t], limit[t], slow[t], step_hours / substeps, diagram, roads
        for _ in range(substeps):
            densities[t] += density / substeps
            density, queue, flow, _ = advance(density, queue, *given)
            flows[t] += flow / substeps
    return densities, flows
