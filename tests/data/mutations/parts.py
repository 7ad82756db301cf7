"""What writers of formats share: the readers' test modules, sheets, and plausible numbers."""

import importlib.util
from pathlib import Path

import numpy as np

from stflow_lib.data.adjacency import haversine
from stflow_lib.data.readers.graphs import KM_PER_MILE

READERS = Path(__file__).resolve().parents[1] / "readers"
SENSORS = (11, 12, 15, 14)


def writers(name: str):
    """A test module of the readers, for its functions that write small inputs."""
    spec = importlib.util.spec_from_file_location(f"written_by_{name}", READERS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GRAPHS, AARHUS, GRIDS, PAPERS, TAXI = map(
    writers, ("test_graphs", "test_aarhus", "test_grids", "test_papers", "test_taxi")
)


def places(lat: float, lon: float) -> list[tuple]:
    """(sensor, lat, lon) of every sensor, in a line to the north-east."""
    return [(s, round(lat + i * i / 150, 5), round(lon + i / 100, 5))
            for i, s in enumerate(SENSORS)]  # fmt: skip


def speeds(steps: int = 12, sensors: int = len(SENSORS)) -> np.ndarray:
    """Plausible mph, every value another one: [steps, sensors], one decimal."""
    return np.round(40 + np.random.default_rng(1).permutation(steps * sensors) / 10, 1).reshape(
        steps, sensors
    )


def sheet(path: Path, header: str, rows) -> None:
    """A CSV file from its header line and rows of values."""
    GRAPHS.write(path, *filter(None, [header]), *(",".join(map(str, row)) for row in rows))


def weights() -> np.ndarray:
    """A matrix [N, N] of weights in 0..1 with unit diagonal, not symmetric."""
    matrix = np.random.default_rng(2).uniform(0.1, 0.9, (len(SENSORS),) * 2)
    np.fill_diagonal(matrix, 1)
    return matrix


def five_minutes(first: str, steps: int = 12) -> np.ndarray:
    """Regular time stamps [steps] in seconds."""
    return (np.datetime64(first, "s") + 300 * np.arange(steps)).astype("datetime64[s]")


def miles(rows) -> np.ndarray:
    """Distances [N, N] between places, rows of (sensor, lat, lon), in miles."""
    _, lat, lon = np.transpose(rows)
    return haversine(lat, lon) / KM_PER_MILE
