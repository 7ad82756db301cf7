"""ShareNet beside the memory that it starts from, UrbanSTC and the best of all other networks."""

from collections.abc import Mapping, Sequence

import pandas as pd
import torch

from stflow_lib import runs
from stflow_lib.finegrained import METHODS, Task, open_task
from stflow_lib.finegrained.beyond.sharenet import ShareNet
from stflow_lib.runs import Run
from stflow_lib.training.metrics import flow_errors
from stflow_lib.verdicts import paired
from stflow_lib.verdicts.statistics import interval

Place = tuple[str, str]  # city, amount of data


def at(group: Sequence[Run], place: Place) -> list[Run]:
    """The runs of the group on that city, with that amount of data."""
    return [run for run in group if (run.city, run.scarcity) == place]


def untrained(run: Run) -> tuple[Task, ShareNet]:
    """A run's task and its network before training."""
    task = open_task(run)
    settings = runs.build_settings(METHODS["ShareNet"], run.settings)
    return task, ShareNet(task, settings).to(task.device).eval()


def test_rmse(network: ShareNet, task: Task) -> float:
    """RMSE of the network over the test part, in vehicles per step."""
    with torch.inference_mode():
        fine = [network(task.coarse[i], task.external[i]) for i in task.test.split(256)]
    return flow_errors(torch.cat(fine), task.fine[task.test])["rmse"]


def start_error(run: Run) -> float:
    """Test RMSE of the run's network before training, in vehicles per step."""
    task, network = untrained(run)
    return test_rmse(network, task)


def first_error(group: Sequence[Run], place: Place, seed: int) -> float:
    """Test RMSE of that seed there; NaN when it has not run."""
    return paired.errors([r for r in at(group, place) if r.seed == seed], "rmse").mean()


def ranked(tables: Sequence[Run], place: Place) -> pd.Series:
    """Mean RMSE there of every method with records but MEAN and UrbanSTC, best first."""
    found = runs.summary(tables, "rmse").dropna(subset="mean")
    found = found[~found["row"].isin(["MEAN", "UrbanSTC"])]
    found = found[found["city"].eq(place[0]) & found["scarcity"].eq(place[1])]
    return found.set_index("row")["mean"].sort_values()


def best_other(own: Sequence[Run], tables: Sequence[Run], place: Place) -> dict:
    """The best network of the tables there, and how `own` compares with it, paired by seed."""
    for method, rmse in ranked(tables, place).drop("HA", errors="ignore").head(1).items():
        there = [run for run in at(tables, place) if run.method == method]
        for row in paired.paired_gains(at(own, place), there, ["rmse"]).itertuples():
            gain = {"ShareNet lower by (%)": row.gain, "from": row.low, "to": row.high}
            return {"best other": method, "its RMSE": rmse, **gain, "n": row.n,
                    "verdict": row.verdict}  # fmt: skip
    return {"best other": "not run"}


def learned(own: Sequence[Run], place: Place, start: float) -> dict[str, float]:
    """By how much training lowers the RMSE `start`, in percent, with interval over seeds."""
    gain = 100 * (1 - paired.errors(at(own, place), "rmse") / start)
    low, high = interval(gain)
    return {"ShareNet below untrained by (%)": gain.mean(), "from": low, "to": high}


def cost_table(records: Mapping[str, Sequence[Mapping]]) -> pd.DataFrame:
    """Parameters, and seconds of a training, by city: the methods of `records` side by side."""
    columns = ["city", "parameters", "fit_seconds"]
    size = {name: pd.DataFrame(found)[columns].groupby("city").mean()
            for name, found in records.items() if found}  # fmt: skip
    return pd.concat(size, axis=1).astype(int) if size else pd.DataFrame()
