"""UrbanSTC's variants on the method's page: their table, effects, curves, and the deviations."""

from collections.abc import Mapping, Sequence
from math import ceil

import pandas as pd
import torch

from stflow_lib import runs
from stflow_lib.book.plots.finegrained.probes import PRETEXTS
from stflow_lib.finegrained.urbanstc.method import AS_PRINTED, UrbanSTCSettings
from stflow_lib.runs import Rows
from stflow_lib.training.loop import Training, resolve_precision

LAST_LAYERS = ("relu as printed", "relu, safe", "softplus")
PRETRAINING = ("random encoders", "paper's text", "hard triplets", "with calendar")
COLUMNS = ("paper", "here", "setting", "effect")


def variants_table(variants: Rows) -> pd.DataFrame:
    """Errors over seeds without collapsed runs, and how many ran: a line per variant."""
    return pd.DataFrame({name: _line(group) for name, group in variants.items()}).T


def _line(group: Sequence[runs.Run]) -> dict:
    found = runs.summary(group, ["rmse", "mae"]).set_index("metric")
    cell = found.loc["rmse"]
    errors = {metric.upper(): _error(found.loc[metric]) for metric in ("rmse", "mae")}
    counts = {"n": cell["n"], "collapsed": cell["collapsed"], "not run": cell["missing"]}
    return errors | counts | {"stale": "yes" if cell["stale"] else ""}


def _error(cell: pd.Series) -> str:
    """Mean and spread of one metric in words, or why there is none."""
    if not cell["n"]:
        return "collapsed" if cell["collapsed"] else "not run"
    return f"{cell['mean']:.3f}" + (f" ± {cell['spread']:.3f}" if cell["n"] > 1 else "")


def effects(variants: Rows) -> dict[str, str]:
    """Change of RMSE against the first variant, in words; nothing is claimed without runs."""
    means = {name: runs.summary(group, "rmse").iloc[0] for name, group in variants.items()}
    base, *others = means
    return {name: _effect(means[name], means[base]) for name in others}


def _effect(own: pd.Series, base: pd.Series) -> str:
    if not base["n"] or not own["n"]:
        return "collapsed" if own["collapsed"] else "not run"
    gone = f" ({own['collapsed']} collapsed, left out)" if own["collapsed"] else ""
    return f"RMSE {100 * (own['mean'] / base['mean'] - 1):+.1f} %{gone}"


def variants_curves(variants: Rows, unit: str) -> dict[tuple[str, str], dict[str, list]]:
    """The panels of `curves_figure`: validation and dead blocks, and the pretexts.

    One curve for each seed that has it; variants and panels without any are left out.
    """
    tabled, rmse = next(iter(variants)), f"RMSE ({unit})"
    wanted = {
        ("validation, by pre-training", rmse): ("valid_rmse", (tabled, *PRETRAINING)),
        ("validation, by last layer", rmse): ("valid_rmse", (tabled, *LAST_LAYERS)),
        ("dead blocks", "share of non-empty blocks"): (
            "dead_blocks", (tabled, *LAST_LAYERS, "paper's text"),
        ),
        ("Reg: validation", "loss"): ("reg_valid", (tabled,)),
        ("Inf: validation", rmse): ("inf_valid_rmse", (tabled, *LAST_LAYERS)),
        ("TCS: validation", "triplet loss"): ("tcs_valid", (tabled, "hard triplets")),
    }  # fmt: skip
    panels = {
        title: {n: found for n in names if (found := _seeds(variants[n], curve))}
        for title, (curve, names) in wanted.items()
    }
    return {title: groups for title, groups in panels.items() if groups}


def _seeds(group: Sequence[runs.Run], curve: str) -> list[list[float]]:
    found = [record["curves"].get(curve) for record in runs.records(group)]
    return [values for values in found if values]


def pretext_curves(
    curves: Mapping[str, Mapping], unit: str, mean_split: float
) -> dict[tuple[str, str], dict[str, list]]:
    """The panels of `curves_figure` for the page's own short pretexts: "reg", "inf", "tcs".

    `mean_split` is the validation RMSE of the mean split, drawn as a level line.
    """
    both = {"training": "loss", "validation": "valid"}
    refined = curves["inf"]["valid_rmse"]
    inf = {
        "training": [[loss**0.5 for loss in curves["inf"]["loss"]]],
        "validation": [refined],
        "mean split, validation": [[mean_split] * len(refined)],
    }
    return {
        ("Reg, labels from the embedding", "loss"): {
            name: [curves["reg"][key]] for name, key in both.items()
        },
        ("Inf", f"RMSE ({unit})"): inf,
        ("TCS", "triplet loss"): {name: [curves["tcs"][key]] for name, key in both.items()},
    }


