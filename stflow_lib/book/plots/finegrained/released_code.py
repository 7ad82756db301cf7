"""UrbanSTC beside its released code on the same files, and what decides how good a seed becomes.

    python -m stflow_lib.book.plots.finegrained.released_code

trains `PLANNED` anew, with the encoders of one seed and the fine-tuning of another, and writes
book/urbanstc_starts.csv; trainings are kept in the store, so that it may be interrupted.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch

from stflow_lib import ROOT, runs
from stflow_lib.book import by_city
from stflow_lib.finegrained import METHODS, Task, open_task
from stflow_lib.finegrained.plan import Plan
from stflow_lib.finegrained.training.supervised import validate
from stflow_lib.finegrained.urbanstc.method import KERNEL_SIZES, UrbanSTC, UrbanSTCSettings
from stflow_lib.runs import Rows, store
from stflow_lib.runs.patience import twice
from stflow_lib.runs.settings import build_settings, merged
from stflow_lib.training.method import Predictor

RELEASED = ROOT / "book" / "released_code.csv"  # of HaoQu59/UrbanSTC: 32 channels, 100 epochs
STARTS = ROOT / "book" / "urbanstc_starts.csv"
CITY, AMOUNT = "taxi-sf-64", 100
NAMES = {"reg+inf+tcs": "three pretexts"}  # labels of Table 7 as a reader knows them
NEAR = 1.01  # times the released code's error: as near as two implementations should come
AS_TABLED, FROZEN, SCHEDULE, PATIENT = (
    "", "encoders frozen for 1,000 steps", "the released code's schedule", "twice the patience",
)  # fmt: skip
PLANNED = (  # seed of the pretexts, seed of the fine-tuning, what else is different
    (1, 1, AS_TABLED), (2, 2, AS_TABLED), (2, 1, AS_TABLED), (1, 2, AS_TABLED),
    (2, 2, FROZEN), (2, 2, SCHEDULE), (2, 2, PATIENT),
)  # fmt: skip
RELEASED_PLAN = {"epochs": 100, "epoch_steps": 0, "halve_every": 50, "plateau": 0}
COLUMNS = ["city", "scarcity", "pretexts", "fine_tuning", "change", "dead", "channels",
           "valid_rmse"]  # fmt: skip


def beside(tabled: Rows, path: Path = RELEASED) -> pd.DataFrame:
    """Errors of the released code, ours as means over seeds, and theirs in ours.

    tabled: "reg+inf+tcs" and "random encoders" of Table 7, on any cities.
    """
    released = pd.read_csv(path, dtype={"scarcity": str}).set_index("encoders")
    lines = {}
    for name, line in released.iterrows():
        place = {"city": line["city"], "scarcity": line["scarcity"]}
        here = [r for r in tabled[name] if place.items() <= vars(r).items()]
        found = runs.summary(here, ["rmse", "mae"]).set_index("metric")
        for metric in ("rmse", "mae"):
            own = found.loc[metric]
            lines[NAMES.get(name, name), metric.upper()] = {
                "released": line[metric], "ours": own["mean"], "spread": own["spread"],
                "seeds": own["n"], "ours / released": own["mean"] / line[metric],
            }  # fmt: skip
    return pd.DataFrame(lines).T.rename_axis(["encoders", "error"]).astype({"seeds": int})


def said(table: pd.DataFrame) -> str:
    """Which RMSE lies within `NEAR` of the released code's."""
    rmse = table.xs("RMSE", level="error")
    words = [
        f"{name} {line['ours / released']:.3f} ({line['seeds']:.0f} seeds)"
        for name, line in rmse.iterrows()
        if line["seeds"]
    ]
    near = (rmse["ours / released"] <= NEAR).sum()
    return (
        f"Our RMSE divided by the released code's: {'; '.join(words)}. Above it by one percent at "
        f"most: {near} of {len(words)}."
    )


def starts(path: Path = STARTS) -> pd.DataFrame:
    """A row for each of `PLANNED` that was measured.

    dead: channels of the decoder's first layer, of `channels`, that are zero on all validation
    maps after the first epoch; valid_rmse: of the best epoch.
    """
    return by_city.read(path, COLUMNS)


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """`starts` in the words of a page."""
    words = table.assign(change=table["change"].fillna("").replace("", "none"))
    return words[["pretexts", "fine_tuning", "change", "dead", "valid_rmse"]].rename(columns={
        "pretexts": "pretexts of seed", "fine_tuning": "fine-tuning of seed",
        "change": "other change", "dead": f"dead channels of {table['channels'].max()}",
        "valid_rmse": "validation RMSE",
    })  # fmt: skip


