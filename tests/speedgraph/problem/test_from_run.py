"""Names of runs become tasks, and typing errors are named."""

from types import SimpleNamespace

import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import open_task


def test_names_of_runs():
    """Choices after dashes; a typing error is named."""
    run = SimpleNamespace(city="sim-speed-a+sim-speed-b>sim-speed-c", scarcity="1")
    task = open_task(SimpleNamespace(**vars(run), protocol="P10-sensors8-every6"))
    assert task.target.speed.shape[1] == 8 and int(task.test[1] - task.test[0]) == 6
    assert [s.name for s in task.sources] == ["sim-speed-a", "sim-speed-b"] and task.days == 1
    told = open_task(SimpleNamespace(**vars(run), protocol="P10-weekday1-blocks1-squares9"))
    assert told.refit and told.target.squares == 9 and told.sources[0].features == 3
    for wrong in ("P10-sensor8", "P10-every"):
        with pytest.raises(DataError, match="switch"):
            open_task(SimpleNamespace(**vars(run), protocol=wrong))


def test_real_cities_open(real_data):
    """All four, each with the other three; la's first week on ten minutes."""
    names = ("la", "san-diego", "bay-i680", "aarhus")
    task = open_task(
        SimpleNamespace(city="+".join(names[1:]) + ">la", protocol="P10-every50", scarcity="3")
    )
    assert task.target.speed.shape == (1008, 207) and len(task.sources) == 3
    assert {s.unit for s in task.sources} == {"mph", "km/h"}
