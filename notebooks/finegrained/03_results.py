# %% [markdown]
# # Results: the tables of UrbanSTC, ours beside the paper's
#
# *What you need: the [problem](01_problem_and_baselines) and the
# [method](02_urbanstc_method). Runs in: seconds where the run store is filled, else as long as
# the trainings take. You will see: Tables 3 to 6 and 11 in the paper's layout, and a verdict on
# each order that the paper claims.*
#
# UrbanSTC's result section is one long statement: trained encoders refine coarse maps better than
# networks trained on the maps alone, and most of all when there is little to train on. Its
# evidence are four half-years of Beijing taxis (TaxiBJ P1 to P4, refined by 4) and three months
# of New York bicycles (BikeNYC, refined by 2), with 20 to 100 % of the training steps.
#
# We run the same methods under one protocol on the cities that we have. A printed number
# can only be checked on the paper's own files; those take part on this page as soon as they lie in
# the data folder. The order of methods can be checked anywhere, and is.

# %% tags=["parameters"]
profile: str = "smoke"  # which size of runs the page shows: smoke, lab or paper
train_missing: bool = True  # compute runs that have no record; False shows "not run" instead

# %%
import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib import claims, notebook, profiles, runs
from stflow_lib.data import registry
from stflow_lib.finegrained import METHODS, TABLES
from stflow_lib.plots_results import (
    convergence_figure,
    fractions_figure,
    gains_figure,
    methods_figure,
)

METRICS = ["rmse", "mae", "mape"]
planned = {name: TABLES[name](profile) for name in ("table3", "table4", "table5", "table6", "table11")}
everything = [run for table in planned.values() for run in table]
methods = list(dict.fromkeys(run.method for run in everything))
print(f"profile {profile}: {len(everything)} runs of {len(methods)} methods: {', '.join(methods)}")

# %% [markdown]
# ## The protocol, once
#
# Every method sees the same samples: steps in chronological order, half for training, a quarter
# for validation, a quarter for testing (a set that comes with its own split keeps it). A fraction
# keeps the *first* steps of the training half and never touches the other two. The epoch with the
# lowest validation RMSE is the one that is tested, once. All learned methods have the same budget
# of optimiser steps and the same schedule of learning rates. Two things were chosen beyond the paper, on
# validation maps only: the rate of UrbanSTC's pretexts, and how far from zero all last layers start;
# UrbanFM was not searched at all. Nothing was chosen by looking at test data. The next cell shows what that means in numbers, and
# trains what has no record yet.

# %%
size = profiles.table("finegrained", profile)
budget = pd.DataFrame(size["methods"].items(), columns=["method", "differs from the paper in"])
budget["differs from the paper in"] = [
    ", ".join(f"{k} {v}" for k, v in d.items()).replace("'", "") or "nothing"
    for d in budget["differs from the paper in"]
]
notebook.show(budget, f"Settings of the {profile} profile", index=False)
missing = [run for run in everything if runs.find(run) is None]
if train_missing:
    for run in missing:
        runs.ensure(run)
print(f"{len(missing)} runs had no record before this page")

# %% [markdown]
# ## Table 3: refinement by 4
#
# The stand-in for TaxiBJ is San Francisco: entries of taxis into cells of 180 m, every half-hour
# (in the smoke profile a simulated city). To the right stand the paper's own numbers for
# TaxiBJ-P1. They are **not comparable in size**: Beijing's cells count ten times as many taxis.
# What can be compared is the order from top to bottom, and how it changes from left to right.
# RMSE and MAE are in vehicles per cell and step, MAPE is a fraction; the spread is the standard
# deviation over seeds.


# %%
def show_table(name):
    """The paper's layout, one metric at a time; the printed numbers of our methods beside."""
    number = name.removeprefix("table")
    printed = claims.reported("urbanstc", number)
    printed = printed[printed["method"].isin(list(METHODS))]
    for metric in METRICS:
        if planned[name] or (printed["metric"] == metric).any():
            table = runs.table(planned[name], [metric], reported=printed)
            notebook.show(table, f"Table {number}: {metric.upper()}")
    notebook.provenance(runs.records(planned[name]))