def why(table: pd.DataFrame) -> str:
    """What the seed of fine-tuning decides, and how near other changes bring the worst of them."""
    plain = table["change"].fillna("").eq(AS_TABLED)
    by_seed = table[plain].groupby("fine_tuning")
    words = [
        f"fine-tuned with seed {seed}, {_span(some['dead'], '.0f')} of {some['channels'].max()} "
        f"channels are dead after the first epoch and validation ends at "
        f"{_span(some['valid_rmse'], '.3f')}"
        for seed, some in by_seed
    ]
    changed = table.loc[~plain, "valid_rmse"]
    others = f" With other changes: {_span(changed, '.3f')}." if len(changed) else ""
    return f"Whatever the seed of the pretexts: {'; '.join(words)}.{others}"


def _span(values: pd.Series, form: str) -> str:
    ends = [f"{end:{form}}" for end in (values.min(), values.max())]
    return " to ".join(dict.fromkeys(ends))


def main(path: Path = STARTS) -> None:
    """Measure all of `PLANNED`."""
    by_city.renew(path, CITY, pd.DataFrame(measured(), columns=COLUMNS), ["city"])


def settings_of(tabled: dict) -> dict[str, UrbanSTCSettings]:
    """Settings for each change of `PLANNED`; tabled: those of a run of the table."""
    changes = {
        AS_TABLED: {},
        FROZEN: {"freeze_epochs": 20},
        SCHEDULE: {"freeze_epochs": 5, "training": RELEASED_PLAN},
        PATIENT: {"training": twice(tabled["training"])},
    }
    method = METHODS["UrbanSTC"]
    return {c: build_settings(method, merged(tabled, change)) for c, change in changes.items()}


def measured() -> Iterator[dict]:
    """The rows of `starts`."""
    plan = Plan.of("bench")
    seeds = {seed for planned in PLANNED for seed in planned[:2]}
    tabled = {s: plan.runs(["UrbanSTC"], [CITY], [AMOUNT], [s])[0] for s in seeds}
    task = open_task(tabled[1])
    changed, place = (
        settings_of(tabled[1].settings),
        store.runs_folder("finegrained") / "starts",
    )
    for pretexts, seed, change in PLANNED:
        settings = changed[change]
        folder = place / "-".join([str(pretexts), str(seed), *change.split()])
        fitted = tuned(task, settings, tabled[pretexts], seed, folder)
        with TemporaryDirectory() as beginning:
            once = replace(settings, training=replace(settings.training, epochs=1))
            begun = tuned(task, once, tabled[pretexts], seed, Path(beginning))
        yield dict(zip(COLUMNS, (
            CITY, AMOUNT, pretexts, seed, change, dead_channels(task, begun.learned),
            settings.channels, validate(task, fitted.predict)["valid_rmse"],
        ), strict=True))  # fmt: skip


def tuned(
    task: Task, settings: UrbanSTCSettings, pretexts: runs.Run, seed: int, folder: Path
) -> Predictor:
    """UrbanSTC with the encoders that another run's pretexts left, fine-tuned with its own seed."""
    folder.mkdir(parents=True, exist_ok=True)
    runs.predictor(pretexts)  # so that the store has its checkpoints
    with store.for_reading(pretexts) as trained:
        for name in KERNEL_SIZES:
            shutil.copy(trained / "checkpoints" / f"{name}.pt", folder)
    return METHODS["UrbanSTC"].train(task, settings, seed, folder)


def dead_channels(task: Task, network: UrbanSTC) -> int:
    """Channels of the decoder's first layer that are zero on every validation map."""
    largest = []
    relu = network.eval().decoder[1]
    handle = relu.register_forward_hook(lambda _, __, out: largest.append(out.amax((0, 2, 3))))
    with torch.no_grad():
        for some in task.valid.split(64):
            network(task.coarse[some], task.external[some])
    handle.remove()
    return int((torch.stack(largest).amax(0) == 0).sum())


if __name__ == "__main__":
    main()