def steps_in_epoch(plan: Training, samples: int = 0) -> int:
    """Optimiser steps in an epoch of `plan`: as it says, else one pass over the samples.

    0 where neither is known.
    """
    return plan.epoch_steps or ceil(samples / plan.batch)


def schedule(plan: Training, samples: int = 0) -> str:
    """`plan` in words; with a number of samples or its own steps, how many an epoch has."""
    steps = steps_in_epoch(plan, samples)
    size = f" of {steps} steps" if steps else ""
    rate = f"halved every {plan.halve_every}" if plan.halve_every else "not halved"
    epochs = f"{plan.epochs} epoch{'s' * (plan.epochs != 1)}"
    return f"{epochs}{size} at {plan.learning_rate:g}, {rate}"


def deviations(
    settings: UrbanSTCSettings,
    effect: Mapping[str, str],
    device: torch.device,
    samples: int = 0,
) -> pd.DataFrame:
    """Where a network leaves the paper, by which setting, and what that does.

    `effect`: see `effects`; `device`: where it runs; `samples`: maps to train on, 0 where the
    city is not here.
    """
    rows = [*_of_the_method(settings, effect), *_of_the_training(settings, device, samples)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_the_method(s: UrbanSTCSettings, effect: Mapping[str, str]) -> list:
    width = s.channels
    return [
        ("Reg labels and loss, TCS embedding, upsampling, freezing: paper's text",
         "the released code's", "regional, temporal, single_step, freeze_epochs",
         effect["paper's text"]),
        ("triplets by weight sampling", s.temporal.sampling, "temporal.sampling",
         "hard: " + effect["hard triplets"]),
        ("triplets mined in the whole training part (code)",
         "the whole part" if s.temporal.global_pool else "inside the fraction",
         "temporal.global_pool", "not measured here"),
        ("last layer ReLU", s.activation, "activation",
         "relu as printed: " + effect["relu as printed"]),
        ("M2 without safe form", "safe" if s.safe else "the same", "safe",
         "relu, safe: " + effect["relu, safe"]),
        ("no external factors in Tables 3 to 7", "external" if s.external else "the same",
         "external", "with: " + effect["with calendar"]),
        ("C = 128", f"C = {width}", "channels", "none" if width == 128 else "not measured here"),
    ]  # fmt: skip


def _of_the_training(settings: UrbanSTCSettings, device: torch.device, samples: int) -> list:
    code, plan = UrbanSTCSettings(), settings.training
    precision = resolve_precision(plan.precision, device)
    steps = steps_in_epoch(plan, samples)
    often = f", every {steps} iterations" if steps else ""
    return [
        (f"fine-tuning: {schedule(code.training)}", schedule(plan, samples),
         "training", "not measured here"),
        *_pretext_rows(settings, samples),
        ("encoders frozen for 5 epochs (code)", f"frozen for {settings.freeze_epochs}",
         "freeze_epochs", "not measured alone"),
        ("validation every 20 iterations", f"after each epoch{often}",
         "training.epoch_steps", "not measured here"),
        ("random anchors in validation (code)", "fixed anchors", "none: regional_pretext",
         "validation losses of two epochs are comparable"),
        ("new Adam at each halving and unfreezing (code)", "the same", "none: loop.train",
         "none"),
        ("float32", str(precision).removeprefix("torch."), "training.precision",
         "none" if precision == torch.float32 else "not measured here"),
    ]  # fmt: skip


def _pretext_rows(settings: UrbanSTCSettings, samples: int) -> list:
    """Schedules of the three pretexts: the paper's text, its code, and here."""
    text, code = AS_PRINTED, UrbanSTCSettings()
    rows = []
    for name, field in PRETEXTS.items():
        said, ran, ours = (getattr(s, field).training for s in (text, code, settings))
        printed = f"{name}: {schedule(said)} (text), {schedule(ran)} (code)"
        here = schedule(ours, samples)
        rows.append((printed, here, f"{field}.training", "not measured here"))
    return rows