show_table("table3")

# %% [markdown]
# ## Table 11: refinement by 2
#
# The paper refines New York's bicycles from a 40 x 20 to an 80 x 40 grid. Ours is another cut of
# the same system, 40 x 16 to 80 x 32, in- and outflow as separate maps, most of whose fine cells
# never see a bicycle; hence the small errors. The paper leaves MAPE out of its Table 11.

# %%
if planned["table11"]:
    show_table("table11")
else:
    print(f"no city refined by 2 at profile {profile}: the simulated one is refined by 4")

# %% [markdown]
# ## Tables 4 to 6: the paper's other years
#
# P2, P3 and P4 have no stand-in of their own. Where their files are in the data folder they are
# run like any other city; where they are not, the honest table is the printed one with no
# number of ours.

# %%
for name in ("table4", "table5", "table6"):
    show_table(name)
entries = registry.entries()
absent = [n for n in ("taxibj-p1", "taxibj-p2", "taxibj-p3", "taxibj-p4", "bikenyc-2019")
          if entries[n].files() is None]  # fmt: skip
print("not here, hence not run:", ", ".join(absent) or "none")

# %% [markdown]
# ## The same as a picture
#
# The axis is logarithmic because MEAN is several times worse than anything that has seen a
# single fine map. The interesting gap is the one between HA, which needs no network at all, and
# the networks. Where the two colours of a row lie close together, more data help little.

# %%
records = runs.records(everything)
units = {name: entries[name].unit for name in dict.fromkeys(r["city"] for r in records)}
for metric in ("rmse", "mae"):
    methods_figure(records, metric, units)
    plt.show()

# %% [markdown]
# ## Figure 9 (a): error against the amount of data
#
# The paper's central picture. It draws several methods on TaxiBJ-P1 and does not name the metric; we
# draw RMSE, the one that every network is trained on, for the methods made for flow maps and HA. The
# paper's message is that the lines diverge towards the left.

# %%
MADE_FOR_FLOWS = ("HA", "UrbanFM", "UrbanPy", "FODE", "UrbanSTC")
fractions_figure([r for r in records if r["method"] in MADE_FOR_FLOWS], "rmse", units)
plt.show()

# %% [markdown]
# ## Figure 10: convergence
#
# Validation error after each epoch, here with all training data (an epoch is a fixed number of
# optimiser steps in the lab profile, one pass over the data in the others). A line that still falls
# at its right end belongs to a network that the budget cut short. For UrbanSTC the pretexts come
# before the first epoch that is drawn.

# %%
convergence_figure([r for r in records if r["scarcity"] == "100"], units)
plt.show()

# %% [markdown]
# ## The claims, one by one
#
# For each city and amount of data we pair the runs of two methods by seed and look at the
# difference of their errors. The claim "UrbanSTC is better" counts as confirmed when the whole
# 95 % interval of the mean difference lies on its side (see the [scoreboard](../scoreboard) for the
# rules). Three seeds give wide intervals: a difference must be steady to pass.

# %%
judged = claims.judge("finegrained")
orders = judged[judged["kind"].eq("order") & judged["profile"].eq(profile)]
orders = orders[orders["verdict"] != "not run"]
shown = ["city", "fraction", "other", "metric", "ours", "interval_low", "interval_high", "n",
         "verdict"]  # fmt: skip
if len(orders):
    notebook.show(orders[shown], "Error of the other method minus UrbanSTC's", index=False)
else:
    print(f"no order can be judged from {profile} runs: smoke runs are no evidence")


# %%
def as_gain(row):
    """A judged difference and its interval in percent of the other method's mean error."""
    base = [r[f"metric_{row.metric}"] for r in records if r["method"] == row.other
            and r["city"] == row.city and r["scarcity"] == row.fraction]  # fmt: skip
    scale = 100 / (sum(base) / len(base))
    label = f"{row.city}, {row.fraction} %: {row.metric.upper()} below {row.other}"
    return (label, *(scale * v for v in (row.ours, row.interval_low, row.interval_high)),
            row.verdict)  # fmt: skip


gains = pd.DataFrame([as_gain(row) for row in orders.itertuples() if row.other != "MEAN"],
                     columns=["label", "gain", "low", "high", "verdict"])  # fmt: skip
if len(gains):
    gains_figure(gains)
    plt.show()
    print(
        f"{(gains['verdict'] == 'confirmed').sum()} of {len(gains)} orders against HA and "
        "UrbanFM confirmed"
    )

# %% [markdown]
# ## Where our order differs, and why
#
# In the published lab runs UrbanSTC is below MEAN and, in RMSE, below HA everywhere; that it is below
# UrbanFM is **not confirmed** on either city. What we tried before writing that down, each on
# validation maps of San Francisco with 20 % of the data and one seed: a last layer that starts at 1 instead of 0.1
# (RMSE and MAE worse), pretexts at the released code's rate of 1e-4 instead of the text's 1e-3
# (worse), and no pre-training at all (equal to the best of these). So the pretexts give nothing
# here, and the decoder, one convolution deep before it enlarges, meets a deeper network with batch
# normalisation. The likeliest reason is the budget: the lab profile takes 800 steps of
# fine-tuning and 200 to 400 of each pretext, the paper's schedule some ten thousand; encoders
# that have hardly learned cannot lead. The `paper` profile is the test of that, and has not run.

# %% [markdown]
# ## Do the numbers keep the constraint?
#
# Every prediction must give each coarse cell back. The records hold the largest relative gap over
# all blocks of the test part, and the share of *dead* blocks, about whose inside a method says
# nothing at all: for MEAN that is every block by definition. HA keeps the constraint on average
# only, because a mean of ratios is not the ratio of a single map.

# %%
kept = pd.DataFrame(
    [(r["method"], r["city"], r["metric_conservation"], r["metric_dead_blocks"],
      bool(r["notes"].get("collapsed"))) for r in records],
    columns=["method", "city", "largest gap", "dead blocks", "collapsed"],
)  # fmt: skip
worst = kept.groupby(["city", "method"], sort=False).max()
notebook.show(worst, "Worst over seeds and amounts of data", digits=6)
networks = kept[~kept["method"].isin(["MEAN", "HA"])]
assert (networks["largest gap"] <= 1e-4).all(), "a network lost vehicles"
assert not kept["collapsed"].any(), "a collapsed run is in the tables"

# %% [markdown]
# ## What it costs
#
# Parameters and seconds as recorded. Seconds were measured while other trainings shared the
# machine, so they are an order of magnitude, not a benchmark; side-by-side timings are a page of
# their own.

# %%
cost = pd.DataFrame(records).groupby(["city", "method"], sort=False)
notebook.show(
    cost[["parameters", "epochs", "seconds_per_epoch", "fit_seconds", "peak_memory_mb"]]
    .mean().round(2), "Means over seeds and amounts of data", digits=2,
)  # fmt: skip

# %% [markdown]
# ## Summary
#
# **What to remember.** MEAN is no baseline to be proud of beating; HA, a table of historical shares,
# already removes most of its error, and is the rule that a network has to beat. The verdicts above
# say where UrbanSTC beats it, and UrbanFM, on our cities, and the scoreboard keeps the count.
#
# **Deviations from the paper.** Small networks and short budgets in the lab profile (first table);
# last layers that start alive and lose nothing (`activation`, `safe`; their effect is
# [shown](02_urbanstc_method)); validation once an epoch; stand-in cities. None of the
# paper's ten other baselines yet.
#
# **Next:** the same runs [as maps](04_maps).
#
# **References.** {cite:t}`urbanstc`; {cite:t}`urbanfm`.
